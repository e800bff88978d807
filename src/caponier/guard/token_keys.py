"""JSON Web Tokens whose signature is verified here, so that their subject is the caller, whichever token it shows.

Only what names who asks is decided by it; whether a token lets anybody in stays the model server's business. Keys come
from a JSON Web Key Set (RFC 7517). HMAC and RSASSA-PKCS1-v1_5 with SHA-2 are verified (RFC 7518: HS256 … RS512); a
token with another algorithm is one that is not verified.
"""

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from caponier.errors import InputError
from caponier.formats.strict_json import read_value
from caponier.telemetry.credentials import LONGEST, base64url

REMEMBERED: Final = 4_096
"""Tokens of which it is remembered whose they are."""
LEEWAY_S: Final = 60
"""By which clocks may differ."""
RSA_BITS: Final = 2_048
_HASHES: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
_DIGEST_INFO: Final = {
    "256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
"""What stands before a digest in a signature (RFC 8017, section 9.2, note 1)."""


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One key of a set."""

    kind: str
    """`oct` or `RSA`."""
    id: str | None
    verifies: Callable[[str, bytes, bytes], bool]
    """From the bits of the digest, what was signed and the signature to whether that is right."""


def read_keys(path: Path) -> tuple[TokenKey, ...]:
    """Read a JSON Web Key Set.

    Raises:
        InputError: If it cannot be read, or holds no key that can be used.
    """
    hint = "Give a JSON Web Key Set (RFC 7517) with keys of kty oct or RSA, as your issuer publishes it"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as failed:
        raise InputError(f"the keys of tokens cannot be read: {failed}", where=str(path), hint=hint) from None
    found = read_value(text, str(path), hint)
    listed = found.get("keys") if isinstance(found, dict) else None
    keys = tuple(key for one in listed if (key := _key(one, path)) is not None) if isinstance(listed, list) else ()
    if not keys:
        raise InputError("holds no key that can be used", where=str(path), hint=hint)
    return keys


class Tokens:
    """Tells whose a token is.

    Args:
        keys: Of those who issue tokens.
        claim: That names the caller, such as `sub`.
    """

    def __init__(self, keys: Iterable[TokenKey], claim: str = "sub") -> None:
        self._keys, self._claim = tuple(keys), claim
        self._known: OrderedDict[str, tuple[str, float, float] | None] = OrderedDict()

    def subject(self, token: str, now: float | None = None) -> str | None:
        """Return issuer and subject of a token; None if it is not verified, is over or has not begun.

        Args:
            token: In its compact form.
            now: Seconds since the epoch; the present by default.
        """
        if len(token) > LONGEST:
            return None
        if token not in self._known:
            self._known[token] = self._verified(token)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        found = self._known[token]
        moment = time.time() if now is None else now
        return found[0] if found is not None and found[1] - LEEWAY_S <= moment < found[2] + LEEWAY_S else None

    def _verified(self, token: str) -> tuple[str, float, float] | None:
        """Return whose a token is, from when and until when."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        head, claims, signature = _object(parts[0]), _object(parts[1]), base64url(parts[2])
        if head is None or claims is None or signature is None or "crit" in head:
            return None
        if not self._is_signed(head, f"{parts[0]}.{parts[1]}".encode(), signature):
            return None
        subject, issuer = claims.get(self._claim), claims.get("iss", "")
        begins, ends = claims.get("nbf", 0), claims.get("exp", float("inf"))
        texts = isinstance(subject, str) and bool(subject) and isinstance(issuer, str)
        times = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (begins, ends))
        return (f"{issuer}\x1f{subject}", begins, ends) if texts and times else None

    def _is_signed(self, head: dict[str, Any], signed: bytes, signature: bytes) -> bool:
        algorithm, key_id = head.get("alg"), head.get("kid")
        if not isinstance(algorithm, str) or algorithm[2:] not in _HASHES:
            return False
        # A key is used for its own kind alone: a public one must never serve as the secret of an HMAC.
        kind = {"HS": "oct", "RS": "RSA"}.get(algorithm[:2])
        fitting = [key for key in self._keys if key.kind == kind and (key.id is None or key_id in (None, key.id))]
        return any(key.verifies(algorithm[2:], signed, signature) for key in fitting)


def _object(part: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(base64url(part) or b"")
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _key(plain: Any, path: Path) -> TokenKey | None:
    if not isinstance(plain, dict) or plain.get("use", "sig") != "sig":
        return None
    id_ = plain.get("kid") if isinstance(plain.get("kid"), str) else None
    parts = {name: base64url(plain[name]) for name in ("k", "n", "e") if isinstance(plain.get(name), str)}
    if plain.get("kty") == "oct" and parts.get("k"):
        secret = parts["k"] or b""
        if len(secret) < 32:
            raise InputError(f"a secret of {len(secret)} bytes can be guessed", where=str(path))
        return TokenKey("oct", id_, lambda bits, data, sent: _hmac_fits(secret, bits, data, sent))
    if plain.get("kty") == "RSA" and parts.get("n") and parts.get("e"):
        modulus, exponent = (int.from_bytes(parts[name] or b"", "big") for name in ("n", "e"))
        if modulus.bit_length() < RSA_BITS or exponent < 3 or exponent >= 2**32:
            raise InputError(f"an RSA key of {modulus.bit_length()} bits, or with such an exponent", where=str(path))
        return TokenKey("RSA", id_, lambda bits, data, sent: _rsa_fits(modulus, exponent, bits, data, sent))
    return None


def _hmac_fits(secret: bytes, bits: str, data: bytes, sent: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(secret, data, f"sha{bits}"), sent)


def _rsa_fits(modulus: int, exponent: int, bits: str, data: bytes, sent: bytes) -> bool:
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(sent, "big")
    if len(sent) != size or number >= modulus:
        return False
    info = _DIGEST_INFO[bits] + _HASHES[bits](data).digest()
    # Made anew and compared whole: what is only looked for in the signature can be forged.
    expected = b"\0\x01" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return hmac.compare_digest(pow(number, exponent, modulus).to_bytes(size, "big"), expected)
