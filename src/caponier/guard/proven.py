"""Callers who are named by what they have proven: a client certificate, as a proxy saw it, or a verified token."""

import ipaddress
import re
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any, Final

from caponier.guard.settings import Network
from caponier.guard.token_keys import Tokens

PEER: Final = "caponier.peer"
"""In the scope: the address that the connection comes from, whatever `X-Forwarded-For` says."""
ENVOY: Final = b"x-forwarded-client-cert"
_ENVOY_FIELD: Final = re.compile(r'(?:^|;)\s*(?P<name>URI|Subject)=(?P<value>"(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE)
_ENVOY_ELEMENT: Final = r'(?:[^",\\]|"(?:[^"\\]|\\.)*")*'
_ENVOY_LIST: Final = re.compile(rf"(?:{_ENVOY_ELEMENT},)*(?P<last>{_ENVOY_ELEMENT})")
_LONGEST: Final = 2_048


class ProvenCallers:
    """Tells who has proven to be whom.

    Args:
        principal_of: Hashes whoever that is; see `telemetry.principals.proven_principal`.
        tokens: Verifies tokens; None if none is.
        certificate: Header in which a proxy tells whose certificate it has seen; None if none does.
        trusted: Addresses of proxies whose word counts.
    """

    def __init__(
        self,
        principal_of: Callable[[str, str], str],
        tokens: Tokens | None = None,
        certificate: str | None = None,
        trusted: Sequence[Network] = (),
    ) -> None:
        self._principal_of, self._tokens, self._trusted = principal_of, tokens, tuple(trusted)
        self._header = certificate.lower().encode() if certificate else None

    def by_certificate(self, scope: MutableMapping[str, Any]) -> str | None:
        """Return the principal of a client certificate; None if no proxy of ours tells of exactly one."""
        peer = scope.get(PEER) or (scope.get("client") or ("",))[0]
        if self._header is None or not is_within(peer, self._trusted):
            return None
        told = [value for name, value in scope["headers"] if name == self._header]
        if len(told) != 1 or len(told[0]) > _LONGEST:
            return None
        text = told[0].decode("utf-8", "replace").strip()
        subject = _last_of_envoy(text) if self._header == ENVOY else text
        return self._principal_of("certificate", " ".join(subject.split())) if subject else None

    def by_token(self, headers: Sequence[tuple[bytes, bytes]]) -> str | None:
        """Return the principal of a bearer token; None if it is not verified."""
        shown = [value for name, value in headers if name == b"authorization"]
        words = shown[0].split() if self._tokens is not None and len(shown) == 1 else []
        if self._tokens is None or len(words) != 2 or words[0].lower() != b"bearer":
            return None
        subject = self._tokens.subject(words[1].decode("latin-1"))
        return None if subject is None else self._principal_of("token", subject)


def is_within(address: str, networks: Sequence[Network]) -> bool:
    """Tell whether an address is in one of some networks; what is no address is in none."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    known = getattr(known, "ipv4_mapped", None) or known
    return any(known in network for network in networks)


def _last_of_envoy(text: str) -> str:
    """Return who stands in the last element of Envoy's header, which the nearest proxy wrote: URI, or else subject."""
    # As a whole: a quote that a caller leaves open would make what the proxy wrote a part of what the caller wrote.
    whole = _ENVOY_LIST.fullmatch(text)
    last = whole["last"] if whole else ""
    fields = {found["name"].lower(): found["value"].strip('"') for found in _ENVOY_FIELD.finditer(last)}
    return fields.get("uri") or fields.get("subject") or ""
