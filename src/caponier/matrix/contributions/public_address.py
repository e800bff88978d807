"""Whether an address is one where anybody can read a report."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

_RESERVED: Final = {
    "example",
    "test",
    "invalid",
    "localhost",
    "local",
    "internal",
    "lan",
    "intranet",
    "corp",
    "home",
    "arpa",
    "onion",
    "alt",
}
"""Last labels of names that are no public hosts (RFC 2606, RFC 6761, RFC 9476, and what private networks use)."""
_EXAMPLES: Final = {"example.com", "example.org", "example.net", "example.edu"}
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_LAST: Final = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{2,59}")


def host_of(address: str) -> str:
    """Return the host of an address in small letters, or an empty text if there is none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def issue_to(address: str) -> str | None:
    """Say why an address is none of a public report, or return None if it is one."""
    if not address.lower().startswith(("https://", "http://")):
        return "it is no http or https address"
    if re.search(r"[\s\\<>\"`{}|^]", address) or not address.isprintable():
        return "it holds letters that no address has"
    try:
        parts = urlsplit(address)
        name, _ = parts.username or parts.password, parts.port
    except ValueError as wrong:
        return f"it is malformed: {wrong}"
    if name:
        return "it holds a user name"
    host = host_of(address)
    if why := _objection_to_host(host):
        return why
    if parts.path in ("", "/") and not parts.query and not parts.fragment:
        return "it names a site, not a report"
    return None


def _objection_to_host(host: str) -> str | None:
    if not host:
        return "it names no host"
    if _is_number(host):
        return "its host is a number, not a public name"
    try:
        labels = host.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        return "its host is malformed"
    if labels[-1] in _RESERVED or ".".join(labels[-2:]) in _EXAMPLES:
        return f"its host {host} is reserved or private: nobody else can read it"
    if len(labels) < 2 or not _LAST.fullmatch(labels[-1]) or not all(map(_LABEL.fullmatch, labels)):
        return f"its host {host} is no public name"
    return None


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        # Browsers read 2130706433 and 0x7f.1 as addresses, too.
        return (
            re.fullmatch(r"(0x)?[0-9a-f]+", host.rsplit(".", 1)[-1]) is not None
            and host.rsplit(".", 1)[-1][:1].isdigit()
        )
    return True
