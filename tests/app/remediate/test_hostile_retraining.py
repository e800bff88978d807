import io
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.command import run_in
from tests.detect.networks.opened import opened
from tests.once import once

from caponier.app.remediate import membership, retrained_model, robustness
from caponier.app.remediate.membership import MembershipRepair, remediate_membership
from caponier.app.remediate.retrained_model import RetrainedModel
from caponier.app.remediate.robustness import RobustnessRepair, remediate_robustness
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.detect.networks.network import Network
from caponier.errors import InputError
from caponier.store import remediations
from caponier.store.database import open_store

Change = Callable[[Network], None]


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> Path:
        made = opened(None)
        (folder / "old.safetensors").write_bytes(made.data)
        for name, pool in (("rows", made.split.train), ("test", made.split.test)):
            x, y = pool.images.reshape(-1, 8, 8), pool.labels
            np.savez(folder / f"{name}.npz", x=x, y=y)
            np.savez(folder / f"{name}-threes.npz", x=x[y == 3], y=y[y == 3])
            np.savez(folder / f"{name}-vast.npz", x=x.astype(float) * 1e200, y=y)
            np.savez(folder / f"{name}-large.npz", x=x.astype(float) * 1e20, y=y)
            np.savez(folder / f"{name}-flat.npz", x=np.zeros_like(x), y=y)
        return folder

    return once(tmp_path_factory, "hostile-retraining", make)


def harden(digits: Path, out: Path, **words: Any) -> RetrainedModel:
    given = {"rows": digits / "rows.npz", "test": digits / "test.npz", "epsilon": 0.1, "lessons": 1, **words}
    model, workspace = given.pop("model", digits / "old.safetensors"), given.pop("workspace", None)
    return remediate_robustness(model, RobustnessRepair(out, **given), workspace=workspace)


def restrain(digits: Path, out: Path, **words: Any) -> RetrainedModel:
    given = {"rows": digits / "rows.npz", "test": digits / "test.npz", **words}
    model = given.pop("model", digits / "old.safetensors")
    return remediate_membership(model, MembershipRepair(out, **given))


BOTH = pytest.mark.parametrize("repair", [harden, restrain])


@pytest.mark.parametrize("epsilon", [0, -0.1, float("nan"), float("inf"), -float("inf")])
def test_a_size_that_is_none_is_told_with_what_was_seen(digits: Path, tmp_path: Path, epsilon: float) -> None:
    with pytest.raises(InputError, match="more than 0") as refused:
        harden(digits, tmp_path / "new", epsilon=epsilon)
    assert f"--epsilon is {epsilon}" in str(refused.value)
    with pytest.raises(InputError, match="--lessons -3"):
        harden(digits, tmp_path / "new", lessons=-3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("epsilon", [1.0, 7, 1e30, 1e300, 1e308])
def test_a_size_that_makes_any_row_any_other_is_refused(digits: Path, tmp_path: Path, epsilon: float) -> None:
    with pytest.raises(InputError, match="any row can become any other"):
        harden(digits, tmp_path / "new", epsilon=epsilon)
    assert list(tmp_path.iterdir()) == []


def test_any_seed_will_do_and_the_same_gives_the_same(digits: Path, tmp_path: Path) -> None:
    made = [harden(digits, tmp_path / str(at), seed=seed) for at, seed in enumerate((2**70, 2**70, 1))]
    files = [(tmp_path / str(at)).read_bytes() for at in range(3)]
    assert files[0] == files[1] != files[2]
    assert made[0].done.after == made[1].done.after
    assert len({one.done.remediation_id for one in made}) == 3
    assert made[0].done.details["seed"] == 2**70


@BOTH
def test_values_too_large_are_told_and_warn_of_nothing(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel]
) -> None:
    with pytest.raises(InputError, match="are too large") as refused:
        repair(digits, tmp_path / "new", rows=digits / "rows-vast.npz", test=digits / "test-vast.npz")
    assert "rows-vast.npz" in str(refused.value)
    with pytest.raises(InputError, match="are too large"):
        repair(digits, tmp_path / "new", test=digits / "test-vast.npz")
    assert list(tmp_path.iterdir()) == []


def test_teaching_that_ends_in_no_numbers_writes_nothing(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no finite numbers") as refused:
        harden(digits, tmp_path / "new", rows=digits / "rows-large.npz", test=digits / "test-large.npz", lessons=3)
    assert "Scale the rows" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_classes_that_nobody_measured_are_no_proof(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing else speaks against either repair.
    monkeypatch.setattr(membership, "_against", lambda *_: [])
    monkeypatch.setattr(robustness, "_against", lambda *_: [])
    monkeypatch.setattr(membership, "trained_anew", lambda network, *_: (network.copy(), 1.0))
    result = repair(digits, tmp_path / "new", rows=digits / "rows-threes.npz", test=digits / "test-threes.npz")
    assert not result.proven
    assert "9 of the 10 classes" in result.unproven[-1]
    assert repair(digits, tmp_path / "newer").proven


def _pickled(thing: object) -> bytes:
    return pickle.dumps(thing)


class _Bomb:
    """Leaves a trace if it is ever loaded."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@BOTH
def test_a_model_that_runs_code_is_refused_and_never_loaded(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel]
) -> None:
    trace, model = tmp_path / "loaded", tmp_path / "model.pt"
    for data in (_pickled(_Bomb(trace)), _pickled({"state_dict": [1.0, _Bomb(trace)]})):
        # The trap works.
        pickle.loads(data)
        assert trace.exists()
        trace.unlink()
        model.write_bytes(data)
        with pytest.raises(InputError, match="only files that are clean"):
            repair(digits, tmp_path / "new", model=model)
        assert not trace.exists()
    assert not (tmp_path / "new").exists()


@BOTH
def test_rows_that_hide_code_are_never_loaded(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel]
) -> None:
    trace, rows = tmp_path / "loaded", tmp_path / "rows.npz"
    objects = np.array([_Bomb(trace)] * 30, dtype=object)
    np.savez(rows, x=objects, y=np.arange(30))
    for given in ({"rows": rows}, {"test": rows}):
        with pytest.raises(InputError):
            repair(digits, tmp_path / "new", **given)
    assert not trace.exists()


@BOTH
def test_what_is_no_model_of_these_rows_is_refused(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel]
) -> None:
    whole = (digits / "old.safetensors").read_bytes()
    for name, data in (("empty", b""), ("half", whole[: len(whole) // 2]), ("text", b"hello"), ("zeros", bytes(64))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError) as refused:
            repair(digits, tmp_path / "new", model=tmp_path / name)
        assert name in str(refused.value)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="is not a file"):
            repair(digits, tmp_path / "new", model=missing)
    assert not (tmp_path / "new").exists()


@BOTH
def test_rows_of_another_shape_or_too_few_are_refused(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel]
) -> None:
    draws = np.random.default_rng(0)
    shapes = {"wide": (60, 9, 9), "few": (5, 8, 8), "one": (1, 8, 8)}
    for name, shape in shapes.items():
        np.savez(tmp_path / f"{name}.npz", x=draws.random(shape), y=np.arange(shape[0]) % 5)
        for which in ("rows", "test"):
            with pytest.raises(InputError):
                repair(digits, tmp_path / "new", **{which: tmp_path / f"{name}.npz"})
    np.savez(tmp_path / "nan.npz", x=np.full((60, 8, 8), np.nan), y=np.arange(60) % 5)
    with pytest.raises(InputError):
        repair(digits, tmp_path / "new", rows=tmp_path / "nan.npz")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", [b"", b"\n\n  \n", b"\xef\xbb\xbf\n"])
def test_a_list_of_nobody_forgets_nobody_and_says_so(digits: Path, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "forget").write_bytes(text)
    with pytest.raises(InputError, match="nothing is to be forgotten"):
        restrain(digits, tmp_path / "new", without=tmp_path / "forget")
    assert not (tmp_path / "new").exists()


def test_lists_as_other_programs_write_them_are_read(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "trained_anew", lambda network, *_: (network.copy(), 1.0))
    named = [str(at) for at in range(30)]
    left_out = []
    for at, data in enumerate(("\n".join(named).encode(), b"\xef\xbb\xbf" + "\r\n".join(named).encode() + b"\r\n")):
        (tmp_path / "forget").write_bytes(data)
        result = restrain(digits, tmp_path / f"new{at}", without=tmp_path / "forget")
        left_out.append(result.done.details["left_out"])
    assert left_out[0] == left_out[1] >= 30
    (tmp_path / "forget").write_bytes("0\n1\n".encode("utf-16"))
    with pytest.raises(InputError, match="not text"):
        restrain(digits, tmp_path / "new", without=tmp_path / "forget")
    with np.load(digits / "rows.npz") as kept:
        everybody = "\n".join(str(at) for at in range(len(kept["y"])))
    (tmp_path / "forget").write_text(everybody)
    with pytest.raises(InputError, match=r"\b0 rows"):
        restrain(digits, tmp_path / "new", without=tmp_path / "forget")


@BOTH
def test_where_nothing_can_be_written_is_told_before_the_work(
    digits: Path, tmp_path: Path, repair: Callable[..., RetrainedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    def worked(*_: object, **__: object) -> None:
        raise AssertionError("taught in vain")

    monkeypatch.setattr(membership, "trained_anew", worked)
    monkeypatch.setattr(robustness, "hardened", worked)
    for out in (Path("/proc/new"), tmp_path / "no" / "new", tmp_path, Path("/dev/null")):
        with pytest.raises(InputError) as refused:
            repair(digits, out)
        assert str(out) in str(refused.value)


def test_a_link_to_the_old_file_is_the_old_file(digits: Path, tmp_path: Path) -> None:
    shutil.copy(digits / "old.safetensors", tmp_path / "old")
    before = (tmp_path / "old").read_bytes()
    (tmp_path / "link").symlink_to(tmp_path / "old")
    for model, out in (("old", "link"), ("link", "old"), ("old", "old")):
        with pytest.raises(InputError, match="nothing is overwritten"):
            harden(digits, tmp_path / out, model=tmp_path / model)
    assert (tmp_path / "old").read_bytes() == before


@pytest.mark.parametrize("stop", [KeyboardInterrupt, MemoryError, InputError("the store is locked")])
def test_a_repair_that_is_stopped_before_its_record_leaves_no_file(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: type[BaseException] | BaseException
) -> None:
    home = load_workspace(create_workspace(tmp_path / "home"))
    assert home

    def stopped(*_: object) -> None:
        raise stop

    monkeypatch.setattr(remediations, "add", stopped)
    (tmp_path / "out").mkdir()
    with pytest.raises((KeyboardInterrupt, MemoryError, InputError)):
        harden(digits, tmp_path / "out" / "new", workspace=home)
    assert list((tmp_path / "out").iterdir()) == []
    with open_store(home.store) as store, store.read() as connection:
        assert remediations.search(connection) == []


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(network: Network, *_: object, **__: object) -> Network:
        (tmp_path / "new").write_text("somebody else's")
        return network.copy()

    monkeypatch.setattr(robustness, "hardened", slow)
    with pytest.raises(InputError, match="nothing is overwritten"):
        harden(digits, tmp_path / "new")
    assert (tmp_path / "new").read_text() == "somebody else's"


def test_what_was_written_is_compared_with_what_was_measured(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (digits / "old.safetensors").read_bytes()

    def turned(network: Network, *_: object, **__: object) -> Network:
        new = network.copy()
        new.last.tensors["bias"] = new.last.tensors["bias"] + np.float32(1e3) * (np.arange(10) == 4)
        new.last.tensors["bias"] = new.last.tensors["bias"].astype(np.float32)
        return new

    monkeypatch.setattr(robustness, "hardened", turned)
    monkeypatch.setattr(retrained_model, "written", lambda *_: whole)
    with pytest.raises(InputError, match="answers otherwise"):
        harden(digits, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_price_is_told_apart_from_the_gain(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def blunt(network: Network, *_: object, **__: object) -> Network:
        new = network.copy()
        new.last.tensors["bias"] = new.last.tensors["bias"] - np.array([1e3] * 2 + [0] * 8, np.float32)
        return new

    monkeypatch.setattr(robustness, "hardened", blunt)
    result = harden(digits, tmp_path / "new")
    assert any("the accuracy fell by" in line for line in result.unproven)
    assert 0.6 < result.done.after["accuracy"] < 0.9
    assert result.stage is None
    assert replace(result, unproven=()).proven


def test_the_command_line_ends_with_what_it_promised(digits: Path, tmp_path: Path) -> None:
    data = ("--rows", digits / "rows.npz", "--test", digits / "test.npz", "--lessons", "1")
    command = ("remediate", "robustness", digits / "old.safetensors", *data, "--out", tmp_path / "new")
    refused = run_in(tmp_path, *command, "--epsilon", "nan", environment={})
    assert (refused.code, (tmp_path / "new").exists()) == (2, False)
    assert "Traceback" not in refused.err + refused.out
    partly = run_in(tmp_path, *command, "--epsilon", "0.1", environment={})
    assert (partly.code, (tmp_path / "new").exists()) == (3, True)
    again = run_in(tmp_path, *command, "--epsilon", "0.1", environment={})
    assert again.code == 2
    assert "nothing is overwritten" in " ".join(again.err.split())


def test_a_table_in_place_of_an_archive_must_say_its_label(digits: Path, tmp_path: Path) -> None:
    kept = io.StringIO()
    np.savetxt(kept, np.random.default_rng(0).random((40, 64)), delimiter=",")
    (tmp_path / "rows.csv").write_text(",".join(f"f{at}" for at in range(64)) + "\n" + kept.getvalue())
    with pytest.raises(InputError) as refused:
        harden(digits, tmp_path / "new", rows=tmp_path / "rows.csv")
    assert "rows.csv" in str(refused.value)
    assert not (tmp_path / "new").exists()
