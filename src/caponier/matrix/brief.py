"""Which case studies are about systems like a given one, by plain words and with the reason for each.

There is no rank of risk in it: studies are ordered by how many reasons speak for them; of equal ones those about models
that take something else come last, and then their ids decide.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

from pydantic import Field

from caponier.matrix.case_study import CaseStudy
from caponier.matrix.shipped import Shape, read

SAID: Final = 3
"""What a word of the purpose counts."""
TAKES: Final = 2
"""What the kind of input counts."""
HAS: Final = 1
"""What an asset counts."""
FEW: Final = 2
"""Words, and names of systems with the same reasons, that a reason tells."""
INPUTS: Final = {"image": "images", "numeric": "numbers", "categorical": "categories", "text": "text"}


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of system, the words that tell it, and the case studies about such systems."""

    id: str
    name: str
    """What such a system does, as a reason tells it."""
    studies: tuple[str, ...]
    words: tuple[str, ...] = ()
    inputs: tuple[Literal["image", "numeric", "categorical", "text"], ...] = ()
    takes: tuple[Literal["image", "numeric", "categorical", "text"], ...] = ()
    """Kinds of input of such systems, where that alone would be no reason to tell of them."""
    assets: tuple[str, ...] = ()


class TopicsFile(Shape):
    """All topics."""

    schema_: Literal["caponier.study-topics/1"] = Field(alias="schema")
    matrix: str
    topics: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """What an inventory says of one system, as far as it can be matched."""

    name: str
    said: tuple[str, ...] = ()
    """Texts that say what it is for: its name, its purpose, the names of its models."""
    inputs: tuple[str, ...] = ()
    """Kinds of input of its models."""
    assets: tuple[str, ...] = ()
    """Which lists of assets are not empty, such as `buckets`."""


@dataclass(frozen=True, slots=True)
class Match:
    """A case study and why it is told."""

    study: CaseStudy
    reasons: tuple[str, ...]
    """One for all systems that share it."""
    weight: int = field(default=0, compare=False)
    """Sum of what the reasons count; only for the order."""
    elsewhere: bool = field(default=False, compare=False)
    """Whether its system is known to take other kinds of input than any of those that it is told for."""


@cache
def topics() -> tuple[Topic, ...]:
    """Return the topics that ship with the package."""
    return read("study-topics.yaml", TopicsFile).topics


def match(systems: Sequence[SystemFacts], studies: Iterable[CaseStudy]) -> tuple[Match, ...]:
    """Return the case studies that are about systems like the given ones, those with most reasons first.

    Args:
        systems: What the inventory says; with several, each reason names them.
        studies: Those to choose from.
    """
    found: dict[str, dict[str, dict[str, int]]] = {}
    for system in systems:
        for topic in topics():
            # Two topics may give the same reason, such as the same kind of input: it is told and counted once.
            reasons = {why: weight for weight, why in _reasons(topic, system)}
            for id_ in topic.studies if reasons else ():
                found.setdefault(id_, {}).setdefault(system.name, {}).update(reasons)
    prefixed = len(systems) > 1
    taken = {system.name: set(system.inputs) for system in systems}
    matches = [
        _matched(
            study, found[study.id], prefixed, elsewhere=all(_differ(study, taken[name]) for name in found[study.id])
        )
        for study in studies
        if study.id in found
    ]
    return tuple(sorted(matches, key=lambda one: (-one.weight, one.elsewhere, one.study.id)))


def _differ(study: CaseStudy, inputs: set[str]) -> bool:
    """Tell whether it is known of both what they take, and that differs."""
    takes = {kind for topic in topics() if study.id in topic.studies for kind in (*topic.inputs, *topic.takes)}
    return bool(takes and inputs) and takes.isdisjoint(inputs)


def _matched(study: CaseStudy, found: dict[str, dict[str, int]], prefixed: bool, *, elsewhere: bool) -> Match:
    alike: dict[str, list[str]] = {}
    for name, reasons in found.items():
        alike.setdefault(", ".join(reasons), []).append(name)
    told = tuple(f"{_few(names)}: {why}" if prefixed else why for why, names in alike.items())
    return Match(study, told, sum(sum(reasons.values()) for reasons in found.values()), elsewhere)


def _few(names: list[str]) -> str:
    left = len(names) - FEW
    return ", ".join(names[:FEW]) + (f" and {left} more" if left > 0 else "")


def _reasons(topic: Topic, system: SystemFacts) -> Iterator[tuple[int, str]]:
    words = [word for word in topic.words if any(_says(text, word) for text in system.said)]
    if words:
        yield SAID, f"{topic.name} ({', '.join(map(repr, words[:FEW]))})"
    for kind in topic.inputs:
        if kind in system.inputs:
            yield TAKES, f"its models take {INPUTS[kind]}"
    for asset in topic.assets:
        if asset in system.assets:
            yield HAS, f"it has {asset}"


def _says(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", text.casefold().replace("_", " ")) is not None
