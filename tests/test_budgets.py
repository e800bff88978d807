"""What must be there once is counted, however it is written."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def budgets() -> ModuleType:
    spec = importlib.util.spec_from_file_location("budgets", ROOT / "scripts" / "budgets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["budgets"] = module
    spec.loader.exec_module(module)
    return module


def trees(**files: str) -> dict[Path, ast.Module]:
    return {ROOT / "src/caponier" / f"{name.replace('__', '/')}.py": ast.parse(text) for name, text in files.items()}


@pytest.mark.parametrize(
    "text",
    [
        "import yaml\nyaml.safe_load('')",
        "from yaml import compose",
        "import yaml\ngetattr(yaml, 'CSafeLoader', yaml.X)",
        "import yaml\nx = yaml.parse",
    ],
)
def test_a_reader_of_yaml_is_seen(budgets: ModuleType, text: str) -> None:
    assert budgets.users(trees(a=text), "yaml", budgets.READERS) == ["src/caponier/a.py"]


def test_who_writes_yaml_or_replaces_letters_is_no_reader_and_no_writer(budgets: ModuleType) -> None:
    code = trees(a="import yaml\nyaml.safe_dump('')\n'a'.replace('a', 'b')\nos.path.join('')")
    assert budgets.users(code, "yaml", budgets.READERS) == []
    assert budgets.users(code, "os", re.compile("replace")) == []


def test_places_that_make_findings_and_documents(budgets: ModuleType) -> None:
    code = trees(
        records__finding="Finding()",
        a="Finding(1)\nother.Finding\n",
        b='SCHEMA: Final = "caponier.findings/1"\nx = {"schema": SCHEMA}\ny = {"schema": "other"}',
        c='from caponier.b import SCHEMA as NAME\nx = {"schema": NAME}\nNAME == y',
        d='x = {"schema": "caponier.findings/1"}',
    )
    assert budgets.findings_made(code) == ["src/caponier/a.py:1"]
    assert budgets.documents_made(code) == ["src/caponier/b.py:2", "src/caponier/c.py:2", "src/caponier/d.py:1"]


def test_a_name_stands_for_one_thing_but_for_plug_ins(budgets: ModuleType) -> None:
    code = trees(
        a="class Sponge: pass\nclass Twice: pass\nclass _Own: pass",
        b="class Twice: pass\nclass _Own: pass",
        detect__events__sponge="class Sponge: pass",
        emulate__campaigns__sponge="class Sponge: pass",
    )
    assert budgets.twice(code) == {"Twice": ["src/caponier/a.py", "src/caponier/b.py"]}


def test_folders_are_counted_without_their_first_file(budgets: ModuleType) -> None:
    count, folder = next((count, folder) for count, folder in budgets.crowded() if folder == "src/caponier/formats")
    assert count == len([path for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py"])
