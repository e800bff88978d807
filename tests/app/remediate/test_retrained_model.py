import json
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import run_in
from tests.detect.networks.opened import CLASSES, opened
from tests.once import once

from caponier.app.remediate.membership import AUC, MembershipRepair, remediate_membership
from caponier.app.remediate.robustness import ROBUST, RobustnessRepair, remediate_robustness
from caponier.app.validate.retest import _checked
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.victims.digits import load_digits_split
from caponier.emulate.victims.leaking import mislabelled
from caponier.errors import InputError
from caponier.remediate.reference_model import train
from caponier.store import remediations
from caponier.store.database import open_store

LEARNED = 250


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows its rows, some of them mislabelled, by heart."""

    def make(folder: Path) -> Path:
        split, draws = load_digits_split(5), np.random.default_rng(5)
        pool, others = mislabelled(split.train, 0.2, draws), mislabelled(split.test, 0.2, draws)
        rows, labels = pool.images[:LEARNED].reshape(-1, 8, 8), pool.labels[:LEARNED]
        np.savez(folder / "rows.npz", x=rows, y=labels, id=[f"p{at}" for at in range(LEARNED)])
        np.savez(folder / "test.npz", x=others.images.reshape(-1, 8, 8), y=others.labels)
        data = train(rows.reshape(LEARNED, -1).astype(float), labels, CLASSES, 5).to_bytes()
        (folder / "old.safetensors").write_bytes(data)
        return folder

    return once(tmp_path_factory, "leaking-model", make)


def asked(leaking: Path, out: Path, without: Path | None = None) -> MembershipRepair:
    return MembershipRepair(out, leaking / "rows.npz", leaking / "test.npz", without=without)


def test_a_restrained_model_gives_less_away_in_a_new_file_with_a_record(leaking: Path, tmp_path: Path) -> None:
    old = (leaking / "old.safetensors").read_bytes()
    workspace = load_workspace(create_workspace(tmp_path / "home"))
    assert workspace
    given = asked(leaking, tmp_path / "new.safetensors")
    result = remediate_membership(leaking / "old.safetensors", given, workspace=workspace)
    assert result.proven, result.unproven
    done = result.done
    assert done.before[AUC] > 0.65
    assert done.after[AUC] - 0.5 <= (done.before[AUC] - 0.5) / 2
    assert done.after["accuracy"] >= done.before["accuracy"] - 0.02
    assert (leaking / "old.safetensors").read_bytes() == old != (tmp_path / "new.safetensors").read_bytes()
    with open_store(workspace.store) as store, store.read() as connection:
        assert remediations.search(connection) == [done]
    with pytest.raises(InputError, match="nothing is overwritten"):
        remediate_membership(leaking / "old.safetensors", given)
    # What is private already is not praised for it.
    again = asked(leaking, tmp_path / "newer.safetensors")
    second = remediate_membership(tmp_path / "new.safetensors", again)
    assert not second.proven
    assert "hardly gave its rows away" in second.unproven[0] or "did not help" in second.unproven[0]


def test_rows_that_are_forgotten_are_measured_and_so_are_their_twins(leaking: Path, tmp_path: Path) -> None:
    with np.load(leaking / "rows.npz") as kept:
        x, y, ids = kept["x"].copy(), kept["y"], kept["id"]
    x[200] = x[3]
    np.savez(tmp_path / "rows.npz", x=x, y=y, id=ids)
    (tmp_path / "forget.txt").write_text("".join(f"p{at}\n" for at in range(60)))
    given = MembershipRepair(
        tmp_path / "new.safetensors", tmp_path / "rows.npz", leaking / "test.npz", without=tmp_path / "forget.txt"
    )
    result = remediate_membership(leaking / "old.safetensors", given)
    assert result.done.details["left_out"] == 61
    assert result.done.before[AUC] > 0.65
    assert abs(result.done.after[AUC] - 0.5) <= 4 * result.done.details["standard_error"]
    for text, complaint in (("p1\nnobody", "no row 'nobody'"), ("p1", "too few")):
        (tmp_path / "forget.txt").write_text(text)
        with pytest.raises(InputError, match=complaint):
            remediate_membership(
                leaking / "old.safetensors", asked(leaking, tmp_path / "other", tmp_path / "forget.txt")
            )
    assert not (tmp_path / "other").exists()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> Path:
        made = opened(None)
        (folder / "old.safetensors").write_bytes(made.data)
        for name, pool in (("rows", made.split.train), ("test", made.split.test)):
            np.savez(folder / f"{name}.npz", x=pool.images.reshape(-1, 8, 8), y=pool.labels)
        return folder

    return once(tmp_path_factory, "fragile-model", make)


def test_a_hardened_model_is_attacked_before_and_after(digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.safetensors"
    arguments = ("--rows", digits / "rows.npz", "--test", digits / "test.npz", "--out", out)
    command = ("remediate", "robustness", digits / "old.safetensors", *arguments)
    ran = run_in(tmp_path, *command, "--epsilon", "0.1", "--lessons", "1200", "--format", "json", environment={})
    done = json.loads(ran.out)
    assert (ran.code, done["kind"]) == (0, "robustness"), ran.err
    assert done["before"][ROBUST] < 0.1
    assert done["after"][ROBUST] > 0.5
    assert done["after"]["accuracy"] >= done["before"]["accuracy"] - 0.02
    assert out.stat().st_size == (digits / "old.safetensors").stat().st_size


def test_a_repair_that_does_not_help_says_so(digits: Path, tmp_path: Path) -> None:
    given = {"out": tmp_path / "new", "rows": digits / "rows.npz", "test": digits / "test.npz"}
    weak = remediate_robustness(digits / "old.safetensors", RobustnessRepair(**given, epsilon=0.1, lessons=1))
    assert "did not help" in weak.unproven[0]
    (tmp_path / "new").unlink()
    idle = remediate_robustness(digits / "old.safetensors", RobustnessRepair(**given, epsilon=0.001, lessons=1))
    assert "little to repair" in idle.unproven[0]
    with pytest.raises(InputError, match="more than 0"):
        remediate_robustness(digits / "old.safetensors", RobustnessRepair(**given, epsilon=0))


def test_what_does_not_fit_is_told_before_any_work(digits: Path, tmp_path: Path) -> None:
    given = {"out": tmp_path / "new", "rows": digits / "rows.npz", "test": digits / "test.npz"}
    old = digits / "old.safetensors"

    def refused(complaint: str, model: Path = old, **words: object) -> None:
        with pytest.raises(InputError, match=complaint):
            remediate_robustness(model, RobustnessRepair(**{**given, **words}, epsilon=0.1))  # type: ignore[arg-type]
        assert not (tmp_path / "new").exists()

    refused("not in the training data", test=digits / "rows.npz")
    refused("not the pinned test set", test_sha256="0" * 64)
    refused("nothing is overwritten", out=digits / "old.safetensors")
    (tmp_path / "code.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    refused("only files that are clean", model=tmp_path / "code.pkl")
    np.savez(tmp_path / "strange.npz", x=np.random.default_rng(0).random((60, 8, 8)), y=np.arange(60) % 12)
    refused("no class '10'", test=tmp_path / "strange.npz")
    with np.load(digits / "rows.npz") as kept:
        np.savez(tmp_path / "more.npz", x=kept["x"], y=np.where(np.arange(len(kept["y"])) < 3, 11, kept["y"]))
    refused("labels are not what it answers", rows=tmp_path / "more.npz")


def test_a_model_that_was_taught_is_tested_again_by_its_digest(digits: Path, tmp_path: Path) -> None:
    workspace = load_workspace(create_workspace(tmp_path / "home"))
    assert workspace
    out = tmp_path / "new.safetensors"
    given = RobustnessRepair(out, digits / "rows.npz", digits / "test.npz", epsilon=0.1, lessons=1)
    done = remediate_robustness(digits / "old.safetensors", given).done
    assert _checked(done, workspace).passed
    kept = out.read_bytes()
    out.write_bytes((digits / "old.safetensors").read_bytes())
    assert "digest is another one" in _checked(done, workspace).why
    out.unlink()
    assert not _checked(done, workspace).passed
    out.write_bytes(kept)
    assert _checked(done, workspace).why == "the file that was attacked, and clean"
