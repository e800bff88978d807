"""A law is tried on a fourth of its examples, on few while somebody works, and on all of them in `.ci/run`."""

import subprocess
import sys
from pathlib import Path

import pytest

from law_profiles import GLANCE, QUICK, THOROUGH, examples

ROOT = Path(__file__).resolve().parent.parent
LAWS = """
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
import pytest

tried = {}

def note(name):
    tried[name] = tried.get(name, 0) + 1

@settings(max_examples=200)
@given(st.floats())
def test_written(_):
    note("written")

@given(st.floats())
def test_unwritten(_):
    note("unwritten")

class TestMethods:
    @pytest.mark.parametrize("case", [1, 2, 3])
    @settings(max_examples=40, deadline=None)
    @given(number=st.floats())
    def test_cases(self, case, number):
        note(f"case {case}")

class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        note("machine")

    @rule(number=st.floats())
    def step(self, number):
        pass

TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=80, stateful_step_count=2)

def test_told():
    print("TRIED", sorted(tried.items()))
"""
WRITTEN = {"written": 200, "unwritten": 100, "case 1": 40, "case 2": 40, "case 3": 40, "machine": 80}


@pytest.mark.parametrize(
    ("words", "profile"),
    [([], QUICK), (["--hypothesis-profile=thorough"], THOROUGH), (["--hypothesis-profile=glance"], GLANCE)],
)
def test_laws_are_tried_as_often_as_the_profile_says(tmp_path: Path, words: list[str], profile: str) -> None:
    (tmp_path / "test_laws.py").write_text(LAWS)
    (tmp_path / "conftest.py").write_text("from law_profiles import cut_laws as pytest_collection_modifyitems\n")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\n")
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", *words]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    (told,) = [line for line in ran.stdout.splitlines() if "TRIED" in line]
    tried = dict(eval(told.split("TRIED")[1]))
    for name, written in WRITTEN.items():
        # Hypothesis may try one or two more than it was asked for.
        assert examples(written, profile) <= tried[name] <= examples(written, profile) + 2, name


@pytest.mark.parametrize(("written", "quick"), [(400, 100), (100, 25), (40, 10), (25, 10), (6, 6), (1, 1)])
def test_a_fourth_but_never_below_ten_of_what_was_written(written: int, quick: int) -> None:
    assert examples(written, QUICK) == quick
    assert examples(written, THOROUGH) == written
    assert examples(written, "a profile of somebody's own") == written


@pytest.mark.parametrize(("written", "few"), [(400, 25), (100, 6), (80, 5), (25, 5), (5, 5), (1, 1)])
def test_a_glance_takes_a_sixteenth_but_never_below_five(written: int, few: int) -> None:
    assert examples(written, GLANCE) == few


def test_continuous_integration_runs_everything() -> None:
    assert "./scripts/test --all\n" in (ROOT / ".ci" / "run").read_text()
