"""Every detector and every emulation of every kind, in one view."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from caponier.coverage.log_emulations import log_emulations
from caponier.detect.detector import EventDetector
from caponier.detect.registry import artifact_detectors, dataset_detectors, event_detectors, model_detectors
from caponier.detect.sigma.rule_files import RuleDocument, own_rules
from caponier.detect.sigma.techniques import techniques as techniques_of
from caponier.emulate.registry import (
    attacks,
    campaigns,
    files,
    habits,
    harmless_sets,
    newcomers,
    poisons,
    probes,
    sources,
    stories,
)
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId
from caponier.plugins import PluginError, Plugins, Unavailable

USUAL_WORK = "usual work of "
"""Begins the name of a log story's own control."""


class DetectorKind(StrEnum):
    """What a detector looks at, and what an emulation leaves behind."""

    EVENT = "event"
    """Inference events."""
    DATASET = "dataset"
    ARTIFACT = "artifact"
    """Model files."""
    MODEL = "model"
    """Networks in model files; what they are proven by are poisons, which leave data sets behind."""
    LOG = "log"
    """Ordinary security logs."""

    @property
    def emulated_by(self) -> "DetectorKind":
        """The kind of the emulations that detectors of this kind are proven by."""
        return DetectorKind.DATASET if self is DetectorKind.MODEL else self

    @property
    def noun(self) -> str:
        """What it is called in a sentence."""
        return {
            "event": "inference events",
            "dataset": "data sets",
            "artifact": "model files",
            "model": "models",
            "log": "security logs",
        }[self.value]


@dataclass(frozen=True, slots=True)
class DetectorCard:
    """A detector, as far as it can be told without running it."""

    name: str
    kind: DetectorKind
    techniques: tuple[TechniqueId, ...]
    emulations: tuple[str, ...]
    """What it must detect."""
    controls: tuple[str, ...]
    """What it must be silent on."""
    over_events: EventDetector | None = None
    """Itself, where it looks at inference events."""
    covers: bool = True
    """Whether the techniques that its findings name count as covered by it."""


@dataclass(frozen=True, slots=True)
class EmulationCard:
    """An emulation or, with `harmful` false, a benign control."""

    name: str
    kind: DetectorKind
    description: str
    techniques: tuple[TechniqueId, ...]
    harmful: bool = True
    learner: bool = False
    """Whether it takes a model that learns from feedback: it is played in process, without a server or a guard."""


_DETECTORS: Final[tuple[tuple[DetectorKind, Plugins[Any]], ...]] = (
    (DetectorKind.EVENT, event_detectors),
    (DetectorKind.DATASET, dataset_detectors),
    (DetectorKind.ARTIFACT, artifact_detectors),
    (DetectorKind.MODEL, model_detectors),
)
_EMULATIONS: Final[tuple[tuple[DetectorKind, Plugins[Any]], ...]] = (
    (DetectorKind.EVENT, attacks),
    (DetectorKind.EVENT, campaigns),
    (DetectorKind.EVENT, probes),
    (DetectorKind.EVENT, habits),
    (DetectorKind.EVENT, newcomers),
    (DetectorKind.EVENT, sources),
    (DetectorKind.DATASET, poisons),
    (DetectorKind.DATASET, harmless_sets),
    (DetectorKind.ARTIFACT, files),
    (DetectorKind.LOG, stories),
)
"""Emulations and controls: those that show a technique, and those that show none."""


@cache
def detectors() -> tuple[DetectorCard, ...]:
    """Return every detector, kind by kind."""
    found = [_card(kind, one) for kind, known in _DETECTORS for one in known().values()]
    return (*found, *sorted(_rules(), key=lambda card: card.name))


def unavailable() -> tuple[Unavailable, ...]:
    """Return the detectors, emulations and controls that lack an optional dependency."""
    return tuple(one for _, known in (*_DETECTORS, *_EMULATIONS) for one in known.unavailable())


def refuse_unavailable(names: Iterable[str]) -> None:
    """Make sure that none of these lacks an optional dependency.

    Raises:
        MissingExtraError: If one does.
    """
    wanted = set(names)
    for one in unavailable():
        if one.name in wanted:
            raise one.error()


def _card(kind: DetectorKind, detector: Any) -> DetectorCard:
    return DetectorCard(
        detector.name,
        kind,
        tuple(detector.techniques),
        tuple(detector.emulations),
        tuple(detector.controls),
        detector if kind is DetectorKind.EVENT else None,
        getattr(detector, "covers", True),
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
            DetectorKind.LOG,
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
    """Return every emulation, kind by kind.

    Raises:
        PluginError: If two of different kinds have one name, for `emulate run` takes a name alone.
    """
    found = {}
    for card in _cards():
        if card.harmful and card.name in found:
            raise PluginError("two emulations of different kinds have this name", where=card.name)
        if card.harmful:
            found[card.name] = card
    return tuple(found.values())


@cache
def controls() -> tuple[EmulationCard, ...]:
    """Return every benign control, kind by kind."""
    told = "The same organisation and accounts without the attack"
    usual = (EmulationCard(f"{USUAL_WORK}{name}", DetectorKind.LOG, told, (), harmful=False) for name in stories())
    return (*(card for card in _cards() if not card.harmful), *usual)


def _cards() -> Iterator[EmulationCard]:
    for kind, known in _EMULATIONS:
        for one in known().values():
            shown = tuple(getattr(one, "techniques", ()))
            yield EmulationCard(one.name, kind, one.description, shown, bool(shown), known is sources)


def emulation(name: str) -> EmulationCard:
    """Return one emulation.

    Raises:
        InputError: If there is none of that name.
        MissingExtraError: If it lacks an optional dependency.
    """
    for card in emulations():
        if card.name == name:
            return card
    refuse_unavailable([name])
    known = ", ".join(card.name for card in emulations())
    raise InputError(f"There is no emulation called {name!r}", hint=f"There are: {known}")


def detected_by(wanted: Iterable[TechniqueId]) -> tuple[DetectorCard, ...]:
    """Return the detectors that name one of some techniques, and do not just hint at it."""
    ids = frozenset(wanted)
    return tuple(card for card in detectors() if card.covers and ids & set(card.techniques))


def emulated_by(wanted: Iterable[TechniqueId]) -> tuple[EmulationCard, ...]:
    """Return the emulations that show one of some techniques."""
    ids = frozenset(wanted)
    return tuple(card for card in emulations() if ids & set(card.techniques))
