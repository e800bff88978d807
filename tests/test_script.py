"""What `scripts/test` leaves out: nothing of what somebody names."""

import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "test"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A repository in which nothing is installed, and Python only says with what it was called."""
    for name in ("scripts", "tests", "bin"):
        (tmp_path / name).mkdir()
    shutil.copy(SCRIPT, tmp_path / "scripts" / "test")
    for name, does in (("scripts/environment", ":"), ("bin/python", 'printf "%s\\n" "$@"')):
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{does}\n")
        (tmp_path / name).chmod(0o700)
    (tmp_path / "tests" / "test_it.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "left_out"),
    [
        ("", "not long"),
        ("-x -q -n 2", "not long"),
        ("tests", None),
        ("-v tests/test_it.py", None),
        ("-n 2 tests/test_it.py::test_one", None),
        ("-q -k one", None),
        ("-x -m long", None),
        ("--lf", None),
        ("--measure", None),
        ("--all -x", None),
        ("--fast tests/test_it.py", "not slow"),
        ("--spark tests/test_it.py", None),
    ],
)
def test_whoever_names_what_is_to_run_gets_all_of_it(house: Path, given: str, left_out: str | None) -> None:
    ran = subprocess.run(
        [house / "scripts" / "test", *given.split()],
        env={"PATH": os.environ["PATH"], "CAPONIER_VENV": str(house)},
        capture_output=True,
        text=True,
        check=True,
    )
    called = ran.stdout.splitlines()
    marked = [mark for option, mark in pairwise(called) if option == "-m" and "not" in mark]
    assert marked == ([left_out] if left_out else [])
    wanted = [one for one in given.split() if one not in ("--all", "--fast", "--spark")]
    assert called[len(called) - len(wanted) :] == wanted
