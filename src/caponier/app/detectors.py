"""Every detector and every emulation of every kind, in one view."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from caponier.coverage.log_emulations import log_emulations
from caponier.detect.dataset_registry import dataset_detectors
from caponier.detect.logs.rule_files import RuleDocument, own_rules
from caponier.detect.logs.techniques import techniques as techniques_of
from caponier.detect.registry import artifact_detectors, event_detectors
from caponier.emulate import (
    attacks,
    campaigns,
    files,
    poison_registry,
    poisons,
    probes,
    registry,
    stories,
    story_registry,
)
from caponier.emulate.feedbacks import registry as feedback_registry
from caponier.emulate.feedbacks import sources
from caponier.errors import InputError, MissingExtraError
from caponier.matrix.technique import TechniqueId
from caponier.plugins import unavailable

_FOLDERS: Final = (
    (attacks, "EMULATION"),
    (campaigns, "CAMPAIGN"),
    (probes, "PROBE"),
    (sources, "SOURCE"),
    (poisons, "EMULATION"),
    (files, "EMULATION"),
    (stories, "STORY"),
)
"""Where emulations lie, and what a file of each folder defines."""
USUAL_WORK = "usual work of "
"""Begins the name of a log story's own control."""


class Kind(StrEnum):
    """What a detector looks at, and what an emulation leaves behind."""

    EVENT = "event"
    """Inference events."""
    DATASET = "dataset"
    ARTIFACT = "artifact"
    """Model files."""
    LOG = "log"
    """Ordinary security logs."""

    @property
    def noun(self) -> str:
        """What it is called in a sentence."""
        return {
            "event": "inference events",
            "dataset": "data sets",
            "artifact": "model files",
            "log": "security logs",
        }[self.value]


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """A detector, as far as it can be told without running it."""

    name: str
    kind: Kind
    techniques: tuple[TechniqueId, ...]
    emulations: tuple[str, ...]
    """What it must detect."""
    controls: tuple[str, ...]
    """What it must be silent on."""


@dataclass(frozen=True, slots=True)
class EmulationCard:
    """An emulation or, with `harmful` false, a benign control."""

    name: str
    kind: Kind
    description: str
    techniques: tuple[TechniqueId, ...]
    harmful: bool = True


@cache
def detectors() -> tuple[DetectorCard, ...]:
    """Return every detector, kind by kind."""
    found = [_card(Kind.EVENT, detector) for detector in event_detectors().values()]
    found += [_card(Kind.DATASET, detector) for detector in dataset_detectors().values()]
    found += [_card(Kind.ARTIFACT, detector) for detector in artifact_detectors().values()]
    return (*found, *sorted(_rules(), key=lambda card: card.name))


def _card(kind: Kind, detector: Any) -> DetectorCard:
    return DetectorCard(
        detector.name, kind, tuple(detector.techniques), tuple(detector.emulations), tuple(detector.controls)
    )


def _rules() -> Iterator[DetectorCard]:
    """Read our own rules without compiling them, so that nothing but YAML is needed to list them."""
    documents = {_name(found): found.content for found in own_rules() if isinstance(found, RuleDocument)}
    parts = _parts(documents.values())
    for name, content in documents.items():
        if name in parts:
            continue
        refs, _ = techniques_of(content.get("tags") or ())
        stories = log_emulations().get(name, ())
        yield DetectorCard(
            f"sigma:{name}",
            Kind.LOG,
            tuple(TechniqueId(ref.matrix, ref.id) for ref in refs),
            stories,
            tuple(f"{USUAL_WORK}{story}" for story in stories),
        )


def _name(document: RuleDocument) -> str:
    return str(document.content.get("name") or document.stem)


def _parts(contents: Iterable[dict[str, Any]]) -> set[str]:
    """Return the rules that are only parts of correlations and never match by themselves."""
    correlations = [content["correlation"] for content in contents if "correlation" in content]
    referred = {str(name) for correlation in correlations for name in correlation["rules"]}
    return referred - {str(name) for one in correlations if one.get("generate") for name in one["rules"]}


@cache
def emulations() -> tuple[EmulationCard, ...]:
    """Return every emulation, kind by kind."""
    found = [_emulation(Kind.EVENT, one) for one in registry.attacks().values()]
    found += [_emulation(Kind.EVENT, one) for one in registry.campaigns().values()]
    found += [_emulation(Kind.EVENT, one) for one in registry.probes().values()]
    found += [_emulation(Kind.EVENT, one) for one in feedback_registry.harmful().values()]
    found += [_emulation(Kind.DATASET, one) for one in poison_registry.poisons().values()]
    found += [_emulation(Kind.ARTIFACT, one) for one in registry.files().values() if one.harmful]
    found += [_emulation(Kind.LOG, one) for one in story_registry.stories().values()]
    return tuple(found)


def _emulation(kind: Kind, one: Any) -> EmulationCard:
    return EmulationCard(one.name, kind, one.description, tuple(one.techniques))


@cache
def controls() -> tuple[EmulationCard, ...]:
    """Return every benign control, kind by kind."""
    found = [_control(Kind.EVENT, one.name, one.description) for one in registry.habits().values()]
    found += [_control(Kind.EVENT, one.name, one.description) for one in registry.newcomers().values()]
    found += [_control(Kind.EVENT, one.name, one.description) for one in feedback_registry.harmless().values()]
    found += [_control(Kind.DATASET, one.name, one.description) for one in poison_registry.harmless_sets().values()]
    found += [
        _control(Kind.ARTIFACT, one.name, one.description) for one in registry.files().values() if not one.harmful
    ]
    for story in story_registry.stories().values():
        text = "The same organisation and accounts without the attack"
        found.append(_control(Kind.LOG, f"{USUAL_WORK}{story.name}", text))
    return tuple(found)


def _control(kind: Kind, name: str, description: str) -> EmulationCard:
    return EmulationCard(name, kind, description, (), harmful=False)


def absent_emulations() -> dict[str, MissingExtraError]:
    """Return the emulations that lack an extra, by name, with what to install."""
    return {name: lacks for folder, constant in _FOLDERS for name, lacks in unavailable(folder, constant).items()}


def emulation(name: str) -> EmulationCard:
    """Return one emulation.

    Raises:
        InputError: If there is none of that name.
        MissingExtraError: If it lacks an extra.
    """
    for card in emulations():
        if card.name == name:
            return card
    if name in (absent := absent_emulations()):
        raise absent[name]
    known = ", ".join(card.name for card in emulations())
    raise InputError(f"There is no emulation called {name!r}", mend=f"There are: {known}")


def detected_by(wanted: Iterable[TechniqueId]) -> tuple[DetectorCard, ...]:
    """Return the detectors that name one of some techniques."""
    ids = frozenset(wanted)
    return tuple(card for card in detectors() if ids & set(card.techniques))


def emulated_by(wanted: Iterable[TechniqueId]) -> tuple[EmulationCard, ...]:
    """Return the emulations that show one of some techniques."""
    ids = frozenset(wanted)
    return tuple(card for card in emulations() if ids & set(card.techniques))
