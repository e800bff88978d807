"""An import brings a version into the workspace, whole or not at all."""

import shutil
from pathlib import Path

import pytest

from caponier.app.matrix.import_version import import_matrix
from caponier.app.matrix.library import matrix_library
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.matrix.versions import catalogue

FILES = Path(__file__).resolve().parents[2] / "matrix" / "versions" / "loaders"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    return create_workspace(tmp_path).parent


def kept(home: Path) -> list[str]:
    folder = home / "matrix"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("format-3.yaml", "atlas-3.0.9"),
        ("format-4.yaml", "atlas-4.4.9"),
        ("format-5.yaml", "atlas-5.6.9"),
        ("atlas-2026.09.yaml", "atlas-2026.09"),
        ("attack-enterprise-17.0.json", "attack-enterprise-17.0"),
    ],
)
def test_what_was_imported_is_at_hand_by_its_name(home: Path, name: str, version: str):
    imported = import_matrix(FILES / name)
    library = matrix_library(load_workspace(home))
    assert library.versions() == (*catalogue.versions(), version)
    assert library.release(version) == imported.release
    assert imported.is_new
    assert imported.kept == home / "matrix" / f"{version}.json"


def test_the_same_file_again_changes_nothing(home: Path):
    first = import_matrix(FILES / "format-4.yaml")
    again = import_matrix(FILES / "format-4.yaml")
    assert (again.release, again.is_new) == (first.release, False)
    assert kept(home) == ["atlas-4.4.9.json"]


def test_another_file_of_the_same_name_needs_another_name(home: Path):
    import_matrix(FILES / "format-5.yaml")
    with pytest.raises(InputError, match="there already, with other content") as wrong:
        import_matrix(FILES / "stix-atlas.json")
    assert "--version" in (wrong.value.hint or "")
    assert import_matrix(FILES / "stix-atlas.json", "atlas-5.6.9-stix").is_new
    assert kept(home) == ["atlas-5.6.9-stix.json", "atlas-5.6.9.json"]


def test_a_shipped_version_is_never_replaced(home: Path):
    with pytest.raises(InputError, match="there already"):
        import_matrix(FILES / "format-5.yaml", "atlas-5.6")
    assert kept(home) == []


def test_a_name_that_leads_elsewhere_is_refused(home: Path):
    with pytest.raises(InputError, match="cannot be called"):
        import_matrix(FILES / "format-5.yaml", "../../up")
    assert kept(home) == []


def test_a_wrong_file_leaves_nothing(home: Path, tmp_path: Path):
    broken = tmp_path / "ATLAS.yaml"
    broken.write_bytes((FILES / "format-5.yaml").read_bytes()[:900])
    with pytest.raises(InputError):
        import_matrix(broken)
    assert kept(home) == []


def test_without_a_workspace_it_says_how_to_make_one(home: Path, monkeypatch: pytest.MonkeyPatch):
    elsewhere = home / "elsewhere"
    elsewhere.mkdir()
    (home / "caponier.toml").unlink()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(InputError, match=r"no caponier\.toml") as wrong:
        import_matrix(FILES / "format-5.yaml")
    assert "caponier init" in (wrong.value.hint or "")


def test_a_folder_that_cannot_be_written_is_an_error(home: Path):
    (home / "matrix").write_text("a file where the folder should be")
    with pytest.raises(InputError, match="cannot be kept"):
        import_matrix(FILES / "format-5.yaml")


def test_what_a_version_exports_as_our_file_can_be_imported_elsewhere(home: Path, tmp_path: Path):
    imported = import_matrix(FILES / "format-4.yaml")
    other = create_workspace(tmp_path / "other").parent
    moved = tmp_path / "moved.json"
    shutil.copy(imported.kept, moved)
    assert import_matrix(moved, workspace=other).release == imported.release


def test_counts_of_a_version(home: Path):
    assert import_matrix(FILES / "atlas-2026.09.yaml").counts == {
        "tactics": 9,
        "techniques": 10,
        "sub_techniques": 6,
        "in_default_view": 15,
        "case_studies": 3,
        "steps": 8,
        "retired": 0,
        "beside_the_matrix": 2,
    }
