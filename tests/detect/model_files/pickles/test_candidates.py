"""The script that proposes entries of the allow list: what is listed, what is not, and what is gone."""

import importlib.util
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest

from caponier.detect.model_files.pickles.rules import Allowance, GlobalRole, shipped
from caponier.detect.model_files.pickles.values import Global

SCRIPT = Path(__file__).parents[4] / "scripts" / "allow_list_candidates.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("allow_list_candidates", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)

    sys.modules["allow_list_candidates"] = module
    spec.loader.exec_module(module)
    return module


def test_what_the_list_lacks_is_proposed_with_what_would_run(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "fleetmodels"
    package.mkdir()
    (package / "__init__.py").write_text("class Plain:\n    pass\n")
    (package / "nets.py").write_text(
        "class Net:\n    def __setstate__(self, state):\n        open(state)\n\nclass Table(dict):\n    pass\n"
    )
    (package / "broken.py").write_text("import nobody_has_this\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert script.main(["fleetmodels"]) == 0
    told = capsys.readouterr()
    assert "- {module: fleetmodels, name: Plain, roles: [new, build]}  # nothing of its own runs" in told.out
    assert "{module: fleetmodels.nets, name: Net, roles: [new, build]}  # __setstate__ of Net (nets.py:2)" in told.out
    assert "name: Table, roles: [new, build, items]" in told.out
    assert "fleetmodels.broken cannot be imported: ModuleNotFoundError" in told.err
    known = Allowance(Global("fleetmodels", "Plain"), frozenset({GlobalRole.NEW}), "read", date.max)
    assert "Plain" not in {one.what.name for one in script.candidates("fleetmodels", shipped().extended([known]))}
    assert list(script.gone("fleetmodels", shipped().extended([known]))) == []
    missing = Allowance(Global("fleetmodels.old", "Net"), frozenset({GlobalRole.NEW}), "read", known.expires)
    assert list(script.gone("fleetmodels", shipped().extended([missing]))) == [missing.what]


PLAIN = """
import dataclasses
import enum

class Plain:
    pass

@dataclasses.dataclass(frozen=True)
class Frozen:
    size: int

class Kind(enum.Enum):
    ONE = "one"
"""
RUNNING = """
import enum

class Restored:
    def __setstate__(self, state):
        open(state)

class Inherits(Restored):
    pass

class Creates:
    def __new__(cls, *given):
        return open(*given)

class Sets:
    def __setattr__(self, name, value):
        open(value)

class Dropped:
    def __del__(self):
        open(self.path)

class Key:
    def __hash__(self):
        return open(self.path).fileno()

class Looked:
    def __getattribute__(self, name):
        return open

class Asked:
    def __getattr__(self, name):
        return open

class Poses:
    @property
    def __class__(self):
        return open(self.path)

class Attributes:
    @property
    def __dict__(self):
        return {}

class Made(type):
    def __getattribute__(cls, name):
        return open

class OfMade(metaclass=Made):
    pass

class Table(dict):
    pass

class Pair(tuple):
    pass

class Failed(Exception):
    pass

class Opens(enum.Enum):
    ONE = "one"

    @classmethod
    def _missing_(cls, value):
        return open(value)

class Called(enum.EnumType):
    def __call__(cls, value):
        return open(value)

class OfCalled(enum.Enum, metaclass=Called):
    ONE = "one"

class Empty(enum.Enum):
    pass
"""


def test_only_what_runs_no_code_of_its_own_is_plain(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "plainmodels"
    package.mkdir()
    (package / "__init__.py").write_text(PLAIN)
    (package / "running.py").write_text(RUNNING)
    monkeypatch.syspath_prepend(tmp_path)
    assert script.main(["--plain", "plainmodels"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].startswith("# plainmodels ")
    assert rows[1] == "- {module: plainmodels, new: [Frozen, Plain], lookup: [Kind]}"
    assert rows[2:] == []
