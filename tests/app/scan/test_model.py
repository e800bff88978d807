import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.detect.networks.opened import as_file, opened, samples

from caponier.app.scan.model import class_numbers, samples_of, scan_model
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.artifact import Verdict
from caponier.detect.registry import model_detectors
from caponier.errors import InputError
from caponier.plugins import Discovery
from caponier.telemetry.labelled_data.datasets import read_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bad = opened()
    (tmp_path / "bad.safetensors").write_bytes(bad.data)
    (tmp_path / "good.safetensors").write_bytes(opened(None).data)
    rows = samples(bad.split.test, 100)
    np.savez(tmp_path / "clean.npz", x=rows.x.reshape(-1, 8, 8), y=rows.labels)
    return tmp_path


def test_a_backdoor_is_a_finding_with_techniques_and_the_file(folder: Path) -> None:
    report = scan_model(folder / "bad.safetensors", folder / "clean.npz")
    assert {found.detector for found in report.findings} == {"trigger_search", "weight_outlier"}
    for found in report.findings:
        assert found.subject.sha256 == report.scanned.sha256
        assert [ref.id for ref in found.techniques] == ["AML.T0018.000", "AMLTM.INIT.01", "AMLTM.EVADE.03.02"]
        assert f"class {opened().target}" in found.summary
        assert found.evidence.value >= found.evidence.threshold
    assert not report.skipped


def test_a_clean_model_is_none(folder: Path) -> None:
    report = scan_model(folder / "good.safetensors", folder / "clean.npz")
    assert (report.findings, report.skipped) == ([], [])


def test_without_samples_only_weights_are_judged_and_that_is_said(folder: Path) -> None:
    report = scan_model(folder / "bad.safetensors")
    assert [found.detector for found in report.findings] == ["weight_outlier"]
    assert [skip.what for skip in report.skipped] == ["trigger_search"]


class Harm:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch harmed",)


def test_an_unsafe_file_is_not_looked_into(folder: Path) -> None:
    path = folder / "model.pkl"
    path.write_bytes(pickle.dumps(Harm()))
    report = scan_model(path, folder / "clean.npz")
    assert report.scanned.verdict is Verdict.UNSAFE
    assert [found.detector for found in report.findings] == ["unsafe_code"]
    assert "only files that are clean" in report.skipped[0].reason
    assert report.opened is None
    assert not Path("harmed").exists()


@pytest.mark.parametrize("name", ["none.pt", "."])
def test_what_is_no_file_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not a file"):
        scan_model(folder / name, folder / "clean.npz")


def test_a_file_that_is_no_network_is_skipped_and_not_clean(folder: Path) -> None:
    (folder / "list.pkl").write_bytes(pickle.dumps([1, 2, 3]))
    report = scan_model(folder / "list.pkl", folder / "clean.npz")
    assert not report.findings
    assert report.skipped


def test_labels_that_do_not_fit_are_told(folder: Path) -> None:
    with np.load(folder / "clean.npz") as rows:
        np.savez(folder / "wrong.npz", x=rows["x"], y=(rows["y"] + 1) % 10)
    report = scan_model(folder / "good.safetensors", folder / "wrong.npz")
    assert "not what it answers" in report.skipped[0].reason


def test_a_disabled_detector_does_not_look(folder: Path) -> None:
    home = create_workspace(folder / "home")
    text = home.read_text()
    home.write_text(text + '\n[detect]\ndisabled = ["trigger_search"]\n' if "[detect]" not in text else text.replace(
        "[detect]", '[detect]\ndisabled = ["trigger_search"]'))  # fmt: skip
    report = scan_model(folder / "bad.safetensors", folder / "clean.npz", workspace=load_workspace(home))
    assert list(report.analyses) == ["weight_outlier"]


def test_a_detector_that_breaks_down_hides_no_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Breaking(type(model_detectors()["weight_outlier"])):  # type: ignore[misc]
        name = "breaking"

        def analyse(self, model: object) -> object:
            raise ZeroDivisionError("by the file")

    found = {"breaking": Breaking(), **model_detectors()}
    monkeypatch.setitem(vars(model_detectors), "_found", Discovery(found, {}))
    report = scan_model(folder / "bad.safetensors", folder / "clean.npz")
    assert len(report.findings) == 2
    assert "ZeroDivisionError: by the file" in report.skipped[0].reason


def test_labels_are_class_numbers_or_put_in_order(tmp_path: Path) -> None:
    x = np.random.default_rng(1).random((30, 4))
    for labels, wanted in (([3, 7, 9] * 10, [3, 7, 9]), (["b", "a", "c"] * 10, [1, 0, 2])):
        np.savez(tmp_path / "rows.npz", x=x, y=np.array(labels))
        assert class_numbers(read_dataset(tmp_path / "rows.npz"))[:3].tolist() == wanted


def test_too_few_samples_are_refused(tmp_path: Path) -> None:
    path = as_file(opened().split.test, tmp_path / "rows.npz")
    with np.load(path) as rows:
        np.savez(path, x=rows["x"][:9], y=rows["y"][:9])
    with pytest.raises(InputError, match="too few"):
        samples_of(read_dataset(path))


def test_rows_that_are_no_samples_are_told(folder: Path) -> None:
    with np.load(folder / "clean.npz") as held:
        x, y = held["x"].copy(), held["y"]
    x[3, 0] = np.nan
    np.savez(folder / "clean.npz", x=x, y=y)
    report = scan_model(folder / "good.safetensors", folder / "clean.npz")
    assert report.skipped == []
    assert report.notes[0].endswith("1 of its rows cannot be used, such as row 3: x holds NaN or infinity")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x, y: (np.hstack([x, x]), y), "not the samples' rows of 128 features"),
        (lambda x, y: (x, (y + 1) % 10), "% agree, and 60% must. Number labels"),
        (lambda x, y: (x * 3e38, y), "are no finite numbers"),
    ],
)
def test_samples_that_do_not_fit_are_told_by_what_was_seen(folder: Path, change: Any, said: str) -> None:
    with np.load(folder / "clean.npz") as held:
        x, y = change(held["x"].reshape(100, -1).astype(float), held["y"])
    np.savez(folder / "clean.npz", x=x, y=y)
    (skipped,) = scan_model(folder / "good.safetensors", folder / "clean.npz").skipped
    assert said in skipped.reason


def test_samples_in_an_empty_file_are_no_table(folder: Path) -> None:
    (folder / "clean.npz").write_bytes(b"")
    with pytest.raises(InputError, match=r"clean.npz: the file is empty"):
        scan_model(folder / "good.safetensors", folder / "clean.npz")
