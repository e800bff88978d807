import hashlib
from pathlib import Path

import numpy as np
import pytest
from tests.detect.networks.opened import as_file, opened

from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.remediate.model import ATTACK, KNOWN, ModelRepair, remediate_model
from caponier.app.scan.model import scan_model
from caponier.app.validate.retest import retest
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.records.incident import Stage
from caponier.records.inventory import Workspace
from caponier.remediate.unlearning import Method
from caponier.store import audit, remediations
from caponier.store.database import open_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bad = opened()
    assert bad.trigger is not None
    (tmp_path / "bad.safetensors").write_bytes(bad.data)
    (tmp_path / "good.safetensors").write_bytes(opened(None).data)
    for name, rows in (("clean", slice(0, 300)), ("test", slice(300, 500))):
        pool = bad.split.test.__class__(bad.split.test.images[rows], bad.split.test.labels[rows])
        as_file(pool, tmp_path / f"{name}.npz")
    marked = bad.trigger(bad.split.attackers.images)
    np.savez(tmp_path / "attack.npz", x=marked.reshape(-1, 8, 8), y=bad.split.attackers.labels)
    return tmp_path


def asked(folder: Path, **words: object) -> ModelRepair:
    given = {"test": folder / "test.npz", "attack": folder / "attack.npz", **words}
    return ModelRepair(folder / "new.safetensors", folder / "clean.npz", **given)  # type: ignore[arg-type]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def workspace_in(folder: Path) -> Workspace:
    workspace = load_workspace(create_workspace(folder / "home"))
    assert workspace
    return workspace


@pytest.mark.slow
def test_from_the_finding_to_a_verified_incident(folder: Path) -> None:
    before, workspace = sha256(folder / "bad.safetensors"), workspace_in(folder)
    keep_findings(workspace, scan_model(folder / "bad.safetensors", folder / "clean.npz", workspace=workspace).findings)
    (incident,) = list_incidents(workspace)
    given = asked(folder, incident_id=incident.incident_id)
    result = remediate_model(folder / "bad.safetensors", given, workspace=workspace)
    done = result.done
    assert done is not None
    assert result.proven, (done.before, done.after, result.still)
    assert done.before[KNOWN] >= 0.9
    assert max(done.after[KNOWN], done.after[ATTACK]) <= 0.05
    assert done.after["accuracy"] >= done.before["accuracy"] - 0.02
    assert sha256(folder / "bad.safetensors") == before == done.details["sha256"]["kept"]
    assert sha256(folder / "new.safetensors") == done.details["sha256"]["produced"] != before
    assert done.measured_on == sha256(folder / "test.npz")
    assert (folder / "new.safetensors").stat().st_size == (folder / "bad.safetensors").stat().st_size
    with open_store(workspace.store) as store, store.read() as connection:
        assert remediations.search(connection, incident_id=incident.incident_id) == [done]
        assert audit.verify(connection).ok
    assert result.stage is Stage.REMEDIATED
    # Another file in its place does not pass, be it as clean as may be.
    repaired = (folder / "new.safetensors").read_bytes()
    (folder / "new.safetensors").write_bytes((folder / "good.safetensors").read_bytes())
    tested = retest(incident.incident_id, workspace)
    assert "digest is another one" in tested.checked[0].why
    assert tested.incident.stage is Stage.REMEDIATED
    (folder / "new.safetensors").write_bytes(repaired)
    tested = retest(incident.incident_id, workspace)
    assert [one.passed for one in tested.checked] == [True]
    assert tested.incident.stage is Stage.VERIFIED


def test_what_did_not_help_is_not_proven(folder: Path) -> None:
    result = remediate_model(folder / "bad.safetensors", asked(folder, method=Method.FINE_TUNE))
    assert result.done is not None
    assert not result.proven
    assert result.done.after[KNOWN] > 0.5
    assert result.still


def test_without_a_test_set_nothing_is_proven(folder: Path) -> None:
    result = remediate_model(folder / "bad.safetensors", asked(folder, test=None, attack=None, method=Method.FINE_TUNE))
    assert result.done is not None
    assert (result.done.before, result.done.after, result.done.measured_on) == ({}, {}, "")
    assert not result.proven


def test_a_clean_model_is_left_alone_unless_a_class_is_named(folder: Path) -> None:
    assert remediate_model(folder / "good.safetensors", asked(folder)).done is None
    assert not (folder / "new.safetensors").exists()
    result = remediate_model(
        folder / "good.safetensors", asked(folder, target="4", attack=None, method=Method.FINE_TUNE)
    )
    assert result.done is not None
    assert result.done.details["target"] == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"target": "eleven"}, "no class 'eleven'"),
        ({"test_sha256": "0" * 64}, "not the pinned test set"),
        ({"test": "clean.npz"}, "are other rows"),
        ({"test": "wide.npz"}, "wide.npz: its rows have 128 features, and those of the samples 64"),
        ({"attack": "wide.npz"}, "wide.npz: its rows have 128 features"),
        ({"test": None}, "--attack is of use with a test set alone"),
        ({"test": None, "attack": None, "test_sha256": "0" * 64}, "--test-sha256 is of use"),
    ],
)
def test_wrong_input_leaves_nothing(folder: Path, words: dict[str, object], message: str) -> None:
    given = {key: folder / value if str(value).endswith("npz") else value for key, value in words.items()}
    np.savez(folder / "wide.npz", x=np.zeros((30, 128)), y=np.arange(30) % 10)
    with pytest.raises(InputError, match=message):
        remediate_model(folder / "bad.safetensors", asked(folder, **given))
    assert not (folder / "new.safetensors").exists()


def test_an_incident_that_is_not_there_is_told_before_the_work(folder: Path) -> None:
    with pytest.raises(InputError, match=r"^i-none: "):
        remediate_model(folder / "none", asked(folder, incident_id="i-none"), workspace=workspace_in(folder))


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "new.safetensors").write_bytes(b"mine")
    with pytest.raises(InputError, match="nothing is overwritten"):
        remediate_model(folder / "bad.safetensors", asked(folder))
    assert (folder / "new.safetensors").read_bytes() == b"mine"


def test_a_record_that_cannot_be_written_leaves_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(remediations, "add", broken)
    with pytest.raises(OSError, match="disk is full"):
        remediate_model(
            folder / "bad.safetensors", asked(folder, method=Method.FINE_TUNE), workspace=workspace_in(folder)
        )
    assert not (folder / "new.safetensors").exists()
