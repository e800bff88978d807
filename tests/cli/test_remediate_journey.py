"""Repair and rollback from the command line in a real workspace: what is kept, what is recorded, what is refused."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.remediate.rollback import read_registry
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.cli.remediate import app
from caponier.errors import InputError
from caponier.remediate.model_registry import Registry
from caponier.remediate.reference_model import train
from caponier.store import audit, remediations
from caponier.store.database import open_store

CLASSES = ("0", "1", "2")
ROWS, WRONG = 150, 30


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def blobs(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 3
    return 4 * np.eye(3, 4)[y] + np.random.default_rng(seed).normal(0, 0.9, (n, 4)), y


def table(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    words = np.array(["cat", "dog", "cow, brown"])[y]
    rows = [
        f'{n},{a:.6f},{b:.6f},{c:.6f},{d:.6f},"{word}"'
        for n, ((a, b, c, d), word) in enumerate(zip(x, words, strict=True))
    ]
    path.write_text("\n".join(["key,a,b,c,d,kind", *rows]) + "\n")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    home = create_workspace(tmp_path / "home")
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(home))
    x, y = blobs(1, ROWS)
    given = y.copy()
    given[:WRONG] = (y[:WRONG] + 1) % 3
    table(tmp_path / "train.csv", x, given)
    table(tmp_path / "test.csv", *blobs(2, 90))
    return tmp_path


def recorded(here: Path) -> list[str]:
    workspace = load_workspace(here / "home")
    assert workspace
    with open_store(workspace.store) as store, store.read() as connection:
        assert audit.verify(connection).ok
        return [done.remediation_id for done in remediations.search(connection)]


def repaired(here: Path, *more: str) -> Result:
    return run("dataset", "train.csv", "--label", "kind", "--id", "key", "--out", "new.csv", *more)


def keys(path: Path) -> list[int]:
    return pyarrow.csv.read_csv(path)["key"].to_pylist()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("repair", ["drop", "relabel"])
def test_every_row_is_in_one_of_the_two_files_or_in_both(here: Path, repair: str) -> None:
    before = digest(here / "train.csv")
    result = repaired(here, "--repair", repair, "--test", "test.csv", "--format", "json")
    assert result.exit_code == 0, result.output
    plain = json.loads(result.stdout)
    new, side = keys(here / "new.csv"), keys(here / "new.quarantine.csv")
    assert side
    assert sorted(new + side if repair == "drop" else new) == list(range(ROWS))
    assert set(side) <= set(new) if repair == "relabel" else not set(side) & set(new)
    assert new == sorted(new), "the order of rows is kept"
    assert len(set(side) & set(range(WRONG))) > 0.7 * len(side), "the wrong labels are the first ones"
    digests = plain["details"]["sha256"]
    assert digests == {
        "kept": before,
        "produced": digest(here / "new.csv"),
        "quarantine": digest(here / "new.quarantine.csv"),
    }
    assert digest(here / "train.csv") == before


def test_rows_that_stay_are_written_as_they_were(here: Path) -> None:
    assert repaired(here, "--repair", "drop", "--test", "test.csv").exit_code == 0
    old = set((here / "train.csv").read_text().splitlines())
    for line in (here / "new.csv").read_text().splitlines()[1:]:
        fields = line.split(",", 5)
        assert line in old or ",".join([*fields[:5], f'"{fields[5]}"']) in old


def test_a_repair_of_a_repair_is_another_one(here: Path) -> None:
    assert repaired(here, "--test", "test.csv").exit_code == 0
    again = run("dataset", "new.csv", "--label", "kind", "--id", "key", "--out", "newer.csv", "--test", "test.csv")
    assert again.exit_code in (0, 3)
    assert len(keys(here / "new.csv")) > ROWS / 2


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--quarantine", "new.csv"], "the same name"),
        (["--quarantine", "./x/../new.csv"], "the same name"),
        (["--quarantine", "train.csv"], "nothing is overwritten"),
        (["--quarantine", "link.csv"], "nothing is overwritten"),
        (["--quarantine", "none/side.csv"], "folder does not exist"),
        (["--test", "train.csv"], "not in the training data"),
        (["--test", "none.csv"], "cannot be read"),
        (["--test", "test.csv", "--test-sha256", "0" * 64], "not the pinned test set"),
        (["--test", "test.csv", "--train-command", "train {dataset}"], "does not use {test}"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(here: Path, more: list[str], complaint: str) -> None:
    (here / "x").mkdir()
    (here / "link.csv").symlink_to("train.csv")
    before = sorted(path.name for path in here.iterdir())
    result = repaired(here, *more)
    assert isinstance(result.exception, InputError)
    assert complaint in result.exception.what
    assert sorted(path.name for path in here.iterdir()) == before
    assert recorded(here) == []


def test_a_side_file_alone_is_never_left(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two files cannot be written: the first one must not stay."""
    from caponier.app.remediate import dataset as module

    real = module.write_bytes

    def full(path: Path, data: bytes) -> None:
        if path.name == "new.csv":
            raise InputError("cannot be written: No space left on device", where=str(path))
        real(path, data)

    monkeypatch.setattr(module, "write_bytes", full)
    assert isinstance(repaired(here).exception, InputError)
    assert not (here / "new.csv").exists()
    assert not (here / "new.quarantine.csv").exists()
    assert recorded(here) == []


def test_a_file_that_came_meanwhile_is_not_overwritten(here: Path) -> None:
    """Training may take hours, and somebody else may write there."""
    code = "import sys, pathlib; pathlib.Path('new.csv').write_text('mine'); print('{\"accuracy\": 0.5}')"
    command = f'python -c "{code.replace(chr(34), chr(92) + chr(34))}" {{dataset}} {{test}}'
    result = repaired(here, "--test", "test.csv", "--train-command", command)
    assert isinstance(result.exception, InputError)
    assert (here / "new.csv").read_text() == "mine"
    assert not (here / "new.quarantine.csv").exists()


@pytest.fixture
def registry(here: Path) -> Path:
    known = Registry()
    x, y = blobs(1, 300)
    for number in ("1", "2", "3"):
        data = train(x, (y + (np.arange(300) % int(number))) % 3, CLASSES).to_bytes()
        (here / f"v{number}").write_bytes(data)
        known = known.register("m", number, f"v{number}", hashlib.sha256(data).hexdigest())
    (here / "registry.json").write_bytes(known.to_bytes())
    return here


def statuses(here: Path) -> dict[str, str]:
    return {version.version: version.status.value for version in read_registry(here)[1].model("m").versions}


def test_two_rollbacks_and_two_undoings_end_where_they_began(registry: Path) -> None:
    seen = [statuses(registry)]
    for step in ([], [], ["--undo"], ["--undo"]):
        result = run("rollback", "m", "--registry", ".", *step)
        assert result.exit_code in (0, 3), result.output
        seen.append(statuses(registry))
    assert [next(name for name, status in step.items() if status == "active") for step in seen] == [
        "3",
        "2",
        "1",
        "2",
        "3",
    ]
    assert seen[1] == {"1": "retired", "2": "active", "3": "quarantined"}
    assert seen[-1] == seen[0]
    assert len(set(recorded(registry))) == 4
    third = run("rollback", "m", "--registry", ".", "--undo")
    assert isinstance(third.exception, InputError)
    assert "left to undo" in third.exception.what
    assert statuses(registry) == seen[0]


@pytest.mark.parametrize("damage", ["changed", "missing", "folder"])
def test_a_damaged_version_is_never_put_into_service(registry: Path, damage: str) -> None:
    before = (registry / "registry.json").read_bytes()
    (registry / "v2").unlink()
    if damage == "changed":
        (registry / "v2").write_bytes(b"changed")
    elif damage == "folder":
        (registry / "v2").mkdir()
    result = run("rollback", "m", "--registry", ".")
    assert isinstance(result.exception, InputError)
    assert (registry / "registry.json").read_bytes() == before
    assert recorded(registry) == []
    assert run("rollback", "m", "--registry", ".", "--to", "1").exit_code in (0, 3)
    assert statuses(registry)["1"] == "active"


def test_a_registry_that_cannot_be_written_is_not_recorded_as_changed(registry: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    registry.chmod(0o500)
    try:
        result = run("rollback", "m", "--registry", ".")
    finally:
        registry.chmod(0o700)
    assert isinstance(result.exception, InputError)
    assert statuses(registry)["3"] == "active"
    assert recorded(registry) == []
