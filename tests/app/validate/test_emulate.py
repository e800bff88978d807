import os
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from caponier.app.coverage.detectors import DetectorKind, emulation, emulations
from caponier.app.scan.artifact import scan_artifact
from caponier.app.validate.emulate import emulate, targets
from caponier.detect.artifact import Verdict
from caponier.errors import InputError

pytestmark = pytest.mark.slow


def test_an_attack_leaves_the_events_that_the_server_recorded(tmp_path: Path) -> None:
    done = emulate("hop_skip_jump", out=tmp_path / "new")
    assert done.success
    assert done.measure["final_distance"] <= done.measure["first_distance"] / 2
    (log,) = done.files
    events = pq.read_table(log)
    assert events.num_rows == done.queries
    assert set(events["model"].to_pylist()) == {"digits-mlp"}
    assert len(set(events["principal"].to_pylist())) == 1


def test_keys_are_never_in_the_log(tmp_path: Path) -> None:
    (log,) = emulate("membership_inference", out=tmp_path).files
    assert all(name.startswith("k-") for name in pq.read_table(log)["principal"].to_pylist())


def test_another_target_is_another_model(tmp_path: Path) -> None:
    done = emulate("membership_inference", target="digits-forest", out=tmp_path)
    assert done.target == "digits-forest-membership_inference"
    assert done.measure["auc"] >= 0.7


@pytest.mark.parametrize(("name", "figure"), [("api_crawl", "labels_seen"), ("family_fingerprint", "bend")])
def test_a_probe_leaves_requests_of_every_kind(name: str, figure: str, tmp_path: Path) -> None:
    report = emulate(name, target="digits-forest", out=tmp_path, seed=1)
    (path,) = report.files
    events = pq.read_table(path)
    assert report.success
    assert report.measure[figure] > 0
    assert report.queries == len(set(events["time"].to_pylist()))
    assert {"predict", "metadata", "explain"} <= set(events["operation"].to_pylist())


@pytest.mark.parametrize("name", ["steered_feedback", "feedback_chaff"])
def test_feedback_is_played_on_a_model_that_learns(name: str, tmp_path: Path) -> None:
    done = emulate(name, out=tmp_path)
    assert (done.target, done.success) == ("digits-learner", True)
    said = pq.read_table(done.files[0])["principal"].to_pylist()
    assert sum(who.startswith(f"attacker-{name}-") for who in said) == done.queries
    assert targets(emulation(name)) == ("digits-learner",)
    with pytest.raises(InputError, match="digits-forest"):
        emulate(name, target="digits-forest")


def test_a_poison_leaves_the_data_set_and_the_truth(tmp_path: Path) -> None:
    done = emulate("uniform_flips", out=tmp_path)
    assert done.success
    assert done.measure["accuracy_poisoned"] < done.measure["accuracy_clean"]
    labels = np.load(done.files[0])["y"]
    truth = [tuple(map(int, line.split(","))) for line in done.files[1].read_text().splitlines()[1:]]
    assert len(truth) == done.measure["rows_changed"]
    assert all(labels[row] == given != right for row, given, right in truth)


def test_files_are_written_and_not_loaded(tmp_path: Path) -> None:
    done = emulate("plain_pickle_attack", out=tmp_path)
    assert {path.parent for path in done.files} == {tmp_path / "plain_pickle_attack"}
    assert not (tmp_path / "plain_pickle_attack" / "canary").exists()
    assert {file.verdict for file in scan_artifact(list(done.files)).scanned} == {Verdict.UNSAFE}


def test_a_story_leaves_its_log(tmp_path: Path) -> None:
    done = emulate("stolen_account", out=tmp_path)
    assert done.files[0].read_bytes().count(b"\n") == done.measure["events"]


def test_a_seed_fixes_it(tmp_path: Path) -> None:
    one, same, other = (
        emulate("stolen_account", out=tmp_path / str(place), seed=seed).files[0].read_bytes()
        for place, seed in enumerate((1, 1, 2))
    )
    assert one == same != other


def test_without_a_folder_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("plain_pickle_attack", "stolen_account"):
        assert emulate(name).files == ()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["stolen_account", "plain_pickle_attack"])
def test_nothing_is_written_over(name: str, tmp_path: Path) -> None:
    first = emulate(name, out=tmp_path)
    before = first.files[0].read_bytes()
    with pytest.raises(InputError, match="is there already"):
        emulate(name, out=tmp_path, seed=1)
    assert first.files[0].read_bytes() == before


def test_a_target_that_it_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Choose: security-log"):
        emulate("stolen_account", target="digits-mlp", out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="cannot be used"):
        emulate("stolen_account", out=file)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("kind", list(dict.fromkeys(card.kind for card in emulations())))
def test_every_kind_has_a_target(kind: DetectorKind) -> None:
    names = {
        DetectorKind.EVENT: "flood",
        DetectorKind.DATASET: "pair_flips",
        DetectorKind.ARTIFACT: "code_layer_attack",
        DetectorKind.LOG: "stolen_account",
    }
    assert targets(emulation(names[kind]))
