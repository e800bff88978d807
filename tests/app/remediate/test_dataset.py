import hashlib
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.remediate import dataset as module
from caponier.app.remediate.dataset import DatasetRepair, remediate_dataset
from caponier.app.remediate.pinned_test_set import PinnedTestSet
from caponier.app.scan.dataset import scan_dataset
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, load_digits_split
from caponier.errors import InputError
from caponier.remediate.dataset_file import Repair
from caponier.store import audit, remediations
from caponier.store.database import open_store
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.labelled_data.manifest import Manifest


@pytest.fixture(scope="module")
def split() -> DigitsSplit:
    return load_digits_split(61)


@pytest.fixture
def folder(split: DigitsSplit, tmp_path: Path) -> Path:
    poisoned = poisons()["pair_flips"].apply(split.train, 0.2, 61)
    (tmp_path / "train.npz").write_bytes(as_npz(poisoned.pool))
    (tmp_path / "test.npz").write_bytes(as_npz(split.test))
    return tmp_path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize("repair", list(Repair))
def test_the_repair_is_proven_and_the_old_is_kept(folder: Path, repair: Repair) -> None:
    before = sha256(folder / "train.npz")
    workspace = load_workspace(create_workspace(folder / "home"))
    assert workspace
    keep_findings(workspace, scan_dataset(folder / "train.npz", workspace=workspace).findings)
    (incident,) = list_incidents(workspace)
    about = {"test": folder / "test.npz", "incident_id": incident.incident_id}
    asked = DatasetRepair(folder / "new.npz", repair=repair, **about)
    result = remediate_dataset(folder / "train.npz", asked, workspace=workspace)
    assert result.done
    assert result.proven
    assert result.done.after["accuracy"] > result.done.before["accuracy"]
    assert sha256(folder / "train.npz") == before == result.done.details["sha256"]["kept"]
    assert sha256(folder / "new.npz") == result.done.details["sha256"]["produced"]
    assert sha256(folder / "new.quarantine.npz") == result.done.details["sha256"]["quarantine"]
    assert result.done.measured_on == sha256(folder / "test.npz")
    with np.load(folder / "new.npz") as new, np.load(folder / "new.quarantine.npz") as side:
        flagged = result.done.details["flagged"]
        assert len(side["y"]) == flagged > 0
        assert len(new["y"]) == 600 - (flagged if repair is Repair.DROP else 0)
    with open_store(workspace.store) as store, store.read() as connection:
        assert remediations.search(connection, incident_id=incident.incident_id) == [result.done]
        assert audit.verify(connection).ok


def test_an_incident_that_is_not_there_is_told_before_the_work(folder: Path) -> None:
    workspace = load_workspace(create_workspace(folder / "home"))
    with pytest.raises(InputError, match=r"^i-none: "):
        remediate_dataset(folder / "none", DatasetRepair(folder / "new.npz", incident_id="i-none"), workspace=workspace)


def test_nothing_is_overwritten(folder: Path) -> None:
    for name in ("train.npz", "test.npz"):
        with pytest.raises(InputError, match="nothing is overwritten"):
            remediate_dataset(folder / "train.npz", DatasetRepair(folder / name))
    with pytest.raises(InputError, match="same name"):
        remediate_dataset(folder / "train.npz", DatasetRepair(folder / "a.npz", folder / "a.npz"))
    with pytest.raises(InputError, match="folder does not exist"):
        remediate_dataset(folder / "train.npz", DatasetRepair(folder / "none" / "a.npz"))
    assert left(folder) == ["test.npz", "train.npz"]


def test_another_test_set_than_the_pinned_one_is_refused(folder: Path) -> None:
    asked = DatasetRepair(folder / "new.npz", test=folder / "test.npz", test_sha256="0" * 64)
    with pytest.raises(InputError, match="not the pinned test set"):
        remediate_dataset(folder / "train.npz", asked)
    assert left(folder) == ["test.npz", "train.npz"]


def test_a_test_set_that_was_trained_on_is_refused(folder: Path, split: DigitsSplit) -> None:
    (folder / "test.npz").write_bytes(as_npz(split.train))
    with pytest.raises(InputError, match="not in the training data"):
        remediate_dataset(folder / "train.npz", DatasetRepair(folder / "new.npz", test=folder / "test.npz"))


def test_shared_rows_are_left_out_of_the_measure(split: DigitsSplit, tmp_path: Path) -> None:
    both = Pool(
        np.concatenate([split.train.images[:50], split.test.images]),
        np.concatenate([split.train.labels[:50], split.test.labels]),
    )
    for name, pool in (("train", split.train), ("test", both)):
        (tmp_path / f"{name}.npz").write_bytes(as_npz(pool))
    training = module.read_dataset(tmp_path / "train.npz")
    assert len(PinnedTestSet.read(tmp_path / "test.npz", None).apart_from(training).dataset) == len(split.test)


def test_without_a_test_set_nothing_is_proven(folder: Path) -> None:
    result = remediate_dataset(folder / "train.npz", DatasetRepair(folder / "new.npz"))
    assert result.done
    assert not result.proven
    assert (result.done.before, result.done.after, result.done.measured_on) == ({}, {}, "")


def test_a_clean_data_set_is_left_alone(folder: Path) -> None:
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    np.savez(folder / "clean.npz", x=rng.normal(8 * y[:, None], 1, (200, 4)), y=y)
    result = remediate_dataset(folder / "clean.npz", DatasetRepair(folder / "new.npz"))
    assert result.done is None
    assert left(folder) == ["clean.npz", "test.npz", "train.npz"]


def command(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{dataset}} {{test}}"


def test_the_users_own_training_is_measured(folder: Path) -> None:
    code = "import sys, json, numpy; print(json.dumps({'accuracy': 1 / len(numpy.load(sys.argv[1])['y'])}))"
    asked = DatasetRepair(folder / "new.npz", test=folder / "test.npz", train_command=command(code))
    result = remediate_dataset(folder / "train.npz", asked)
    assert result.done
    assert result.done.before == {"accuracy": 1 / 600}
    assert result.proven


def test_a_training_that_fails_later_leaves_nothing_behind(folder: Path) -> None:
    code = "import sys; assert sys.argv[1].endswith('train.npz'), 'cannot train'; print('{\"accuracy\": 0.5}')"
    asked = DatasetRepair(folder / "new.npz", test=folder / "test.npz", train_command=command(code))
    with pytest.raises(InputError, match="cannot train"):
        remediate_dataset(folder / "train.npz", asked)
    assert left(folder) == ["test.npz", "train.npz"]


def test_a_training_that_changes_the_test_set_is_not_believed(folder: Path) -> None:
    code = "import sys; open(sys.argv[2], 'ab').write(b'x'); print('{\"accuracy\": 1}')"
    asked = DatasetRepair(folder / "new.npz", test=folder / "test.npz", train_command=command(code))
    with pytest.raises(InputError, match="has changed"):
        remediate_dataset(folder / "train.npz", asked)
    assert "new.npz" not in left(folder)


def test_what_a_manifest_recorded_is_put_back_and_nothing_else_is_relabelled(folder: Path, split: DigitsSplit) -> None:
    good = Pool(split.train.images, split.train.labels)
    (folder / "good.npz").write_bytes(as_npz(good))
    recorded = Manifest.of_dataset(read_dataset(folder / "good.npz"), None)
    (folder / "good.json").write_bytes(recorded.to_bytes())
    asked = DatasetRepair(folder / "back.npz", test=folder / "test.npz", manifest=folder / "good.json")
    result = remediate_dataset(folder / "train.npz", asked)
    assert result.done is not None
    assert result.done.details["manifest"] == str(folder / "good.json")
    back = Manifest.of_dataset(read_dataset(folder / "back.npz"), None)
    assert len(back.rows) >= 0.8 * len(recorded.rows)
    assert {row.digest: row.label for row in back.rows}.items() <= {r.digest: r.label for r in recorded.rows}.items()
