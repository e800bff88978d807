"""The faults that scripts/faults seeds can be seeded: each line to change stands in its file, and there once.

What it says of one is what the tests said: one that did not end said nothing.
"""

import subprocess
import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FAULTS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text("utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["file"].removeprefix("src/caponier/"))
def test_a_fault_can_be_seeded(fault: dict[str, Any]) -> None:
    lines = (ROOT / fault["file"]).read_text("utf-8").splitlines()
    assert [line.strip() for line in lines].count(fault["was"]) == 1
    assert fault["becomes"] != fault["was"]


@pytest.fixture
def seed_faults(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, which copies and changes nothing."""
    spec = spec_from_file_location("seed_faults", ROOT / "scripts" / "seed_faults.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script.shutil, "copytree", lambda *_: None)
    monkeypatch.setattr(script, "seeded", lambda *_: None)
    monkeypatch.setattr(script, "tests_of", lambda _: [[str(ROOT / "tests" / name)] for name in ("own", "room")])
    return script


def ends(*codes: int | None) -> Callable[..., object]:
    """Stand for runs of tests that end with these codes, one of None in no time that is granted."""
    left = list(codes)

    def run(command: list[str], **_: object) -> object:
        code = left.pop(0)
        if code is None:
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, code)

    return run


@pytest.mark.parametrize(
    ("codes", "said", "left"),
    [
        ((1,), "noticed by tests/own", 0),
        ((0, 1), "noticed by tests/room", 0),
        ((0, 0), "UNNOTICED", 1),
        ((0, None), "TIMED OUT in tests/room", 1),
        ((None, 1), "noticed by tests/room", 0),
        ((None, 0), "TIMED OUT in tests/own", 1),
    ],
)
def test_only_a_test_that_fails_notices_a_fault(
    codes: tuple[int | None, ...],
    said: str,
    left: int,
    seed_faults: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = tmp_path / "faults.yaml"
    listed.write_text("- {file: src/caponier/engines/spool_groups.py, was: a, becomes: b}\n")
    monkeypatch.setattr(sys, "argv", ["scripts/faults", "--list", str(listed)])
    monkeypatch.setattr(seed_faults.subprocess, "run", ends(*codes))
    assert seed_faults.main() == left
    told = capsys.readouterr().out
    assert f"1/1 {said} " in told
    assert f"1 faults, {left} not noticed" in told
