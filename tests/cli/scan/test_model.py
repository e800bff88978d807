import json
from pathlib import Path

import pytest
from tests.cli.command import run
from tests.detect.networks.opened import as_file, opened

from caponier.cli.scan.model_page import model_page


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.safetensors").write_bytes(opened().data)
    as_file(opened().split.test, tmp_path / "clean.npz")
    return tmp_path


def test_a_backdoor_ends_with_1_and_its_trigger_is_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(
        capsys, "scan", "model", "bad.safetensors", "--samples", "clean.npz", "--page", "page.html", "--format", "json"
    )
    assert done.code == 1
    document = json.loads(done.out)
    assert {found["detector"] for found in document["findings"]} == {"trigger_search", "weight_outlier"}
    assert document["scanned"][0]["verdict"] == "clean"
    assert document["detectors"]["trigger_search"]["facts"]["class"] == opened().target
    page = (folder / "page.html").read_text()
    assert page.count("<img") == 17
    assert "http" not in page
    assert "<script" not in page


def test_without_samples_weights_alone_are_judged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "scan", "model", "bad.safetensors")
    assert done.code == 1
    assert "not checked: trigger_search: it needs clean samples" in " ".join(done.err.split())


def test_what_cannot_be_judged_ends_with_3_and_what_is_not_there_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "words.txt").write_text("no model")
    assert run(capsys, "scan", "model", "words.txt").code == 3
    assert run(capsys, "scan", "model", "none.pt").code == 2
    assert run(capsys, "scan", "model", "bad.safetensors", "--samples", "none.npz").code == 2


def test_remediating_prints_figures_and_says_what_did_not_help(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("remediate", "model", "bad.safetensors", "--samples", "clean.npz", "--out", "new.safetensors")
    as_file(opened().split.attackers, folder / "test.npz")
    done = run(capsys, *words, "--test", "test.npz", "--method", "fine-tune", "--format", "json")
    assert done.code == 3
    assert json.loads(done.out)["details"]["method"] == "fine-tune"
    assert "this did not help" in done.err
    assert run(capsys, *words).code == 2


def test_a_page_of_a_file_that_was_not_opened_says_why(folder: Path) -> None:
    from caponier.app.scan.model import scan_model

    (folder / "<b>.txt").write_text("no model")
    page = model_page(scan_model(folder / "<b>.txt"))
    assert "Not judged" in page
    assert "<b>" not in page.replace("<b></b>", "")
