"""A version of ATLAS as it was before 2025, made from the facts that ship: older names, no later entries."""

from dataclasses import replace

from caponier.matrix.technique import Level, Technique
from caponier.matrix.versions.catalogue import Matrix, load

NEW = load("atlas-5.6")
_LAST = "AML.T0051"
"""First id that came after release 4.4."""


def old_atlas() -> Matrix:
    """Return a version that says ML where ATLAS says AI now, and has the one id that was replaced since."""
    tactics = tuple(replace(tactic, name=_old(tactic.name)) for tactic in NEW.tactics if tactic.id < "AML.TA0014")
    there = {tactic.id for tactic in tactics}
    kept = [_older(t, there) for t in NEW.techniques if t.id < _LAST and not t.id.startswith("AML.T0048.")]
    theft = Technique("AML.T0045", "ML Intellectual Property Theft", Level.TECHNIQUE, ("AML.TA0011",), 1)
    return Matrix("atlas-4.4.0", "atlas", "MITRE ATLAS", None, "", tactics, (*kept, theft))


def _older(technique: Technique, there: set[str]) -> Technique:
    tactics = tuple(id_ for id_ in technique.tactics if id_ in there)
    return replace(technique, name=_old(technique.name), tactics=tactics, evidence=None)


def _old(name: str) -> str:
    return name.replace("AI", "ML")
