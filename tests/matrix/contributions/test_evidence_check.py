from datetime import date
from pathlib import Path

import pytest

from caponier.matrix.contributions.contribution_form import read_sheet
from caponier.matrix.contributions.evidence_check import earliest
from caponier.matrix.versions.catalogue import load
from matrix.contributions.made import EVIDENCE, TECHNIQUE, changed, errors, file, looks, reviewed, with_row


@pytest.mark.parametrize(
    "system",
    ["none", "N/A", "unknown", "a toy model", "Lab", "our own research model", "a simulation", "test dataset", "paper"],
)
def test_what_is_no_real_system_is_refused(tmp_path: Path, system: str) -> None:
    assert errors(reviewed(tmp_path, with_row(EVIDENCE, "evidence", system=system))) == ["evidence[1].system"]


@pytest.mark.parametrize(
    "system", ["Tay", "VirusTotal", "Model S of Tesla", "The lab information system of a hospital"]
)
def test_a_product_or_service_is_one(tmp_path: Path, system: str) -> None:
    assert reviewed(tmp_path, with_row(EVIDENCE, "evidence", system=system)).level is None


@pytest.mark.parametrize("result", ["success", "It worked.", "yes", "see the report", "n/a", "-", "two words"])
def test_what_shows_no_result_is_refused(tmp_path: Path, result: str) -> None:
    assert errors(reviewed(tmp_path, with_row(EVIDENCE, "evidence", result=result))) == ["evidence[1].result"]


def test_a_source_stands_once(tmp_path: Path) -> None:
    tree = with_row(EVIDENCE, "evidence")
    rows = tree[tree.index("- source") :]
    assert errors(reviewed(tmp_path, tree + rows)) == ["evidence[2].source"]


def test_a_source_that_the_entry_has_already_is_looked_at(tmp_path: Path) -> None:
    entry = next(t for t in load().techniques if t.evidence and t.evidence.sources)
    assert entry.evidence is not None
    url = entry.evidence.sources[0].study.url
    assert url is not None
    for source, words in ((f"{url}/", "names this source already"), (f"{url}?other", "on this host already")):
        text = changed(with_row(EVIDENCE, "evidence", source=source), technique=entry.id)
        found = reviewed(tmp_path, text)
        assert looks(found) == ["evidence[1].source"]
        assert words in found.issues[0].what


def test_evidence_may_be_for_what_is_proposed_beside_it(tmp_path: Path) -> None:
    more = changed(EVIDENCE, technique="AMLTM.EVADE.04")
    assert errors(reviewed(tmp_path, more)) == ["technique"]
    assert reviewed(tmp_path, more, TECHNIQUE).level is None


@pytest.mark.parametrize(
    ("type_", "way", "usual"),
    [
        ("incident", "public-incident", True),
        ("incident", "vendor-informed", True),
        ("incident", "permission", False),
        ("incident", "own-system", False),
        ("exercise", "permission", True),
        ("exercise", "own-system", True),
        ("exercise", "coordinated-disclosure", True),
        ("exercise", "public-incident", False),
    ],
)
def test_an_unusual_way_of_disclosure_is_looked_at(tmp_path: Path, type_: str, way: str, usual: bool) -> None:
    found = reviewed(tmp_path, with_row(EVIDENCE, "evidence", type=type_, disclosure=way))
    assert (errors(found), looks(found)) == ([], [] if usual else ["evidence[1].disclosure"])


def test_words_of_disclosure_say_who(tmp_path: Path) -> None:
    assert errors(reviewed(tmp_path, with_row(EVIDENCE, "evidence", disclosure_words="yes"))) == [
        "evidence[1].disclosure_words"
    ]


def test_the_earliest_date_is_found_with_its_row(tmp_path: Path) -> None:
    sheet, _ = read_sheet(file(tmp_path, EVIDENCE))
    assert sheet is not None
    assert earliest(sheet) == (date(2024, 2, 1), sheet.rows["evidence"][0])
    blank, _ = read_sheet(file(tmp_path, changed(EVIDENCE, evidence=None)))
    assert blank is not None
    assert earliest(blank) is None
