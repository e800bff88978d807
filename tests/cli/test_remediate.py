import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.remediate.rollback import read_registry
from caponier.cli.remediate import app
from caponier.errors import InputError
from caponier.remediate.model_registry import Registry
from caponier.remediate.reference_model import train


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def blobs(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 3
    centres = 4 * np.eye(3, 4)
    return centres[y] + np.random.default_rng(seed).normal(0, 0.9, (n, 4)), y


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    x, y = blobs(1, 300)
    given = y.copy()
    given[:60] = (y[:60] + 1) % 3
    np.savez("train.npz", x=x, y=given)
    x, y = blobs(2, 200)
    np.savez("test.npz", x=x, y=y)
    return tmp_path


def test_a_repair_prints_its_proof(here: Path) -> None:
    result = run("dataset", "train.npz", "--out", "new.npz", "--test", "test.npz", "--format", "json")
    assert result.exit_code == 0
    plain = json.loads(result.stdout)
    assert plain["schema"] == "caponier.remediation/1"
    assert plain["after"]["accuracy"] >= plain["before"]["accuracy"]
    assert (here / "new.npz").exists()
    assert "new.quarantine.npz" in result.stderr
    assert "not recorded" in result.stderr


def test_without_a_test_set_it_is_done_in_part(here: Path) -> None:
    result = run("dataset", "train.npz", "--out", "new.npz", "--repair", "relabel")
    assert result.exit_code == 3
    assert "the repair is not proven" in result.stderr
    assert "new.npz" in result.stdout


def test_nothing_wrong_is_nothing_written(here: Path) -> None:
    x, y = blobs(3, 240)
    np.savez("clean.npz", x=np.where(y[:, None] == np.arange(4), x + 9, x), y=y)
    result = run("dataset", "clean.npz", "--out", "new.npz", "--test", "test.npz")
    assert result.exit_code == 0
    assert "nothing was written" in result.stderr
    assert not (here / "new.npz").exists()


@pytest.mark.parametrize("format_", ["table", "csv", "markdown"])
def test_other_formats(here: Path, format_: str) -> None:
    result = run("dataset", "train.npz", "--out", "new.npz", "--test", "test.npz", "--format", format_, "--quiet")
    assert result.exit_code == 0
    assert "accuracy" in result.stdout
    assert result.stderr == ""


def test_an_existing_file_is_refused(here: Path) -> None:
    assert isinstance(run("dataset", "train.npz", "--out", "test.npz").exception, InputError)


def test_a_rollback_and_its_undoing(here: Path) -> None:
    registry = Registry()
    x, y = blobs(1, 300)
    for number, labels in (("1", y), ("2", (y + (np.arange(300) % 2)) % 3)):
        data = train(x, labels, ("0", "1", "2")).to_bytes()
        (here / f"v{number}").write_bytes(data)
        registry = registry.register("m", number, f"v{number}", hashlib.sha256(data).hexdigest())
    (here / "registry.json").write_bytes(registry.to_bytes())
    result = run("rollback", "m", "--registry", ".", "--test", "test.npz", "--format", "json", "--report", "done.json")
    assert result.exit_code == 0
    assert "version 1 is active, quarantined is 2" in result.stderr
    plain = json.loads(Path("done.json").read_text())
    assert plain["after"]["accuracy"] > plain["before"]["accuracy"]
    assert run("rollback", "m", "--registry", ".", "--undo").exit_code == 0
    active = read_registry(here)[1].model("m").active
    assert active
    assert active.version == "2"


def test_help_has_examples() -> None:
    for command in ("dataset", "rollback"):
        assert "Example" in run(command, "--help").stdout
