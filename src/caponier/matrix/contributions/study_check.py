"""A proposed case study against the matrix whose techniques its steps name."""

import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix import attack
from caponier.matrix.case_study import Strategy
from caponier.matrix.contributions.advice import check_advice
from caponier.matrix.contributions.contribution_form import ContributionForm
from caponier.matrix.contributions.evidence_check import check_disclosure, check_result, check_system
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.likeness import alike_names
from caponier.matrix.contributions.review_context import ReviewContext, is_attack, of_kind, study_series
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel
from caponier.matrix.technique import Color
from caponier.matrix.versions.catalogue import nearest

_ATTACK_TACTIC: Final = re.compile(r"TA[0-9]{4}")


def check_study(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    """Say everything that is wrong with a proposed case study, or has to be looked at."""
    yield from _id(sheet, ground)
    yield from _likeness(sheet, ground)
    for row in sheet.rows.get("steps", ()):
        yield from _step(row, ground)
        yield from check_result(row, "summary")
        yield from check_advice(row, "summary")
    yield from check_advice(sheet, "summary")
    yield from _strategy(sheet, ground)
    yield from check_system(sheet, "target")
    yield from check_disclosure(sheet)


def _id(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    id_, numbers = sheet.text("id"), study_series(ground.matrix)
    if not id_:
        return
    if numbers.number(id_) is None:
        what = f"{id_!r} has not the shape of an id of a new case study in this matrix"
        yield sheet.object("id", what, f"Write {numbers.next}.")
    twins = [other for other in of_kind(ground.sheets, ContributionKind.CASE_STUDY) if other.text("id") == id_]
    if any(study.id == id_ for study in ground.matrix.studies):
        yield sheet.object("id", f"{id_} is taken", f"The next free one is {numbers.next}.")
    elif twins[0] is not sheet:
        yield sheet.object("id", f"{id_} is taken, by the proposal in {twins[0].file}", "Take the next number.")
    elif odd := numbers.oddness(id_, ground.proposed_ids):
        yield sheet.object("id", odd, f"The next free one is {numbers.next}.", level=ReviewLevel.LOOK)


def _likeness(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    references = {address.rstrip("/") for address in sheet.texts("references")}
    for study in ground.matrix.studies:
        hint = "See whether the two tell of the same."
        if alike_names(sheet.text("name"), study.name):
            what = f"it is nearly the name of {study.id} {study.name}"
            yield sheet.object("name", what, hint, level=ReviewLevel.LOOK)
        if references & {address.rstrip("/") for address in (*study.references, study.reference or "") if address}:
            yield sheet.object("references", f"{study.id} names this source already", hint, level=ReviewLevel.LOOK)


def _step(row: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    tactic, technique, matrix = row.text("tactic"), row.text("technique"), ground.matrix
    known = {one.id for one in matrix.tactics}
    foreign = is_attack(technique) and matrix.kind != "attack"
    if tactic and tactic not in known and not (foreign and _ATTACK_TACTIC.fullmatch(tactic)):
        what = f"{matrix.version} has no tactic {tactic!r}"
        yield row.object("tactic", what, f"The tactics are: {', '.join(sorted(known))}.")
    if not technique:
        return
    entry = ground.entry(technique)
    if entry is None and not foreign:
        yield row.object(
            "technique", f"{matrix.version} has no technique {technique!r}", nearest(technique, ground.ids)
        )
    elif entry is None and attack.name(technique) is None:
        what = f"the ATT&CK technique {technique} is not known here"
        yield row.object("technique", what, "See that ATT&CK Enterprise has it.", level=ReviewLevel.LOOK)
    elif entry and tactic in known and tactic not in entry.tactics:
        hint = f"Write {' or '.join(entry.tactics)}, or name another technique."
        yield row.object("tactic", f"{tactic} is none of the tactics of {technique}", hint)


def _strategy(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    strategy = sheet.text("strategy")
    techniques = [row.text("technique") for row in sheet.rows.get("steps", ()) if row.text("technique")]
    known = [id_ for id_ in techniques if is_attack(id_) or ground.entry(id_)]
    # Of a step that may be either nothing follows.
    sure = {one for id_ in known if len(colors := ground.colors(id_)) == 1 for one in colors}
    unsure = any(len(ground.colors(id_)) > 1 for id_ in known)
    if not strategy or len(known) < len(techniques) or not known:
        return
    if strategy == Strategy.COMBINED and len(sure) == 1 and not unsure:
        what = f"combined takes both kinds of technique, but all steps are {next(iter(sure))}"
    elif strategy == Strategy.TRADITIONAL and Color.ORANGE in sure:
        what = "traditional takes white techniques only, but a step is orange"
    elif strategy == Strategy.ADVERSARIAL_ML and Color.WHITE in sure:
        what = "adversarial-ml takes orange techniques only, but a step is white"
    else:
        return
    yield sheet.object("strategy", what, "Write traditional (white only), adversarial-ml (orange only) or combined.")
