"""The same mistakes planted in each format: each is found, at its place, and nothing beside it."""

import pytest

from caponier.matrix.documents import reading
from caponier.matrix.documents.lint import Code, Flaw, KnownVersions, lint
from caponier.matrix.documents.version_index import book_of
from caponier.matrix.versions.catalogue import load
from matrix.documents.written import FORMATS, Row

BOOK = book_of(load("atlas-5.6"))
SHELF = KnownVersions(lambda kind, _: BOOK if kind == "atlas" else None, lambda _: [BOOK])

RIGHT: list[Row] = [
    ("AML.T0012", "Valid Accounts", "initial-access"),
    ("AML.T0024.002", "Extract AI Model", "exfiltration"),
    ("AML.T0043.003", "Manual Modification", "ai-attack-staging"),
    ("AML.T0029", "Denial of AI Service", "impact"),
]
PLANTED: dict[str, tuple[Row, Code]] = {
    "name of another": (("AML.T0015", "Craft Adversarial Data", "impact"), Code.SWAPPED_NAME),
    "misspelt name": (("AML.T0015", "Evade AI Modle", "impact"), Code.WRONG_NAME),
    "name of before 2025": (("AML.T0010", "ML Supply Chain Compromise", "initial-access"), Code.WRONG_NAME),
    "tactic of another": (("AML.T0015", "Evade AI Model", "exfiltration"), Code.WRONG_TACTIC),
    "no tactic at all": (("AML.T0015", "Evade AI Model", "evading"), Code.UNKNOWN_TACTIC),
    "retired id": (("AML.T0045", "ML Intellectual Property Theft", "impact"), Code.RETIRED_ID),
    "unknown id": (("AML.T0999", "Something New", "impact"), Code.UNKNOWN_ID),
    "unknown child": (("AML.T0043.077", "Something New", "ai-attack-staging"), Code.UNKNOWN_ID),
    "digit lost": (("AML.T015", "Evade AI Model", "impact"), Code.MALFORMED_ID),
}
TACTICS = {Code.WRONG_TACTIC, Code.UNKNOWN_TACTIC}
NO_TACTICS = {"findings", "markdown"}
"""Formats that say no tactic beside an id."""
NO_SURE_NAMES = {"sigma"}
"""Formats that have a name in a comment at most."""


def flaws(format_: str, rows: list[Row]) -> tuple[str, list[Flaw]]:
    name, write = FORMATS[format_]
    text = write(rows)
    document = reading.read(text.encode(), name)
    assert document is not None
    assert len({mention.id for mention in document.mentions}) >= len(rows)
    return text, lint(document, SHELF)


@pytest.mark.parametrize("format_", FORMATS)
def test_right_documents_are_silent(format_: str):
    assert flaws(format_, RIGHT)[1] == []


def _can_say(format_: str, code: Code) -> bool:
    if code in TACTICS:
        return format_ not in NO_TACTICS
    return format_ not in NO_SURE_NAMES or code not in {Code.SWAPPED_NAME, Code.WRONG_NAME}


CASES = [(format_, planted) for format_ in FORMATS for planted in PLANTED if _can_say(format_, PLANTED[planted][1])]


@pytest.mark.parametrize(("format_", "planted"), CASES)
@pytest.mark.parametrize("place", [0, 2, 4])
def test_each_planted_mistake_is_found_and_nothing_else(format_: str, planted: str, place: int):
    row, code = PLANTED[planted]
    text, found = flaws(format_, [*RIGHT[:place], row, *RIGHT[place:]])
    expected = Code.LONE_TACTIC if (format_, code) == ("sigma", Code.WRONG_TACTIC) else code
    assert {flaw.code for flaw in found} == {expected}
    for flaw in found:
        assert text[flaw.start :].lstrip('"').casefold().startswith(tuple(word.casefold() for word in _words(row)))


def _words(row: Row) -> tuple[str, ...]:
    id_, name, tactic = row
    return id_, f"atlas.{id_}", name, tactic, f"atlas.{tactic}"


@pytest.mark.parametrize("format_", ["layer", "stix", "findings", "csv", "table"])
def test_two_ids_that_changed_places_are_both_told(format_: str):
    (one, name, tactic), (other, other_name, other_tactic), *rest = RIGHT
    found = flaws(format_, [(other, name, tactic), (one, other_name, other_tactic), *rest])[1]
    swapped = [flaw for flaw in found if flaw.code is Code.SWAPPED_NAME]
    assert [flaw.id for flaw in swapped] == [other, one]
    assert [flaw.message.endswith(f"belongs to {id_}") for flaw, id_ in zip(swapped, (one, other), strict=True)]


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_retired_names_its_successor_with_its_name(format_: str):
    found = flaws(format_, [("AML.T0045", "ML Intellectual Property Theft", "impact")])[1]
    assert {flaw.message for flaw in found} == {
        "AML.T0045 is not in atlas-5.6: use AML.T0048.004 (AI Intellectual Property Theft)"
    }
