"""Proposed evidence: does every source say what it showed, on which real system, and with what right."""

import datetime
import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix.contributions.advice import check_advice
from caponier.matrix.contributions.contribution_form import ContributionForm, day_of
from caponier.matrix.contributions.public_address import host_of
from caponier.matrix.contributions.review_context import ReviewContext
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import nearest

_NO_SYSTEM: Final = re.compile(
    r"(an?|the|our|my)?\s*(none|n/?a|no|nothing|not applicable|unknown|-"
    r"|(own |research |toy |test |sample |demo |lab )*"
    r"(lab|laboratory|testbed|test bed|simulation|simulator|prototype|toy|model|classifier|dataset|benchmark|paper"
    r"|research|theory|experiment|notebook)s?( (model|setup|setting|only|system|environment)s?)?)",
    re.IGNORECASE,
)
_RESEARCH: Final = re.compile(
    r"\b(mnist|cifar(-?100?)?|imagenet|toy|simulat\w*|testbed|proof[- ]of[- ]concept|surrogate|open[- ]source model)\b",
    re.IGNORECASE,
)
_NO_RESULT: Final = re.compile(
    r"(none|n/?a|nothing|unknown|see (the )?(source|report|link|above)|it worked|works|yes|success(ful)?|-)\.?",
    re.IGNORECASE,
)
_MAYBE: Final = re.compile(
    r"\b(could|might|may|would|in theory|theoretically|potentially|hypothetical\w*)\b", re.IGNORECASE
)


def check_evidence(sheet: ContributionForm, ground: ReviewContext) -> Iterator[ReviewIssue]:
    """Say everything that is wrong with a contribution of evidence, or has to be looked at."""
    id_ = sheet.text("technique")
    if id_ and ground.entry(id_) is None:
        hint = nearest(id_, ground.ids)
        yield sheet.object("technique", f"{ground.matrix.version} has no technique {id_!r}", hint)
    yield from check_claims(sheet)
    if id_ in ground.matrix:
        yield from _there_already(sheet, ground.matrix.technique(id_))


def check_claims(sheet: ContributionForm) -> Iterator[ReviewIssue]:
    """Say what is wrong with the rows under `evidence`."""
    said: set[str] = set()
    for row in sheet.rows.get("evidence", ()):
        source = row.text("source")
        if source and source in said:
            yield row.object("source", "this source is there twice", "Say all that it showed in one of the two.")
        said.add(source)
        yield from check_result(row, "result")
        yield from check_advice(row, "result")
        yield from check_system(row, "system")
        yield from check_disclosure(row)


def check_result(row: ContributionForm, key: str) -> Iterator[ReviewIssue]:
    """Say whether a sentence tells no result."""
    text = row.text(key)
    if text and (_NO_RESULT.fullmatch(text) or len(re.findall(r"\w+", text)) < 3):
        yield row.object(key, "it shows no result", "Say in a sentence what was shown to work.")
    elif maybe := _MAYBE.search(text):
        what = f"{maybe[0]!r} tells of what was not shown"
        yield row.object(key, what, "See that the source shows it and does not only expect it.", level=ReviewLevel.LOOK)


def check_system(row: ContributionForm, key: str) -> Iterator[ReviewIssue]:
    """Say whether a text names no real system."""
    text = row.text(key)
    if text and _NO_SYSTEM.fullmatch(text):
        what = f"{text[:60]!r} is no real system: what was shown in research alone does not enter"
        yield row.object(key, what, "Name the product or service that it was shown on.")
    elif research := _RESEARCH.search(text):
        what = f"{research[0]!r} sounds like research alone"
        yield row.object(key, what, "See that it was shown on a system that people rely on.", level=ReviewLevel.LOOK)


def check_disclosure(row: ContributionForm) -> Iterator[ReviewIssue]:
    """Say whether the kind of attack and the way of disclosure go together."""
    pair = row.text("type"), row.text("disclosure")
    if pair in {("incident", "permission"), ("incident", "own-system"), ("exercise", "public-incident")}:
        what = f"{pair[1]} is an unusual way for an {pair[0]}"
        hint = "See whether it was an incident or an exercise."
        yield row.object("disclosure", what, hint, level=ReviewLevel.LOOK)
    words = row.text("disclosure_words")
    if words and len(re.findall(r"\w+", words)) < 3:
        yield row.object("disclosure_words", "it does not say who allowed it or was told", "Say who, and when.")


def earliest(sheet: ContributionForm) -> tuple[datetime.date, ContributionForm] | None:
    """Return the oldest date of the rows under `evidence`, with its row."""
    dated = [(day_of(row.text("date"))[0], row) for row in sheet.rows.get("evidence", ()) if row.text("date")]
    return min(dated, key=lambda pair: pair[0], default=None)


def _there_already(sheet: ContributionForm, technique: Technique) -> Iterator[ReviewIssue]:
    there = [source.study.url for source in technique.evidence.sources] if technique.evidence else []
    known = {url.rstrip("/") for url in there if url}
    hosts = {host_of(url): url for url in known}
    for row in sheet.rows.get("evidence", ()):
        source = row.text("source").rstrip("/")
        if source in known:
            what, hint = f"{technique.id} names this source already", "See what it adds."
        elif source and host_of(source) in hosts:
            what = f"{technique.id} has a source on this host already: {hosts[host_of(source)]}"
            hint = "See whether the two tell of the same."
        else:
            continue
        yield row.object("source", what, hint, level=ReviewLevel.LOOK)
