"""Facts of ATT&CK Enterprise: names, tactics and retirements, of the version that every mapping to it was made with."""

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.shipped import Shape, read
from caponier.matrix.technique import Retirement

VERSION = "18.1"
"""The version of ATT&CK Enterprise that the shipped facts are of."""


@dataclass(frozen=True, slots=True)
class AttackTactic:
    """A tactic of ATT&CK Enterprise."""

    id: str
    name: str
    shortname: str
    """As layers and Sigma tags write it: `initial-access`."""


@dataclass(frozen=True, slots=True)
class AttackTechnique:
    """Name and tactics of a technique or sub-technique."""

    name: str
    tactics: tuple[str, ...]
    """Ids, in the order of the matrix."""


@dataclass(frozen=True, slots=True)
class Retired:
    """Name of a technique that was taken back, and the id that took its place."""

    name: str
    replaced_by: str | None = None


class NewerAttackRelease(Shape):
    """What the next release changed: only what differs."""

    version: str
    released: datetime.date
    checked: bool
    """False while the rows come from public copies and not from the release itself."""
    tactics: tuple[AttackTactic, ...]
    techniques: dict[str, AttackTechnique]
    """Those that it added."""
    replaced_ids: dict[str, str]
    renamed: dict[str, str]
    moved: dict[str, tuple[str, ...]]
    """Tactics of the techniques that stand under others now."""


class AttackFile(Shape):
    """The facts of one version, and what is known of the next."""

    schema_: Literal["caponier.attack/1"] = Field(alias="schema")
    version: str
    released: datetime.date
    tactics: tuple[AttackTactic, ...]
    techniques: dict[str, AttackTechnique]
    retired: dict[str, Retired]
    newer_release: NewerAttackRelease


@cache
def load() -> AttackFile:
    """Return the facts that ship with the package."""
    return read("attack-enterprise.yaml", AttackFile)


@cache
def names() -> dict[str, str]:
    """Return the names of all techniques of `VERSION` by id; treat it as read-only."""
    return {id_: technique.name for id_, technique in load().techniques.items()}


def name(id_: str) -> str | None:
    """Return the name of an ATT&CK technique, also of one that was retired or came with the next release."""
    facts = load()
    known = facts.techniques.get(id_) or facts.retired.get(id_) or facts.newer_release.techniques.get(id_)
    return known.name if known else None


def tactics() -> tuple[AttackTactic, ...]:
    """Return the tactics of `VERSION`, in the order of the matrix."""
    return load().tactics


def tactics_of(id_: str) -> tuple[AttackTactic, ...]:
    """Return the tactics of a technique, in the order of the matrix; empty if it is unknown or retired."""
    facts = load()
    if id_ in facts.techniques:
        by_id = {tactic.id: tactic for tactic in facts.tactics}
        return tuple(by_id[tactic] for tactic in facts.techniques[id_].tactics)
    if id_ in facts.newer_release.techniques:
        by_id = {tactic.id: tactic for tactic in (*facts.tactics, *facts.newer_release.tactics)}
        return tuple(by_id[tactic] for tactic in facts.newer_release.techniques[id_].tactics)
    return ()


def retired(id_: str) -> Retirement | None:
    """Return what stands now in the place of a technique that `VERSION` has taken back; None if it was not."""
    known = load().retired
    if id_ not in known:
        return None
    replaced_by = known[id_].replaced_by
    # What took its place may have been taken back as well since then.
    while replaced_by in known:
        replaced_by = known[replaced_by].replaced_by
    return Retirement(id_, known[id_].name, replaced_by)
