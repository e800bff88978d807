"""The sentences of a brief that Markdown and HTML share."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from caponier.app.brief.brief import MATRIX, Brief, StudiedTechnique
from caponier.app.brief.exercise import ROLES, Inject
from caponier.coverage.heat_map import Status
from caponier.matrix.brief import INPUTS, Match
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.studies import full_name

SYSTEMS: Final = 3
"""Systems that a page names."""
NAME: Final = 60
"""Letters of a system's name that a page holds."""
PURPOSE: Final = 200
"""Letters of a purpose that a page holds."""
REASON: Final = 150
"""Letters of a reason that a page holds."""
OTHERS: Final = 20
"""Ids of further studies that a page holds."""
FACILITATOR: Final = (
    "Read out only what is noticed; ask the three roles in turn; tell what was behind it when they have answered.",
    "Nobody can answer wrongly. Write down every 'we do not know' and every 'somebody would have to': these are the "
    "result.",
    "Let people look into the real logs where they can. An answer that starts with 'I would look' is better shown.",
)
DEBRIEF: Final = (
    "Which sign came first that we would really have seen, and in which record?",
    "Which record did we miss, and who can switch it on?",
    "Who waited for whose decision?",
    "Which three things do we change, who does each, and by when?",
)


def title(brief: Brief) -> str:
    """The heading of the first page."""
    if not brief.systems or brief.general:
        return "What is known to be done to ML systems"
    known = [_short(one.name, NAME) for one in brief.systems]
    return f"What is known to be done to systems like {names(known, SYSTEMS)}"


def introduction(brief: Brief) -> str:
    """Say what the page rests on."""
    shown = [one.study for one in (*brief.matches, *brief.more)]
    kinds = Counter(study.type for study in shown)
    years = sorted(study.date.year for study in shown if study.date)
    known = len(load(MATRIX).studies)
    incidents, exercises = kinds[StudyType.INCIDENT], kinds[StudyType.EXERCISE]
    what = (
        "were published with the threat matrix of 2020; no inventory says which of them concern you"
        if brief.general and not brief.systems
        else "were published with the threat matrix of 2020; nothing in the inventory matches a case study, so these "
        "stand for all"
        if brief.general
        else "are about systems like yours"
    )
    return (
        f"{len(shown)} of {known} public case studies {what}: {_count(incidents, 'incident')} with real attackers and "
        f"{_count(exercises, 'exercise')} of red teams or researchers, from {years[0]} to {years[-1]}. All of it has "
        "happened to a real system. The order follows the reasons given and ranks no risk."
    )


def systems(brief: Brief) -> list[str]:
    """Say what the inventory knows of each system, a line each."""
    lines = []
    for one, purpose in list(zip(brief.systems, brief.purposes, strict=True))[:SYSTEMS]:
        told = _short(purpose, PURPOSE).rstrip(".")
        parts = [told or "the inventory does not say what it is for"]
        if one.inputs:
            parts.append(f"its models take {' and '.join(INPUTS[kind] for kind in one.inputs)}")
        if one.assets:
            parts.append(f"the inventory lists {', '.join(one.assets)}")
        lines.append(f"{_short(one.name, NAME)}: {'; '.join(parts)}.")
    left = len(brief.systems) - SYSTEMS
    return [*lines, f"{left} more of the inventory. Ask for one with: --system NAME"] if left > 0 else lines


def why(one: Match) -> str:
    """Say why a case study is told."""
    return names([_short(reason, REASON) for reason in one.reasons], SYSTEMS, "; ")


def coverage(brief: Brief) -> str:
    """Say how many of the techniques are covered."""
    counts = dict(brief.counts)
    return (
        f"These studies show {brief.acts_in_all} techniques. Caponier has shown that it detects "
        f"{counts[Status.VALIDATED]} of them here (validated), has a detector for {counts[Status.DECLARED]} more that "
        f"no recorded trial has shown to work (declared), and none for {counts[Status.NOT_COVERED]}. Trials are "
        "recorded by: caponier validate"
    )


def seen(act: StudiedTechnique) -> str:
    """Say what detects a technique: `declared: novelty (as AMLTM.EVADE.01.02)`."""
    if act.covered.status is Status.NOT_COVERED:
        return f"{act.covered.status.mark} {act.covered.status.value}"
    through = f" (as {', '.join(act.covered.through)})" if act.covered.through else ""
    return f"{act.covered.status.mark} {act.covered.status.value}: {', '.join(act.covered.names)}{through}"


def more(brief: Brief) -> str:
    """Name the studies that match and have no room."""
    ids = names([one.study.id for one in brief.more], OTHERS)
    return f"{len(brief.more)} more: {ids}. Read one with: caponier matrix show ID" if ids else ""


def tactics(brief: Brief) -> str:
    """Say how many of the studies use each tactic."""
    return "By tactic: " + ", ".join(f"{name} {count}" for name, count in brief.tactics) + "."


def length(brief: Brief) -> str:
    """Say how long the exercise takes."""
    injects = brief.exercise.injects
    return f"{len(injects)} injects in about {injects[-1].minute + 30} minutes, the debrief included."


def is_web(address: str | None) -> bool:
    """Tell whether an address may become a link."""
    return (address or "").startswith(("https://", "http://"))


def scenario(brief: Brief) -> str:
    """Say where the exercise comes from, for the facilitator."""
    main, *others = brief.exercise.studies
    told = f"What happened in {main.id} {main.name} ({main.when}): {main.summary}"
    if others:
        told += f" Some injects are taken from {', '.join(f'{one.id} {one.name}' for one in others)}."
    return told


def injects(brief: Brief) -> list[tuple[Inject, str, str]]:
    """Return each inject with where to look, and with what was behind it, for the facilitator."""
    pairs = zip(brief.exercise.injects, brief.records, strict=True)
    return [(one, _evidence(one, records), _behind(one)) for one, records in pairs]


def _evidence(inject: Inject, records: tuple[str, ...]) -> str:
    read = f"Caponier reads {names(records)}." if records else "No detector of Caponier sees this."
    return f"{inject.prompt.look} {read}"


def _behind(inject: Inject) -> str:
    acts = ", ".join(f"{full_name(load(MATRIX), act)} ({act.id})" for act in inject.acts)
    return f"{acts}; from {inject.study.id}"


def real_case(brief: Brief) -> list[tuple[str, str]]:
    """Tell the main study step by step, for the facilitator: the act, and what it was.

    What a study of 2020 says of its own step is told where there is one, or else what the technique is.
    """
    main = brief.exercise.studies[0]
    founding, atlas = load(), load(MATRIX)
    twin = next((one for one in founding.studies if one.same_as == main.id), None)
    if twin:
        return [(founding.technique(step.technique).name, step.summary) for step in twin.steps]
    known = [atlas.technique(step.technique) for step in main.steps]
    return [(full_name(atlas, one), one.description) for one in dict.fromkeys(known)]


def questions(inject: Inject) -> list[tuple[str, str]]:
    """Return each role with what it is asked."""
    return [(role, getattr(inject.prompt, key)) for key, role in ROLES]


def names(values: Sequence[str], most: int = 4, between: str = ", ") -> str:
    """Join names, as many as a cell holds."""
    left = len(values) - most
    return between.join(values[:most]) + (f" and {left} more" if left > 0 else "")


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
