from datetime import date
from pathlib import Path

import pytest

from caponier.app.matrix.library import matrix_library
from caponier.app.matrix.merge_contribution import merge_contributions
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.matrix.contributions.review_issue import ReviewLevel
from caponier.records.inventory import Workspace
from matrix.contributions.made import EVIDENCE, TECHNIQUE, changed, file

TODAY = date(2026, 3, 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    create_workspace(tmp_path / "ws")
    return require_workspace(tmp_path / "ws")


def test_a_new_version_stands_beside_the_old(home: Workspace, tmp_path: Path) -> None:
    files = [file(tmp_path, TECHNIQUE, "a.yaml"), file(tmp_path, EVIDENCE, "b.yaml")]
    merged = merge_contributions(home, files, "amltm-2020+1", today=TODAY)
    library = matrix_library(home)
    assert merged.release == library.release("amltm-2020+1")
    assert merged.kept == home.file.parent / "matrix" / "amltm-2020+1.json"
    matrix = library.load("amltm-2020+1")
    assert "AMLTM.EVADE.04" in matrix
    assert "AMLTM.EVADE.04" not in library.load("amltm-2020")
    assert matrix.search(["spoofing"])[0].id == "AMLTM.EVADE.04"


def test_versions_grow_on_each_other(home: Workspace, tmp_path: Path) -> None:
    merge_contributions(home, [file(tmp_path, TECHNIQUE, "a.yaml")], "amltm-2020+1", today=TODAY)
    more = changed(TECHNIQUE, id="AMLTM.EVADE.05", name="Blinding", description="Blinds it.", matrix="amltm-2020+1")
    merged = merge_contributions(home, [file(tmp_path, more, "b.yaml")], "amltm-2020+2", today=TODAY)
    assert merged.release is not None
    assert [id_ in merged.release.matrix for id_ in ("AMLTM.EVADE.04", "AMLTM.EVADE.05")] == [True, True]


def kept(home: Workspace) -> list[str]:
    folder = home.file.parent / "matrix"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_one_that_cannot_be_taken_keeps_all_out(home: Workspace, tmp_path: Path) -> None:
    files = [file(tmp_path, TECHNIQUE, "a.yaml"), file(tmp_path, changed(EVIDENCE, score="1"), "b.yaml")]
    merged = merge_contributions(home, files, "amltm-2020+1", looked=True)
    assert (merged.review.level, merged.release, merged.kept) == (ReviewLevel.ERROR, None, None)
    assert kept(home) == []


def test_what_somebody_has_to_look_at_waits_for_that(home: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, changed(TECHNIQUE, id="AMLTM.EVADE.07"))
    assert merge_contributions(home, [path], "amltm-2020+1").release is None
    assert kept(home) == []
    assert merge_contributions(home, [path], "amltm-2020+1", looked=True).release is not None


@pytest.mark.parametrize("name", ["amltm-2020", "atlas-5.6", "../up", "Big", ""])
def test_no_version_is_changed_and_no_name_is_a_path(home: Workspace, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        merge_contributions(home, [file(tmp_path, TECHNIQUE)], name)
    assert kept(home) == []


def test_a_merged_version_is_never_merged_over(home: Workspace, tmp_path: Path) -> None:
    path = file(tmp_path, TECHNIQUE)
    merge_contributions(home, [path], "amltm-2020+1", today=TODAY)
    before = (home.file.parent / "matrix" / "amltm-2020+1.json").read_bytes()
    with pytest.raises(InputError, match="there already"):
        merge_contributions(home, [path], "amltm-2020+1", today=TODAY)
    assert (home.file.parent / "matrix" / "amltm-2020+1.json").read_bytes() == before


def test_contributions_for_several_versions_are_not_mixed(home: Workspace, tmp_path: Path) -> None:
    atlas = changed(EVIDENCE, matrix="atlas-5.6", technique="AML.T0043")
    files = [file(tmp_path, TECHNIQUE, "a.yaml"), file(tmp_path, atlas, "b.yaml")]
    with pytest.raises(InputError, match=r"amltm-2020, atlas-5\.6"):
        merge_contributions(home, files, "ours", looked=True)
    assert kept(home) == []
