"""What every part of the house needs is built in one place; a second place is a failing test."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "caponier"
FILES = sorted(SOURCE.rglob("*.py"))


def callers(name: str) -> list[str]:
    """Return the files that call something of this name."""
    return [
        path.relative_to(SOURCE).as_posix()
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


@pytest.mark.parametrize(("noun", "place"), [("Finding", "records/finding_builder.py")])
def test_one_place_builds_it(noun: str, place: str) -> None:
    assert callers(noun) == [place]
