"""The heat-map: one cell for each entry of the 2020 matrix, with its status and what it rests on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Protocol

from caponier.formats.strict_yaml import shipped_yaml
from caponier.matrix.technique import Technique, TechniqueId
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.records.trial import Trial

MATRIX = "amltm-2020"


class Status(StrEnum):
    """How a technique is covered."""

    VALIDATED = "validated"
    """An emulated attack was detected and its benign control was not, on this version of Caponier."""
    DECLARED = "declared"
    """A detector names it, but no trial on this version has shown that it works."""
    NOT_COVERED = "not covered"

    @property
    def mark(self) -> str:
        """A sign that tells the status without colour."""
        return {"validated": "✓", "declared": "·", "not covered": "—"}[self.value]


class Means(StrEnum):
    """With what an attacker does it, as far as the logs that show it tell."""

    TRADITIONAL = "traditional"
    """With what is used against any system; security logs show it."""
    ML = "ML"
    """With queries, data or model files; what ML systems log and hold shows it."""


@dataclass(frozen=True, slots=True)
class CoveredMeans:
    """One means of an entry, and how it is covered."""

    means: Means
    status: Status


class Declares(Protocol):
    """What coverage needs to know of a detector of any kind."""

    @property
    def name(self) -> str:
        """Name of the detector."""
        ...

    @property
    def techniques(self) -> tuple[TechniqueId, ...]:
        """Techniques that its findings name."""
        ...


@dataclass(frozen=True, slots=True)
class Cell:
    """The coverage of one entry."""

    technique: Technique
    status: Status
    why: str
    """What the status rests on, or why there is none, in words."""
    detectors: tuple[str, ...]
    trials: tuple[Trial, ...]
    """The trials on this version, passed or not."""
    children_covered: tuple[int, int]
    """How many of its sub-techniques are covered in some way, and how many it has."""
    means: tuple[CoveredMeans, ...] = ()
    """The means that are covered in some way; an entry that is covered by one may still be done by the other."""

    @property
    def by_means(self) -> str:
        """The means in words: `traditional (validated), ML (declared)`."""
        return ", ".join(f"{one.means.value} ({one.status.value})" for one in self.means)


def heat_map(
    detectors: Sequence[Declares], trials: Iterable[Trial], version: str, over_logs: Collection[str] = ()
) -> tuple[Cell, ...]:
    """Work out the coverage of every entry of the 2020 matrix, in the matrix's order.

    Args:
        detectors: All detectors, of every kind.
        trials: All recorded trials; those of other versions of Caponier do not count.
        version: The version of Caponier that is asked about.
        over_logs: Names of the detectors that read ordinary security logs: what they see is done by traditional means.
    """
    matrix = load(MATRIX)
    # One that only says that somebody is odd shows no technique, although its findings must name one.
    detectors = [detector for detector in detectors if getattr(detector, "covers", True)]
    of_version = [trial for trial in trials if trial.caponier_version == version]
    # Some entries name their twin and are not named by it; the two are one all the same.
    same = {technique.id: {technique.id} for technique in matrix.techniques}
    for technique in matrix.techniques:
        if technique.same_as:
            same[technique.id].add(technique.same_as)
            same[technique.same_as].add(technique.id)
    cells = {t.id: _cell(t, same[t.id], detectors, of_version) for t in matrix.techniques}
    return tuple(replace(_with_children(cell, cells, matrix), means=_means(cell, over_logs)) for cell in cells.values())


def _means(cell: Cell, over_logs: Collection[str]) -> tuple[CoveredMeans, ...]:
    of = {name: Means.TRADITIONAL if name in over_logs else Means.ML for name in cell.detectors}
    passed = {of[trial.detector] for trial in _newest(cell.trials) if trial.passed}
    known = set(of.values())
    return tuple(
        CoveredMeans(one, Status.VALIDATED if one in passed else Status.DECLARED) for one in Means if one in known
    )


def _cell(technique: Technique, wanted: set[str], detectors: Sequence[Declares], trials: list[Trial]) -> Cell:
    """Work out one cell; `wanted` is the entry and whatever is the same entry in another column."""
    names = tuple(sorted(d.name for d in detectors if any(_is(id_, wanted) for id_ in d.techniques)))
    mine = tuple(t for t in trials if t.detector in names and any(_is(id_, wanted) for id_ in t.techniques))
    newest = _newest(mine)
    passed = [trial for trial in newest if trial.passed]
    if passed:
        best = max(passed, key=lambda trial: (trial.time, _is_finding(trial)))
        how = "" if _is_finding(best) else f", as {best.figures['seen_as']},"
        why = f"{best.detector} detected {best.emulation} on {best.target}{how} and was silent on {best.control}"
        return Cell(technique, Status.VALIDATED, why, names, mine, (0, 0))
    if names:
        why = "; ".join(dict.fromkeys(_shortfall(trial) for trial in newest)) or "no trial on this version"
        return Cell(technique, Status.DECLARED, why, names, mine, (0, 0))
    known = reasons()
    return Cell(technique, Status.NOT_COVERED, known.get(technique.id, known["default"]), (), (), (0, 0))


def _newest(trials: tuple[Trial, ...]) -> list[Trial]:
    """Return the last trial of each detector against each emulation and target: what passed once may fail now."""
    last: dict[tuple[str, str, str], Trial] = {}
    for trial in sorted(trials, key=lambda trial: trial.time):
        last[trial.detector, trial.emulation, trial.target] = trial
    return list(last.values())


def _is_finding(trial: Trial) -> bool:
    """Tell whether the attack was a finding; some rules are silent until what they saw joins an incident."""
    return bool(trial.figures.get("seen_as", "finding") == "finding")


def _is(id_: TechniqueId, wanted: set[str]) -> bool:
    return id_.matrix == MATRIX and id_.id in wanted


def _shortfall(trial: Trial) -> str:
    if not trial.attack_succeeded:
        return f"the emulation {trial.emulation} did not succeed, so it proves nothing"
    if not trial.detected:
        return f"{trial.detector} missed {trial.emulation} on {trial.target}"
    return f"{trial.detector} was not silent on {trial.control}"


def _with_children(cell: Cell, cells: dict[str, Cell], matrix: Matrix) -> Cell:
    children = [cells[child.id] for child in matrix.children(cell.technique.id)]
    covered = sum(child.status is not Status.NOT_COVERED for child in children)
    why = cell.why
    if cell.status is Status.NOT_COVERED and covered:
        why = f"by itself not; {covered} of its {len(children)} sub-techniques are"
    return Cell(cell.technique, cell.status, why, cell.detectors, cell.trials, (covered, len(children)))


@cache
def reasons() -> dict[str, str]:
    """Return why entries have no detector, by id; `default` for the others."""
    document = shipped_yaml("caponier.coverage", "reasons.yaml")
    return {"default": document["default"], **document["techniques"]}
