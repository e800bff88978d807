"""The package of the matrix stands on its own and costs nothing until a matrix is loaded."""

import ast
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import caponier.matrix
from pace import HANG

SOURCES = sorted(Path(caponier.matrix.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_imports_nothing_of_caponier_but_the_floors_below(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    modules += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    ours = {module for module in modules if module.split(".")[0] == "caponier"}
    allowed = ("caponier.matrix", "caponier.formats", "caponier.errors", "caponier.extras")
    assert {module for module in ours if not module.startswith(allowed)} == set()


@pytest.mark.parametrize("module", ["caponier.matrix", "caponier.matrix.technique", "caponier.matrix.evidence"])
def test_the_nouns_load_without_yaml_and_pydantic(module: str):
    code = f"import sys, {module}; print(sorted({{'yaml', 'pydantic', 'rich'}} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=HANG)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("path", [p.name for p in (files("caponier.matrix") / "data").iterdir()])
def test_data_are_ascii_and_name_no_machine(path: str):
    text = (files("caponier.matrix") / "data" / path).read_text(encoding="utf-8")
    assert text.isascii()
    assert text.startswith("# ")
    assert "/work" not in text
    assert "/home" not in text
