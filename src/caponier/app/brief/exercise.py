"""A table-top exercise made of case studies: injects in order, questions to each role, what to look for.

The questions of each tactic are a data file; which injects there are, and what is known of each, follows from the
studies.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Final, Literal

from pydantic import Field

from caponier.matrix.brief import Match
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.shipped import Shape, parse
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix

MOST: Final = 6
"""Injects that a page and ninety minutes hold."""
FEWEST: Final = 4
"""Injects; if the main study has fewer, others add to it."""
MINUTES: Final = 12
"""For each inject."""
_AFAR: Final = frozenset({"AML.TA0003", "AML.TA0001"})
"""Tactics that are carried out on the attackers' own computers."""
ROLES: Final = (("analyst", "SOC analyst"), ("engineer", "ML engineer"), ("owner", "Owner of the system"))


@dataclass(frozen=True, slots=True)
class Prompt:
    """What an exercise asks at a step of one tactic."""

    notice: str
    look: str
    analyst: str
    engineer: str
    owner: str


class ExerciseFile(Shape):
    """The prompts by tactic."""

    schema_: Literal["caponier.exercise/1"] = Field(alias="schema")
    tactics: dict[str, Prompt]


@cache
def prompts() -> dict[str, Prompt]:
    """Return the prompts by id of a tactic, that of ATT&CK where it has one."""
    text = (files("caponier.app.brief") / "templates" / "exercise.yaml").read_text(encoding="utf-8")
    return parse(text, ExerciseFile, "exercise.yaml").tactics


@dataclass(frozen=True, slots=True)
class Inject:
    """What the facilitator tells at one point, and what the team is asked."""

    minute: int
    """From the beginning of the exercise."""
    tactic: str
    """Its name."""
    study: CaseStudy
    acts: tuple[Technique, ...]
    """What the attackers of the study did then; for the facilitator only."""
    prompt: Prompt

    @property
    def clock(self) -> str:
        """The time on the exercise's clock: `0:36`."""
        return f"{self.minute // 60}:{self.minute % 60:02}"


@dataclass(frozen=True, slots=True)
class Exercise:
    """The injects and the studies they were taken from, the main one first."""

    studies: tuple[CaseStudy, ...]
    injects: tuple[Inject, ...]


def exercise(matrix: Matrix, matches: Sequence[Match]) -> Exercise:
    """Make an exercise of the best matches.

    The main study is the best match; among equally good ones that with most tactics that leave traces here. Others
    add the tactics it lacks as long as there is room.

    Args:
        matrix: The version that the studies belong to.
        matches: At least one, best first.
    """
    best = matches[0].weight, matches[0].elsewhere
    main = max((one for one in matches if (one.weight, one.elsewhere) == best), key=lambda one: _tactics(one.study))
    others = [one.study for one in matches if one is not main]
    stages = _shortened(list(_stages(matrix, main.study)))
    for study in others:
        known = {stage.tactic.id for stage in stages}
        new = [
            stage for stage in _stages(matrix, study) if stage.tactic.id not in known and stage.tactic.id not in _AFAR
        ]
        stages += new[: MOST - len(stages)]
        if len(stages) >= FEWEST:
            break
    injects = tuple(
        Inject(
            place * MINUTES,
            stage.tactic.name,
            stage.study,
            stage.acts,
            prompts()[stage.tactic.attack or stage.tactic.id],
        )
        for place, stage in enumerate(stages)
    )
    return Exercise(tuple({inject.study.id: inject.study for inject in injects}.values()), injects)


@dataclass(frozen=True, slots=True)
class _Stage:
    """Steps of a study that follow each other and serve the same tactic."""

    tactic: Tactic
    study: CaseStudy
    acts: tuple[Technique, ...]


def _stages(matrix: Matrix, study: CaseStudy) -> Iterator[_Stage]:
    """Yield the stages of a study; when it comes back to a tactic, its questions have been asked already."""
    asked = set()
    for tactic, steps in groupby(study.steps, key=lambda step: step.tactic):
        acts = dict.fromkeys(step.technique for step in steps)
        if tactic not in asked:
            yield _Stage(matrix.tactic(tactic), study, tuple(matrix.technique(id_) for id_ in acts))
        asked.add(tactic)


def _shortened(stages: list[_Stage]) -> list[_Stage]:
    """Return as many stages as there is room for: first those that leave traces here, and always the last."""
    if len(stages) > MOST:
        stages = [stage for stage in stages if stage.tactic.id not in _AFAR]
    return stages if len(stages) <= MOST else [*stages[: MOST - 1], stages[-1]]


def _tactics(study: CaseStudy) -> int:
    return len({step.tactic for step in study.steps} - _AFAR)
