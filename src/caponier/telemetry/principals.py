"""Who asks: a salted hash of a credential, never the credential itself."""

import hashlib
from typing import Final

SCHEMES: Final = frozenset({"bearer", "basic", "token", "apikey"})
"""Schemes of the `Authorization` header, which say nothing about who asks; they are not case-sensitive (RFC 9110)."""


def principal_of(credential: str | None, salt: bytes) -> str | None:
    """Return the principal for an API key, token subject or account name.

    Args:
        credential: The secret or name as it came with the request, with or without a scheme such as `Bearer`.
        salt: The workspace's salt, at most 64 bytes; without it anybody could try keys against the log.

    Returns:
        `k-` and 16 hexadecimal digits, or None where there was no credential.
    """
    scheme, _, rest = (credential or "").strip().partition(" ")
    secret = rest.strip() if scheme.lower() in SCHEMES else (credential or "").strip()
    return "k-" + hashlib.blake2b(secret.encode(), digest_size=8, key=salt).hexdigest() if secret else None
