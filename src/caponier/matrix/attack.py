"""Names of the ATT&CK Enterprise techniques that the matrices and the detections over security logs refer to."""

from functools import cache

from caponier.matrix.shipped import AttackNamesFile, read


@cache
def names() -> dict[str, str]:
    """Return technique names by ATT&CK id; treat it as read-only."""
    return read("attack-enterprise.yaml", AttackNamesFile).techniques


def name(id_: str) -> str | None:
    """Return the name of an ATT&CK technique, if it is known here."""
    return names().get(id_)
