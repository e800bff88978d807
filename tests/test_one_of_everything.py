"""What every part of the house needs is built in one place; a second place is a failing test."""

import ast
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "caponier"
TEXTS = {path.relative_to(SOURCE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    return {path: ast.parse(text) for path, text in TEXTS.items()}


def callers(name: str) -> list[str]:
    """Return the files that call something of this name."""
    return [
        path
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def writers(text: str) -> list[str]:
    """Return the files in whose code, comments and docstrings apart, this text is written."""
    found = []
    for path, tree in trees().items():
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            path
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value == text and id(node) not in told
        ]
    return found


def classes(name: str) -> list[str]:
    """Return the files that define a class of this name."""
    return [
        path
        for path, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == name
    ]


@pytest.mark.parametrize(("noun", "place"), [("Finding", "records/finding_builder.py")])
def test_one_place_builds_it(noun: str, place: str) -> None:
    assert callers(noun) == [place]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("caponier.findings/1", "matrix/documents/findings.py"),
        ("--workspace", "cli/terminal/options.py"),
        ("--quiet", "cli/terminal/options.py"),
    ],
)
def test_one_place_writes_it(text: str, place: str) -> None:
    assert writers(text) == [place]


def test_one_place_prints_the_document_of_findings() -> None:
    users = [path for path, text in TEXTS.items() if "documents.findings import SCHEMA" in text]
    assert users == ["records/findings_document.py"]


@pytest.mark.parametrize(("noun", "place"), [("Skip", "records/skip.py")])
def test_one_class_has_the_name(noun: str, place: str) -> None:
    assert classes(noun) == [place]


def test_one_listing_writes_csv_for_commands() -> None:
    users = [path for path, text in TEXTS.items() if path.startswith("cli/") and "\nimport csv\n" in text]
    assert users == ["cli/terminal/listing.py"]
