"""What is done to versions of the matrix stands in the audit log, once for each thing that was done."""

from pathlib import Path

import pytest

from caponier.app.matrix.import_version import import_matrix
from caponier.app.matrix.merge_contribution import merge_contributions
from caponier.app.matrix.update import update_matrix
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from matrix.contributions.made import TECHNIQUE, file

FILES = Path(__file__).resolve().parents[2] / "matrix" / "versions" / "loaders"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    return require_workspace(create_workspace(tmp_path).parent)


def rows(home: Workspace) -> list[tuple[str, str]]:
    return [(row.action, row.object) for row in reversed(list_audit(home))][1:]


def test_an_import_is_noted_once(home: Workspace) -> None:
    for _ in range(2):
        import_matrix(FILES / "format-4.yaml", workspace=home.file)
    assert rows(home) == [("matrix.imported", "atlas-4.4.9")]
    assert verify_audit(home).ok


def test_an_update_notes_what_was_pinned_before(home: Workspace) -> None:
    update_matrix(FILES / "format-5.yaml", workspace=home.file)
    assert rows(home) == [("matrix.imported", "atlas-5.6.9"), ("matrix.pinned", "atlas-5.6.9")]
    assert list_audit(home)[0].details == {"before": "amltm-2020"}
    update_matrix(FILES / "format-5.yaml", workspace=home.file)
    assert len(rows(home)) == 2


def test_a_dry_run_and_a_refusal_are_not_noted(home: Workspace) -> None:
    update_matrix(FILES / "format-5.yaml", workspace=home.file, dry_run=True)
    with pytest.raises(InputError):
        import_matrix(FILES / "format-5.yaml", "atlas-5.6", workspace=home.file)
    assert rows(home) == []


def test_a_merge_is_noted_with_what_it_was_put_onto(home: Workspace, tmp_path: Path) -> None:
    merge_contributions(home, [file(tmp_path, TECHNIQUE, "a.yaml")], "amltm-2020+1", looked=True)
    assert rows(home) == [("matrix.merged", "amltm-2020+1")]
    assert list_audit(home)[0].details == {"onto": "amltm-2020", "contributions": 1}
