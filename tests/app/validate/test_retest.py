"""An incident moves on by proof alone: a proven repair makes it remediated, a passed test verified."""

from pathlib import Path

import pytest

from caponier.app.incidents.incidents import advance_incident, list_incidents, show_incident
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.remediate.dataset import DatasetRemediation, DatasetRepair, remediate_dataset
from caponier.app.scan.dataset import scan_dataset
from caponier.app.validate.retest import retest
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import load_digits_split
from caponier.errors import InputError
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.store.audit import verify
from caponier.store.database import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    """A workspace with an incident about a backdoor in train.npz."""
    split = load_digits_split(61)
    poisoned = poisons()["corner_backdoor"].apply(split.train, 0.1, 61)
    (tmp_path / "train.npz").write_bytes(as_npz(poisoned.pool))
    (tmp_path / "test.npz").write_bytes(as_npz(split.test))
    file = create_workspace(tmp_path / "home")
    file.write_text(file.read_text() + '\n[[system]]\nname = "post"\ndatasets = ["train.npz"]\n')
    workspace = load_workspace(file)
    assert workspace
    keep_findings(workspace, scan_dataset(tmp_path / "train.npz", workspace=workspace).findings)
    return workspace


def repaired(home: Workspace, folder: Path, **asked: object) -> DatasetRemediation:
    case = list_incidents(home)[0]
    how = DatasetRepair(folder / "new.npz", incident_id=case.incident_id, **asked)  # type: ignore[arg-type]
    return remediate_dataset(folder / "train.npz", how, workspace=home)


def stage(home: Workspace) -> Stage:
    return show_incident(home, list_incidents(home)[0].incident_id).incident.stage


def test_from_open_to_closed_by_proof(home: Workspace, tmp_path: Path) -> None:
    result = repaired(home, tmp_path, test=tmp_path / "test.npz")
    assert result.done
    assert result.done.before["attack_success"] >= 0.9
    assert result.done.after["attack_success"] <= 0.05
    assert result.done.after["accuracy"] >= result.done.before["accuracy"] - 0.01
    assert (result.stage, stage(home)) == (Stage.REMEDIATED, Stage.REMEDIATED)
    incident = list_incidents(home)[0].incident_id
    found = retest(incident, home)
    assert found.passed
    assert found.checked[0].passed
    assert found.incident.stage is stage(home) is Stage.VERIFIED
    notes = [note.text for note in show_incident(home, incident).incident.notes]
    assert "attack_success" in notes[0]
    assert notes[1] == "tested again: 1 repaired file scanned anew, nothing found"
    assert advance_incident(home, incident, Stage.CLOSED, reason="done").stage is Stage.CLOSED
    with open_store(home.store) as store, store.read() as connection:
        assert verify(connection).ok


def test_what_is_not_measured_moves_nothing(home: Workspace, tmp_path: Path) -> None:
    assert repaired(home, tmp_path).stage is None
    assert stage(home) is Stage.OPEN
    with pytest.raises(InputError, match="only one that is remediated"):
        retest(list_incidents(home)[0].incident_id, home)


def test_another_file_in_the_place_of_the_repaired_one_is_not_verified(home: Workspace, tmp_path: Path) -> None:
    repaired(home, tmp_path, test=tmp_path / "test.npz")
    (tmp_path / "new.npz").write_bytes((tmp_path / "test.npz").read_bytes())
    found = retest(list_incidents(home)[0].incident_id, home)
    assert not found.passed
    assert "digest" in found.checked[0].why
    (tmp_path / "new.npz").unlink()
    assert not retest(list_incidents(home)[0].incident_id, home).passed
    assert stage(home) is Stage.REMEDIATED
