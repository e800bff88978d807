"""The keys of a demo's callers, and whom the logs name for them."""

from typing import Final

from caponier.telemetry.principals import principal_of

SALT: Final = b"caponier demo: made-up keys, so no secret"
"""The demo's keys are made up, so that their hashes need no secret; with a public salt every run has the same ones."""


def principal(key: str | None) -> str | None:
    """Return whom the log names for a key of the demo."""
    return principal_of(key, SALT)


def attacker_key(emulation: str, seed: int, ordinal: int) -> str:
    """Return the key with which one attack is carried out: each has its own, and all are the stolen account's."""
    return f"{emulation}-{seed}-{ordinal}"
