"""What is chosen of a version, and that nothing of it is lost on the way out."""

import csv
import datetime
import io
import json
from dataclasses import replace

import pytest

from caponier.app.matrix.export import MatrixFormat, Selection, export_matrix, select
from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.technique import Retirement
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.release import Countermeasure, Release

ATLAS = load("atlas-5.6")
STUDY = CaseStudy(
    "AML.CS9999",
    "Ours",
    StudyType.EXERCISE,
    datetime.date(2021, 3, 4),
    steps=(StudyStep("AML.TA0002", "AML.T0000", "read"), StudyStep("AML.TA0011", "AML.T0029", "flood", (1,))),
)
RELEASE = Release(
    replace(ATLAS, studies=(STUDY,), retired=(Retirement("AML.T0045", "Old", "AML.T0048.004"),)),
    "atlas-4",
    "00ff",
    (Countermeasure("AML.M0000", "Limit", ("AML.T0000",)),),
    ("two stray objects",),
)


def ids(chosen: Selection) -> list[str]:
    return [technique.id for technique in chosen.techniques]


def test_a_view_leaves_out_what_only_research_has_shown() -> None:
    assert (len(select(ATLAS).techniques), select(ATLAS).left_out) == (153, 17)
    assert (len(select(ATLAS, everything=True).techniques), select(ATLAS, everything=True).left_out) == (170, 0)


def test_techniques_tactics_and_studies_can_be_named_in_any_case() -> None:
    assert ids(select(ATLAS, ["aml.t0029"])) == ["AML.T0029"]
    column = select(ATLAS, ["AML.TA0011"])
    assert ids(column) == [t.id for t in ATLAS.shown() if "AML.TA0011" in t.tactics]
    assert ids(select(RELEASE.matrix, ["AML.CS9999"])) == ["AML.T0000", "AML.T0029"]
    assert select(RELEASE.matrix, ["AML.CS9999", "aml.cs9999"]).studies == (STUDY,)


def test_a_named_entry_is_there_even_if_only_research_has_shown_it() -> None:
    (entry,) = select(ATLAS, ["AML.T0000.000"]).techniques
    assert entry.maturity == "feasible"


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Did you mean 'AML\.T0029"):
        select(ATLAS, ["AML.T0O29"])


def test_json_of_a_whole_version_is_the_release_itself() -> None:
    text = export_matrix(RELEASE, select(RELEASE.matrix, everything=True), MatrixFormat.JSON)
    assert release_file.from_bytes(text.encode(), "x") == RELEASE


@pytest.mark.parametrize("version", ["amltm-2020", "atlas-5.6"])
def test_what_ships_comes_back_as_it_is(version: str) -> None:
    release = Release(load(version), "caponier", "")
    text = export_matrix(release, select(release.matrix, everything=True), MatrixFormat.JSON)
    assert release_file.from_bytes(text.encode(), "x").matrix == release.matrix


def test_json_of_a_part_has_what_its_entries_name() -> None:
    text = export_matrix(RELEASE, select(RELEASE.matrix, ["AML.T0000.001"]), MatrixFormat.JSON)
    part = release_file.from_bytes(text.encode(), "x")
    assert [technique.id for technique in part.matrix.techniques] == ["AML.T0000", "AML.T0000.001"]
    assert part.matrix.technique("AML.T0000.001") == ATLAS.technique("AML.T0000.001")
    assert (part.matrix.studies, part.matrix.retired, part.countermeasures) == ((), (), ())
    assert part.remarks == ("a part of atlas-5.6",)


def test_a_part_keeps_the_twin_of_an_entry_and_the_twins_parent() -> None:
    matrix = load()
    text = export_matrix(Release(matrix, "caponier", ""), select(matrix, ["AMLTM.EXEC.01"]), MatrixFormat.JSON)
    part = release_file.from_bytes(text.encode(), "x").matrix
    assert [technique.id for technique in part.techniques] == ["AMLTM.EXEC.01", "AMLTM.PERSIST.01"]


def test_json_of_a_study_has_its_steps_and_their_techniques() -> None:
    text = export_matrix(RELEASE, select(RELEASE.matrix, ["AML.CS9999"]), MatrixFormat.JSON)
    part = release_file.from_bytes(text.encode(), "x").matrix
    assert part.studies == (STUDY,)
    assert len(part.techniques) == 2


@pytest.mark.parametrize("released", [None, datetime.date(2023, 4, 12)])
@pytest.mark.parametrize("format_", MatrixFormat)
def test_every_format_writes_imported_versions(released: datetime.date | None, format_: MatrixFormat) -> None:
    release = replace(RELEASE, matrix=replace(RELEASE.matrix, version="atlas-4.4.0", released=released))
    chosen = select(release.matrix, ["AML.CS9999"])
    text = export_matrix(release, chosen, format_)
    assert text.endswith("\n")
    assert "AML.T0029" in text
    assert export_matrix(release, chosen, format_) == text


@pytest.mark.parametrize("ids", [[], ["AML.T0029"], ["AML.CS9999", "AML.CS9998"]])
def test_a_flow_is_of_one_case_study(ids: list[str]) -> None:
    matrix = replace(ATLAS, studies=(STUDY, replace(STUDY, id="AML.CS9998")))
    with pytest.raises(InputError, match=r"of one case study\nName one, such as AML\.CS9999"):
        export_matrix(replace(RELEASE, matrix=matrix), select(matrix, ids), MatrixFormat.ATTACK_FLOW)


def test_a_version_without_studies_has_no_flow() -> None:
    matrix = replace(ATLAS, studies=())
    with pytest.raises(InputError, match="another version"):
        export_matrix(replace(RELEASE, matrix=matrix), select(matrix), MatrixFormat.ATTACK_FLOW)


def test_tables_have_the_chosen_entries_only() -> None:
    chosen = select(ATLAS, ["AML.TA0011"])
    rows = list(csv.DictReader(io.StringIO(export_matrix(RELEASE, chosen, MatrixFormat.CSV))))
    assert [row["id"] for row in rows] == ids(chosen)
    layer = json.loads(export_matrix(RELEASE, chosen, MatrixFormat.NAVIGATOR))
    assert {row["techniqueID"] for row in layer["techniques"]} == set(ids(chosen))
    assert len(export_matrix(RELEASE, chosen, MatrixFormat.MARKDOWN).splitlines()) == 4 + len(chosen.techniques)
