"""One page for management and analysts: what is known to be done to systems like theirs, and a table-top exercise.

The same inventory and the same recorded trials always give the same brief: nothing of the day it is printed is in it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from caponier.app.brief.exercise import Exercise, Inject, exercise
from caponier.app.coverage.cover import cover
from caponier.app.coverage.technique_coverage import Covered, covered
from caponier.app.workspace.workspace import load_workspace
from caponier.coverage.heat_map import Cell, Status
from caponier.errors import InputError
from caponier.formats.suggest import did_you_mean, nearest
from caponier.matrix.brief import Match, SystemFacts, match
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.writers.studies import full_name
from caponier.records.inventory import System, Workspace

MATRIX: Final = "atlas-5.6"
"""The studies are taken from here: the 13 of 2020 are among them."""
STUDIES: Final = 6
"""Case studies that a page holds."""
TECHNIQUES: Final = 10
"""Techniques that a page holds."""
_ASSETS: Final = (
    "endpoints",
    "hosts",
    "accounts",
    "buckets",
    "registries",
    "images",
    "datasets",
    "namespaces",
    "clusters",
    "instances",
)
_GENERAL: Final = "published with the matrix of 2020"


@dataclass(frozen=True, slots=True)
class StudiedTechnique:
    """One technique of the case studies."""

    technique: Technique
    name: str
    """One that can stand alone."""
    tactics: tuple[str, ...]
    """Names."""
    studies: tuple[str, ...]
    """Ids of the studies of the page that show it."""
    covered: Covered


@dataclass(frozen=True, slots=True)
class Brief:
    """Everything that the two pages say."""

    systems: tuple[SystemFacts, ...]
    """What the inventory says; with `general` nothing of it matched."""
    purposes: tuple[str, ...]
    """What each system is for, in the words of the inventory; empty where it does not say."""
    general: bool
    matches: tuple[Match, ...]
    """The studies of the page, best first."""
    more: tuple[Match, ...]
    """The others that match."""
    acts: tuple[StudiedTechnique, ...]
    """The techniques of the page, those of most studies first, then those that are covered."""
    acts_in_all: int
    tactics: tuple[tuple[str, int], ...]
    """How many of the page's studies use each tactic, in the order of the matrix."""
    counts: tuple[tuple[Status, int], ...]
    """How many of all techniques have each status."""
    data: tuple[tuple[str, tuple[str, ...]], ...]
    """What has to be collected, and the techniques that it would show."""
    exercise: Exercise
    records: tuple[tuple[str, ...], ...]
    """For each inject, what Caponier reads to see what is behind it; empty if no detector does."""


def brief_matrix(workspace: Workspace | Path | None = None, system: str | None = None) -> Brief:
    """Make the brief of an inventory.

    Args:
        workspace: The workspace, its file or its folder; None looks for one, and without any the brief is general.
        system: Only this system of the inventory.

    Raises:
        InputError: If there is no such workspace or system.
    """
    home = workspace if isinstance(workspace, Workspace) else load_workspace(workspace)
    chosen = _systems(home, system)
    matrix = load(MATRIX)
    facts = tuple(_facts(one, home) for one in chosen) if home else ()
    found = match(facts, matrix.studies)
    general = not found
    found = found or _founding(matrix)
    shown = found[:STUDIES]
    cells = cover(home)
    acts = _acts(matrix, [one.study for one in shown], cells)
    played = exercise(matrix, found)
    statuses = Counter(act.covered.status for act in acts)
    return Brief(
        systems=facts,
        purposes=tuple(one.purpose or "" for one in chosen),
        general=general,
        matches=shown,
        more=found[STUDIES:],
        acts=acts[:TECHNIQUES],
        acts_in_all=len(acts),
        tactics=_tactics(matrix, [one.study for one in shown]),
        counts=tuple((status, statuses[status]) for status in Status),
        data=_data(acts),
        exercise=played,
        records=tuple(_records(inject, cells) for inject in played.injects),
    )


def _systems(home: Workspace | None, wanted: str | None) -> tuple[System, ...]:
    known = home.systems if home else ()
    if wanted is None:
        return known
    chosen = tuple(one for one in known if one.name == wanted)
    if chosen:
        return chosen
    if home is None:
        raise InputError("there is no workspace, so no inventory", hint="Create one with: caponier init")
    names = [one.name for one in known]
    hint = did_you_mean(nearest(wanted, names, 0.3), f"There are: {', '.join(names) or 'none'}.")
    raise InputError(f"the inventory has no system {wanted!r}", where=str(home.file), hint=hint)


def _facts(system: System, home: Workspace) -> SystemFacts:
    models = [model for model in home.models if home.system_of(model.name) == system]
    names = dict.fromkeys([*system.models, *(model.name for model in models)])
    said = tuple(text for text in (system.name, system.purpose, *names) if text)
    inputs = tuple(dict.fromkeys(model.features.kind for model in models if model.features))
    return SystemFacts(system.name, said, inputs, tuple(kind for kind in _ASSETS if getattr(system, kind)))


def _founding(matrix: Matrix) -> tuple[Match, ...]:
    told = [matrix.study(study.same_as) for study in load().studies if study.same_as]
    return tuple(Match(study, (_GENERAL,)) for study in told)


def _acts(matrix: Matrix, studies: Sequence[CaseStudy], cells: Sequence[Cell]) -> tuple[StudiedTechnique, ...]:
    """Return every technique of the studies: those of most studies first, then those that are covered."""
    found = []
    for technique in matrix.techniques:
        shown = tuple(study.id for study in studies if study.shows(technique.id))
        if shown:
            names = tuple(matrix.tactic(id_).name for id_ in technique.tactics)
            found.append(
                StudiedTechnique(technique, full_name(matrix, technique), names, shown, covered(technique.id, cells))
            )
    return tuple(sorted(found, key=lambda act: (-len(act.studies), act.covered.status is Status.NOT_COVERED)))


def _records(inject: Inject, cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(need for act in inject.acts for need in covered(act.id, cells).needs))


def _tactics(matrix: Matrix, studies: Iterable[CaseStudy]) -> tuple[tuple[str, int], ...]:
    used = Counter(tactic for study in studies for tactic in {step.tactic for step in study.steps})
    return tuple((tactic.name, used[tactic.id]) for tactic in matrix.tactics if used[tactic.id])


def _data(acts: Iterable[StudiedTechnique]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    shows: dict[str, list[str]] = {}
    for act in acts:
        for need in act.covered.needs:
            shows.setdefault(need, []).append(act.name)
    return tuple((need, tuple(names)) for need, names in shows.items())
