"""A proposed technique against the matrix that it wants to enter."""

import datetime
import re
from collections.abc import Iterator

from caponier.matrix import attack
from caponier.matrix.contributions.advice import check_advice
from caponier.matrix.contributions.contribution_form import ContributionForm
from caponier.matrix.contributions.evidence_check import check_claims, earliest
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.likeness import alike_names, alike_texts
from caponier.matrix.contributions.review_context import (
    BELOW,
    SHAPES,
    TOP,
    ReviewContext,
    Series,
    is_attack,
    of_kind,
    series,
)
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import nearest


def check_technique(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    """Say everything that is wrong with a proposed technique, or has to be looked at."""
    yield from _id(sheet, ground)
    yield from _tactics(sheet, ground)
    yield from _parent(sheet, ground)
    yield from _color(sheet, ground)
    yield from _name(sheet, ground)
    yield from _description(sheet, ground)
    yield from check_advice(sheet, "description")
    yield from check_claims(sheet)
    yield from _older_than_parent(sheet, ground)


def _id(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    id_, parent, matrix = sheet.text("id"), sheet.text("parent"), ground.matrix
    if not id_:
        return
    shape = re.escape(parent) + BELOW[matrix.kind] if parent else TOP[matrix.kind]
    if not re.fullmatch(f"{TOP[matrix.kind]}({BELOW[matrix.kind]})?", id_):
        yield sheet.object("id", f"{id_!r} has not the shape of an id of this matrix", f"Write {SHAPES[matrix.kind]}.")
    elif not re.fullmatch(shape, id_):
        what = (
            f"{id_} is no id under {parent}" if parent else f"{id_} is the id of a sub-technique, but names no parent"
        )
        yield sheet.object("id", what, "Let the id of a sub-technique begin with that of its parent.")
    elif matrix.kind == "amltm-2020" and (column := re.sub(r"\.[0-9].*", "", id_)) not in (
        sheet.texts("tactics") or [column]
    ):
        yield sheet.object("id", f"{id_} stands in a column that is none of its tactics", f"Name {column} as a tactic.")
    elif not _taken(id_, ground) and (odd := _series(sheet, ground).oddness(id_, ground.proposed_ids)):
        yield _look(sheet, "id", odd, f"The next free one is {_series(sheet, ground).next}.")
    if _taken(id_, ground):
        gone = "" if id_ in matrix else ", by an entry that was taken back"
        yield sheet.object("id", f"{id_} is taken{gone}", f"The next free one is {_series(sheet, ground).next}.")
    twins = [other for other in of_kind(ground.sheets, ContributionKind.TECHNIQUE) if other.text("id") == id_]
    if twins[0] is not sheet:
        yield sheet.object("id", f"{id_} is taken, by the proposal in {twins[0].file}", "Take the next number.")


def _taken(id_: str, ground: ReviewContext) -> bool:
    return id_ in ground.matrix or any(gone.id == id_ for gone in ground.matrix.retired)


def _series(sheet: ContributionForm, ground: ReviewContext) -> Series:
    return series(ground.matrix, _column(sheet.text("id")), sheet.text("parent") or None)


def _column(id_: str) -> str:
    return re.sub(r"\.[0-9].*", "", id_)


def _tactics(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    known = {tactic.id: tactic.name for tactic in ground.matrix.tactics}
    for number, id_ in enumerate(sheet.texts("tactics"), 1):
        if id_ not in known:
            hint = f"The tactics are: {', '.join(known)}."
            yield sheet.object("tactics", f"{ground.matrix.version} has no tactic {id_!r}", hint, number=number)


def _parent(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    parent = sheet.text("parent")
    if not parent:
        return
    entry = ground.entry(parent)
    if cycle := _cycle(sheet.text("id"), parent, ground):
        what = f"the parents run in a circle: {' - '.join(cycle)}"
        yield sheet.object("parent", what, "Let the broader technique stand without a parent.")
    elif entry is None:
        yield sheet.object("parent", f"there is no technique {parent!r}", nearest(parent, ground.ids))
    elif entry.parent:
        what = f"{parent} is a sub-technique itself, and has none below it"
        yield sheet.object("parent", what, f"Name {entry.parent}, or propose a technique of its own.")
    elif entry.tactics and sheet.texts("tactics") and set(sheet.texts("tactics")) != set(entry.tactics):
        what = f"the tactics differ from those of its parent {parent}"
        yield sheet.object("tactics", what, f"Write: tactics: [{', '.join(entry.tactics)}]")


def _cycle(id_: str, parent: str, ground: ReviewContext) -> list[str]:
    """Return the ids from the entry along its parents back to it, if they lead back."""
    way = [id_]
    above: str | None = parent
    while above and above not in way:
        way.append(above)
        entry = ground.entry(above)
        above = entry.parent if entry else None
    return [*way, id_] if id_ and above == id_ else []


def _color(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    color, carried = sheet.text("color"), sheet.text("attack")
    if ground.matrix.kind != "amltm-2020":
        if color:
            yield sheet.object("color", f"{ground.matrix.version} has no colours", "Take it out.")
    elif "color" not in sheet.values:
        hint = "Write orange if it is special to ML, white if it is from ATT&CK Enterprise."
        yield sheet.object("color", "it is missing", hint)
    elif color == "white" and not carried:
        yield sheet.object("attack", "it is missing: a white technique is one of ATT&CK Enterprise", "Write its id.")
    elif color == "orange" and carried:
        hint = "Take out the ATT&CK id, or call the technique white."
        yield sheet.object("attack", "an orange technique is special to ML and has none", hint)
    if carried and not is_attack(carried):
        yield sheet.object("attack", f"{carried!r} has not the shape of an ATT&CK id", "Write T1234 or T1234.001.")
    elif carried and attack.name(carried) is None:
        hint = "See that ATT&CK Enterprise has it."
        yield _look(sheet, "attack", f"the ATT&CK technique {carried} is not known here", hint)


def _name(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    name, tactics = sheet.text("name"), set(sheet.texts("tactics"))
    if not name:
        return
    for technique in ground.matrix.techniques:
        if technique.id == sheet.text("id") or not alike_names(name, technique.name):
            continue
        if name.casefold() == technique.name.casefold() and tactics & set(technique.tactics):
            hint = "Add evidence to that entry, or choose a name that tells the two apart."
            yield sheet.object("name", f"{technique.id} of the same tactic has this name", hint)
        else:
            hint = "See whether the two are one."
            yield _look(sheet, "name", f"it is nearly the name of {technique.id} {technique.name}", hint)
    twin = next((other for other in _others(sheet, ground) if alike_names(name, other.text("name"))), None)
    if twin:
        yield _look(sheet, "name", f"it is nearly the name in {twin.file}", "See whether the two are one.")


def _description(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    text = sheet.text("description")
    for technique in ground.matrix.techniques:
        if technique.id != sheet.text("id") and alike_texts(text, technique.description):
            yield _look(sheet, "description", f"it is nearly that of {technique.id}", "See whether the two are one.")
    twin = next((other for other in _others(sheet, ground) if alike_texts(text, other.text("description"))), None)
    if twin:
        yield _look(sheet, "description", f"it is nearly that in {twin.file}", "See whether the two are one.")


def _others(sheet: ContributionForm, ground: ReviewContext) -> list[ContributionForm]:
    techniques = of_kind(ground.sheets, ContributionKind.TECHNIQUE)
    # Each pair once: the later one is told of the earlier.
    return techniques[: next(place for place, other in enumerate(techniques) if other is sheet)]


def _older_than_parent(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    parent = sheet.text("parent")
    if parent not in ground.matrix:
        return
    first = _first_shown(ground.matrix.technique(parent))
    oldest = earliest(sheet)
    if first and oldest and oldest[0] < first:
        hint = "See whether it belongs under this parent."
        what = f"this is older than everything that shows its parent {parent} ({first.isoformat()})"
        yield _look(oldest[1], "date", what, hint)


def _look(sheet: ContributionForm, key: str, what: str, hint: str) -> ReviewIssue:
    return sheet.object(key, what, hint, level=ReviewLevel.LOOK)


def _first_shown(technique: Technique) -> datetime.date | None:
    sources = technique.evidence.sources if technique.evidence else ()
    return min((source.study.date for source in sources if source.study.date), default=None)
