"""Who asks: a salted hash of a credential, never the credential itself."""

import hashlib

from caponier.telemetry.credentials import value_of


def principal_of(credential: str | None, salt: bytes) -> str | None:
    """Return the principal for an API key, token or account name: the same for all spellings of it.

    Args:
        credential: The secret or name as it came with the request, with or without a scheme such as `Bearer`.
        salt: The workspace's salt, at most 64 bytes; without it anybody could try keys against the log.

    Returns:
        `k-` and 16 hexadecimal digits, or None where there was no credential, or none that can be read
        (`telemetry.credentials`).
    """
    value = value_of(credential or "")
    if value is None:
        return None
    return "k-" + hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8, key=salt).hexdigest()


def proven_principal(how: str, who: str, salt: bytes) -> str:
    """Return the principal for somebody who has proven who he is; no credential has the same.

    Args:
        how: What it was proven by, such as `token`; at most 16 letters.
        who: Whose that is.
        salt: The workspace's salt, at most 64 bytes.
    """
    content = who.encode("utf-8", "surrogatepass")
    return "k-" + hashlib.blake2b(content, digest_size=8, key=salt, person=how.encode()).hexdigest()
