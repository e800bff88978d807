"""Which column of a table holds ids, names, tactics and parents: by its heading, or else by what stands in it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from caponier.matrix.documents import ids, words
from caponier.matrix.documents.mention import Beside

_IDS: Final = {"id", "technique id", "techniqueid", "attack id", "att&ck id", "atlas id", "mitre id", "external id"}
_NAMES: Final = {"technique name", "name", "technique", "title"}
_TACTICS: Final = {"tactic", "tactics", "tactic name", "tactic names", "phase", "phase name", "kill chain phase"}
_PARENTS: Final = {"parent", "parent id", "subtechnique of", "sub technique of"}
_LIST: Final = re.compile(r"[;,|\n]|<br ?/?>")
_WIDTH: Final = 64
_SAMPLE: Final = 1000
"""Columns and rows that are looked at to tell what a table holds."""


@dataclass(frozen=True, slots=True)
class ColumnPlaces:
    """Places of columns, from 0."""

    id: int
    name: int | None = None
    beside: Beside = Beside.MAYBE
    tactic: int | None = None
    parent: int | None = None


def recognise(head: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> ColumnPlaces | None:
    """Return the columns of a table, or None if none of them holds ids.

    Args:
        head: The headings; None if there are none.
        rows: The cells below, as text.
    """
    titles = [_title(cell) for cell in head or ()]
    rows = rows[:_SAMPLE]
    width = min(max((len(row) for row in rows), default=0), _WIDTH)
    id_column = _find(titles, _IDS, width, rows, holds_id)
    if id_column is None:
        return None
    others = [column for column in range(width) if column != id_column]
    name, beside = _name(titles, others, rows)
    tactic = _headed(titles, _TACTICS, others)
    if tactic is None and not titles:
        tactic = _mostly(others, rows, words.is_tactic)
    return ColumnPlaces(id_column, name if name != tactic else None, beside, tactic, _headed(titles, _PARENTS, others))


def parts(cell: str) -> list[str]:
    """Return the entries of a cell that lists several, without the space around them."""
    return [part.strip() for part in _LIST.split(cell) if part.strip()]


def _title(cell: str) -> str:
    return words.folded(cell.replace("-", " "))


def holds_id(cell: str) -> bool:
    """Tell whether a cell holds ids, or begins with one that its name follows."""
    found = parts(cell.strip().strip("`*"))
    listed = bool(found) and all(ids.looks_like_one(part.strip("`*")) for part in found)
    return listed or _begins(cell)


def _begins(cell: str) -> bool:
    match = ids.IN_TEXT.match(cell.strip().lstrip("[`*"))
    return match is not None and ids.kind_of(match[0]) is not None


def _find(
    titles: list[str], wanted: set[str], width: int, rows: Sequence[Sequence[str]], test: Callable[[str], bool]
) -> int | None:
    by_title = [column for column in range(width) if column < len(titles) and titles[column] in wanted]
    for column in by_title:
        if any(test(row[column]) for row in rows if column < len(row)):
            return column
    return _mostly(range(width), rows, test)


def _mostly(columns: Sequence[int], rows: Sequence[Sequence[str]], test: Callable[[str], bool]) -> int | None:
    return next((column for column in columns if 2 * _share(column, rows, test) >= 1), None)


def _share(column: int, rows: Sequence[Sequence[str]], test: Callable[[str], bool]) -> float:
    cells = [row[column] for row in rows if column < len(row) and row[column].strip()]
    return sum(map(test, cells)) / len(cells) if cells else 0.0


def _headed(titles: list[str], wanted: set[str], columns: Sequence[int]) -> int | None:
    return next((column for column in columns if column < len(titles) and titles[column] in wanted), None)


def _name(titles: list[str], others: Sequence[int], rows: Sequence[Sequence[str]]) -> tuple[int | None, Beside]:
    """Return the column of names. A heading alone may mean other names, so the cells have a say too."""
    by_content = _mostly(others, rows, words.is_technique_name)
    if by_content is not None:
        return by_content, Beside.SURE
    headed = _headed(titles, {"technique name"}, others)
    if headed is not None:
        return headed, Beside.SURE
    headed = _headed(titles, _NAMES, others)
    if headed is not None and any(title in _IDS for title in titles):
        few = len(rows) < 3 or _share(headed, rows, words.is_technique_name) >= 1 / 3
        return headed, Beside.SURE if few else Beside.MAYBE
    return headed, Beside.MAYBE
