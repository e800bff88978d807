"""Where anybody can read about an entry, and the short names that other formats know tactics by."""

import re
from typing import Final
from urllib.parse import quote

from caponier.matrix.technique import Tactic
from caponier.matrix.versions.catalogue import Matrix

SOURCES: Final = {"atlas": "mitre-atlas", "attack": "mitre-attack"}
"""Kind of a matrix to the name that STIX knows its ids and its kill chain by; others have that of their kind."""
_ADDRESS: Final = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[^\[\]/?#@:\s]+)(:[0-9]{1,5})?([/?][^#]*)?(?:#(.*))?", re.IGNORECASE | re.DOTALL
)
_PAGE_2020: Final = "https://github.com/{}/blob/master/pages/adversarial-ml-threat-matrix.md"


def source_name(kind: str) -> str:
    """Return the name that STIX knows the ids of a kind of matrix by."""
    return SOURCES.get(kind, kind)


def technique_page(matrix: Matrix, id_: str) -> str | None:
    """Return the public page of a technique of the matrix; None if its maker has none."""
    return _page(matrix, "techniques", id_)


def tactic_page(matrix: Matrix, id_: str) -> str | None:
    """Return the public page of a tactic of the matrix; None if its maker has none."""
    return _page(matrix, "tactics", id_)


def attack_page(id_: str) -> str:
    """Return the page of an ATT&CK technique or tactic."""
    folder = "tactics" if id_.startswith("TA") else "techniques"
    return f"https://attack.mitre.org/{folder}/{id_.replace('.', '/')}/"


def shortname(tactic: Tactic) -> str:
    """Return the name of a tactic as Navigator layers and kill chains write it, such as `initial-access`."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in tactic.name.lower()).split())


def web_address(text: str) -> str | None:
    """Return an address of the web as other programs must have it, in ASCII (RFC 3986); None if the text is none.

    An address with a user's name in it is none either: there may be a password beside it.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if not found:
        return None
    scheme, host, port, path, fragment = found.groups()
    named = host if host.startswith("[") else _quoted(host, "")
    marked = "" if fragment is None else f"#{_quoted(fragment, '/?:@')}"
    return f"{scheme}://{named}{port or ''}{_quoted(path or '', '/?:@')}{marked}"


def _quoted(text: str, more: str) -> str:
    """Quote what an address must not have, and keep what is quoted already."""
    kept = quote(text, safe=f"%-._~!$&'()*+,;={more}", errors="replace")
    return re.sub("%(?![0-9A-Fa-f]{2})", "%25", kept)


def _page(matrix: Matrix, folder: str, id_: str) -> str | None:
    if matrix.kind == "atlas":
        return f"https://atlas.mitre.org/{folder}/{id_}"
    if matrix.kind == "attack":
        return attack_page(id_)
    # An entry that was added since 2020 is not on the page of 2020, but a fork names its own repository.
    return _PAGE_2020.format(matrix.repository) if matrix.repository == "mitre/advmlthreatmatrix" else None
