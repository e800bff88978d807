"""What takes long is found whoever pays for it, and left out of a glance."""

import os
import subprocess
import sys
from pathlib import Path

from measured import HEAD, LISTED, LONG, SECONDS, SLOW, function_of, listed

ROOT = Path(__file__).resolve().parent.parent
CONFTEST = """
from pathlib import Path
from measured import Measuring, listed, mark_slow

FILE = Path(__file__).parent / "slow.txt"

def pytest_addoption(parser):
    parser.addoption("--measure", action="store_true")

def pytest_configure(config):
    if config.getoption("--measure"):
        config.pluginmanager.register(Measuring(FILE, {"slow": 0.06, "long": 0.4}, waits=2))

def pytest_collection_modifyitems(items):
    mark_slow(items, listed(FILE))
"""
TESTS = """
import subprocess
import sys
from time import process_time, sleep
import pytest

def busy(seconds):
    end = process_time() + seconds
    while process_time() < end:
        pass

def test_longest():
    busy(0.5)

@pytest.fixture(scope="module")
def dear():
    busy(0.14)

@pytest.fixture(scope="module")
def cheap():
    busy(0.06)

@pytest.fixture
def own():
    busy(0.09)

def test_quick():
    pass

def test_that_waits():
    sleep(0.1)

def test_that_waits_long():
    sleep(2.1)

def test_long():
    busy(0.09)

@pytest.mark.parametrize("case", range(4))
def test_of_many_cases(case):
    busy(0.025)

def test_set_up(own):
    pass

def test_program():
    subprocess.run([sys.executable, "-c", "sum(range(10_000_000))"], check=True)

def test_first_of_two(dear):
    pass

class TestSecond:
    def test_of_two(self, dear):
        pass

@pytest.mark.parametrize("case", range(2))
def test_of_three(case, cheap):
    pass

def test_of_three_as_well(cheap):
    pass

def test_last_of_three(cheap):
    pass
"""
TAKES_LONG = ("long", "of_many_cases", "set_up", "program", "first_of_two", "that_waits_long")


def ran(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "xdist", *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_who_shares_something_pays_a_share_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\nmarkers =\n  slow\n  long\n")
    (tmp_path / "test_other.py").write_text("def test_elsewhere():\n    TestLaw = None\n")
    gone = ("test_other.py::test_else", "test_moved.py::test_quick", "test_some.py::test_lon")
    old = ("test_other.py::TestLaw::runTest", "test_other.py::test_elsewhere", "test_some.py::test_quick", *gone)
    (tmp_path / "slow.txt").write_text(HEAD + "".join(f"slow {name}\n" for name in old))
    assert "17 passed" in ran(tmp_path, "-n", "2", "--measure", "test_some.py")
    found = listed(tmp_path / "slow.txt")
    # A part may be measured alone; what was measured now is told anew, and what is not there any more is left out.
    expected = {f"test_some.py::test_{name}": SLOW for name in TAKES_LONG}
    others = {
        "test_other.py::TestLaw::runTest": SLOW,
        "test_other.py::test_elsewhere": SLOW,
        "test_some.py::TestSecond::test_of_two": SLOW,
    }
    assert found == others | expected | {"test_some.py::test_longest": LONG}
    assert "6 passed, 11 deselected" in ran(tmp_path, "-m", "not slow", "test_some.py")
    assert "16 passed, 1 deselected" in ran(tmp_path, "-m", "not long", "test_some.py")
    # In one process as in several.
    ran(tmp_path, "--measure", "test_some.py")
    assert listed(tmp_path / "slow.txt") == found


def test_without_a_list_nothing_is_slow(tmp_path: Path) -> None:
    assert listed(tmp_path / "slow.txt") == {}


def test_a_case_belongs_to_its_function() -> None:
    assert function_of("test_a.py::Test::test_b[x-[1]]") == function_of("test_a.py::Test::test_b") != "test_a.py"


def test_the_list_is_in_order_and_of_files_that_are_there() -> None:
    text = LISTED.read_text(encoding="utf-8")
    assert text.startswith(HEAD)
    assert all(str(seconds) in HEAD for seconds in SECONDS.values())
    marks = listed()
    assert list(marks) == sorted(marks)
    assert set(marks.values()) == {SLOW, LONG}
    assert text.count("\n") == HEAD.count("\n") + len(marks)
    gone = {name.partition("::")[0] for name in marks}
    assert [name for name in gone if not (ROOT / name).exists()] == []
