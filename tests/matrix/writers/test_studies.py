import csv
import io
import json
from dataclasses import replace
from datetime import date

from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import Disclosure, StudyType, Way
from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.studies import COLUMNS, full_name, to_csv, to_json, to_markdown, to_markdown_list

MATRIX = load()
HOSTILE = CaseStudy(
    "=1+1",
    "a | b\n# c <script>",
    StudyType.INCIDENT,
    date(2026, 1, 2),
    steps=(StudyStep("TA9", "T9999", "x | y", leads_to=()), StudyStep("AMLTM.EVADE", "AMLTM.EVADE.03", leads_to=(1,))),
    actors=("[me](javascript:x)",),
    references=("javascript:alert(1)", "https://example.org/r"),
)


def test_every_study_comes_back_from_json_with_its_steps_in_order():
    document = json.loads(to_json(MATRIX, MATRIX.studies))
    assert document["schema"] == "caponier.case-study-list/1"
    for study, plain in zip(MATRIX.studies, document["studies"], strict=True):
        assert [step["technique"]["id"] for step in plain["steps"]] == [step.technique for step in study.steps]
        assert plain["references" if study.references else "id"]


def test_a_step_of_another_matrix_goes_by_its_id_and_one_that_leads_nowhere_says_so():
    (study,) = json.loads(to_json(MATRIX, [HOSTILE]))["studies"]
    first, second = study["steps"]
    assert (first["technique"], first["tactic"]["name"]) == ({"id": "T9999", "name": "T9999"}, "TA9")
    assert first["leads_to"] == []
    assert second["leads_to"] == [1]
    assert "color" not in first
    assert second["color"] == "orange"


def test_a_page_keeps_what_others_wrote_as_text():
    page = to_markdown(MATRIX, HOSTILE)
    assert "<script>" not in page
    assert "\n# c" not in page
    assert "| 1 | TA9 | T9999 T9999 | x \\| y |" in page
    assert "- javascript:alert(1)" in page
    assert "- <https://example.org/r>" in page
    assert "\\[me\\]" in page


def test_with_what_right_it_is_told_of_stands_on_the_page_and_in_json():
    disclosed = replace(
        HOSTILE, disclosure=Disclosure(Way.COORDINATED_DISCLOSURE, "The maker | was told\nin May 2026.")
    )
    assert "- Disclosed: it was published together with the owner" in to_markdown(MATRIX, disclosed)
    assert len(to_markdown(MATRIX, disclosed).splitlines()) == len(to_markdown(MATRIX, HOSTILE).splitlines()) + 1
    (plain,) = json.loads(to_json(MATRIX, [disclosed]))["studies"]
    assert plain["disclosure"] == {"way": "coordinated-disclosure", "words": "The maker | was told\nin May 2026."}
    assert "disclosure" not in json.loads(to_json(MATRIX, [HOSTILE]))["studies"][0]


def test_a_list_has_a_row_for_each():
    assert to_markdown_list(MATRIX, MATRIX.studies).count("\n| AMLTM.CS") == 13
    assert "a \\| b # c" in to_markdown_list(MATRIX, [HOSTILE])


def test_csv_runs_no_formula():
    rows = list(csv.DictReader(io.StringIO(to_csv([HOSTILE]))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["id"] == "'=1+1"
    assert rows[0]["date"] == "2026-01-02"


def test_a_name_on_a_page_can_stand_alone_and_one_in_json_is_the_name_of_the_entry():
    atlas = load("atlas-5.6")
    tay = atlas.study("AML.CS0009")
    assert "AML.T0010.002 AI Supply Chain Compromise: Data" in to_markdown(atlas, tay)
    assert json.loads(to_json(atlas, [tay]))["studies"][0]["steps"][1]["technique"]["name"] == "Data"
    assert full_name(MATRIX, MATRIX.technique("AMLTM.EVADE.01.02")) == "Online Evasion"
