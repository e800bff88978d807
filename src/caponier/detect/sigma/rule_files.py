"""Sigma rule files: found in a folder, read with limits, one document a rule."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.strict_yaml import YamlDialect, YamlError, read_values
from caponier.records.skip import Skip

FILE_LIMIT: Final = 2**20
"""Bytes of a rule file."""
MOST_FILES: Final = 20_000
MOST_ALIASES: Final = 100
"""A rule has no use for more; a file that refers to itself again and again is an attack on the reader."""

_DIALECT: Final = YamlDialect(nodes=100_000_000, aliases=MOST_ALIASES, merges=True)
"""What aliases stand for is made once; what a rule does with it is the compiler's to bound."""


@dataclass(frozen=True, slots=True)
class RuleDocument:
    """One YAML document."""

    file: str
    stem: str
    """Name of the file without its ending; with the number of the document from the second one on."""
    content: dict[str, Any]


def own_rules() -> list[RuleDocument | Skip]:
    """Return the rules that ship with the package."""
    with as_file(files("caponier.detect") / "rules") as folder:
        return list(read_rules(folder, shown=Path("caponier/rules")))


def read_rules(folder: Path, *, shown: Path | None = None) -> Iterator[RuleDocument | Skip]:
    """Read the rules of a folder and the folders in it, or of one file, in order of their names.

    Args:
        folder: The folder or file.
        shown: What to call the folder in messages; itself by default.

    Raises:
        InputError: If it does not exist, or holds no rule file at all.
    """
    if not folder.exists():
        raise InputError("does not exist", where=str(folder))
    paths = [folder] if folder.is_file() else sorted(_rule_files(folder))
    if not paths:
        raise InputError("holds no .yml file", where=str(folder), hint="Name a folder with Sigma rules.")
    if len(paths) > MOST_FILES:
        raise InputError(f"holds more than {MOST_FILES:,} rule files", where=str(folder))
    for path in paths:
        name = path if shown is None else shown / path.relative_to(folder)
        yield from _read(path, str(name))


def _rule_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in (".yml", ".yaml") and path.is_file())


def _read(path: Path, shown: str) -> Iterator[RuleDocument | Skip]:
    try:
        documents = _documents(path)
    except (OSError, ValueError, YamlError) as wrong:
        yield Skip(shown, _first_line(wrong))
        return
    for number, content in enumerate(documents, 1):
        if isinstance(content, dict):
            yield RuleDocument(shown, path.stem if number == 1 else f"{path.stem}-{number}", content)
        else:
            yield Skip(shown, f"document {number} is no rule: expected a mapping")


def _documents(path: Path) -> list[Any]:
    if path.stat().st_size > FILE_LIMIT:
        raise ValueError(f"larger than {FILE_LIMIT:,} bytes")
    documents = read_values(path.read_text("utf-8"), path.name, _DIALECT)
    return [document for document in documents if document is not None]


def _first_line(wrong: Exception) -> str:
    if isinstance(wrong, YamlError):
        return wrong.what if wrong.line is None else f"{wrong.what} in line {wrong.line}"
    return str(wrong).splitlines()[0] if str(wrong) else type(wrong).__name__
