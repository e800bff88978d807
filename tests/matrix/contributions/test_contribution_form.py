from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.matrix.contributions.contribution_form import day_of, read_sheet
from caponier.matrix.contributions.form import FORMS, ROWS, ContributionKind
from caponier.matrix.contributions.review_issue import ReviewIssue
from caponier.matrix.contributions.template import fill_in
from caponier.matrix.evidence import Precision
from caponier.matrix.versions.catalogue import load
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, file, with_row


def told(folder: Path, text: str) -> list[ReviewIssue]:
    return read_sheet(file(folder, text))[1]


@pytest.mark.parametrize("text", [TECHNIQUE, EVIDENCE, STUDY])
def test_a_good_one_is_read_whole(tmp_path: Path, text: str) -> None:
    sheet, issues = read_sheet(file(tmp_path, text))
    assert issues == []
    assert sheet is not None
    for field in FORMS[sheet.kind]:
        if field.required:
            assert sheet.text(field.key) or sheet.texts(field.key) or sheet.rows.get(field.key), field.key


@pytest.mark.parametrize(
    ("text", "day", "precision"),
    [
        ("2020", date(2020, 1, 1), Precision.YEAR),
        ("2020-02", date(2020, 2, 1), Precision.MONTH),
        ("2020-02-29", date(2020, 2, 29), Precision.DAY),
    ],
)
def test_a_date_says_how_much_is_known(text: str, day: date, precision: Precision) -> None:
    assert day_of(text) == (day, precision)


@pytest.mark.parametrize(
    "text", ["", "20", "2020-13", "2020-2-1", "2019-02-29", "2020-01-01T00:00", "\u0662\u0660\u0662\u0660"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"date|month|day"):
        day_of(text)


def test_choices_are_read_in_any_case_and_spelling(tmp_path: Path) -> None:
    text = with_row(TECHNIQUE, "evidence", disclosure="Coordinated Disclosure", type="EXERCISE")
    sheet, issues = read_sheet(file(tmp_path, changed(text, color="Orange", harms=["Integrity", "AVAILABILITY"])))
    assert issues == []
    assert sheet is not None
    (row,) = sheet.rows["evidence"]
    assert (row.text("disclosure"), row.text("type")) == ("coordinated-disclosure", "exercise")
    assert (sheet.text("color"), sheet.texts("harms")) == ("orange", ("integrity", "availability"))


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ["a"]}, ["name"]),
        ({"name": {"a": "b"}}, ["name"]),
        ({"tactics": "AMLTM.EVADE"}, ["tactics"]),
        ({"tactics": ["AMLTM.EVADE", "AMLTM.EVADE"]}, ["tactics[2]"]),
        ({"tactics": [["a"]]}, ["tactics[1]"]),
        ({"tactics": [""]}, ["tactics[1]"]),
        ({"tactics": [f"T{number}" for number in range(31)]}, ["tactics"]),
        ({"evidence": ["words"]}, ["evidence"]),
        ({"evidence": {"source": "x"}}, ["evidence"]),
        ({"description": "x" * 4001}, ["description"]),
        ({"description": "..."}, ["description"]),
        ({"description": "It is <what it is>."}, ["description"]),
        ({"description": "Lorem ipsum dolor."}, ["description"]),
    ],
)
def test_a_value_of_another_shape_is_told(tmp_path: Path, changes: dict[str, object], fields: list[str]) -> None:
    assert [one.field for one in told(tmp_path, changed(TECHNIQUE, **changes))] == fields


def test_too_many_rows_are_told(tmp_path: Path) -> None:
    step = {"tactic": "AMLTM.EVADE", "technique": "AMLTM.EVADE.01", "summary": "They did it again."}
    assert [one.field for one in told(tmp_path, changed(STUDY, steps=[dict(step) for _ in range(101)]))] == ["steps"]


def test_a_flood_of_objections_is_capped(tmp_path: Path) -> None:
    flood = TECHNIQUE + "".join(f"k{number}: x\n" for number in range(5_000))
    issues = told(tmp_path, flood)
    assert len(issues) == 201
    assert issues[-1].what == "and 4800 more issues"


def test_a_misspelt_key_names_the_nearest(tmp_path: Path) -> None:
    issues = told(tmp_path, TECHNIQUE.replace("description:", "descripton:"))
    assert {one.field: one.hint for one in issues}["descripton"] == "Did you mean 'description'?"


def test_without_a_kind_only_what_holds_of_every_kind_is_told(tmp_path: Path) -> None:
    sheet, issues = read_sheet(file(tmp_path, changed(TECHNIQUE, kind=None, severity="high")))
    assert sheet is None
    assert {one.field for one in issues} == {"kind", "severity"}


@pytest.mark.parametrize(
    "kind", ["case\nstudy", "case_study ", "Case Study", "case-study\x07", "CASE--STUDY", ["a"], {}]
)
def test_a_kind_in_another_spelling_is_read_or_told(tmp_path: Path, kind: object) -> None:
    sheet, issues = read_sheet(file(tmp_path, changed(STUDY, kind=kind)))
    assert (sheet is None) is bool(issues)
    assert sheet is None or sheet.kind is ContributionKind.CASE_STUDY


TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
KEYS = st.sampled_from(sorted({f.key for form in (*FORMS.values(), *ROWS.values()) for f in form} | {"matrix"})) | TEXTS
VALUES = st.recursive(
    TEXTS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=st.sampled_from([TECHNIQUE, EVIDENCE, STUDY]), changes=st.dictionaries(KEYS, VALUES, max_size=4))
def test_nothing_that_is_filled_in_breaks_the_reader(tmp_path: Path, base: str, changes: dict[str, object]) -> None:
    path = file(tmp_path, changed(base, **changes))
    sheet, issues = read_sheet(path)
    lines = len(path.read_text().splitlines()) + 1
    assert all(1 <= one.line <= lines and one.field and one.what and one.hint for one in issues)
    assert sheet is not None or issues


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(TECHNIQUE)), junk=st.binary(max_size=6), cut=st.integers(0, 40))
def test_no_bytes_break_the_reader(tmp_path: Path, place: int, junk: bytes, cut: int) -> None:
    path = tmp_path / "a.yaml"
    data = TECHNIQUE.encode()
    path.write_bytes(data[:place] + junk + data[place + cut :])
    sheet, issues = read_sheet(path)
    assert sheet is not None or issues


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(list(ContributionKind)),
    values=st.dictionaries(st.sampled_from(["name", "description", "technique", "actor", "target", "summary"]), TEXTS),
)
def test_what_a_template_is_filled_with_is_read_back(
    tmp_path: Path, kind: ContributionKind, values: dict[str, str]
) -> None:
    text, blanks = fill_in(kind, load(), values)
    sheet, issues = read_sheet(file(tmp_path, text))
    assert sheet is not None
    missing = {one.field for one in issues if one.what == "it is missing"}
    # The colour is missing only where the matrix has colours, which the reader does not know.
    assert set(blanks) - {"color"} <= missing
    bad = {one.field for one in issues}
    for field in FORMS[kind]:
        if field.key in values and field.key not in bad:
            assert sheet.text(field.key) == values[field.key].strip()
