"""Annotations as comma-separated values: a column of ids, and what stands beside it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from caponier.errors import InputError
from caponier.matrix.documents import ids
from caponier.matrix.documents.columns import ColumnPlaces, holds_id, parts, recognise
from caponier.matrix.documents.mention import Beside, Document, DocumentKind, Form, Mention, Piece

CELLS: Final = 1_000_000
"""Cells of a table; each of them takes memory."""
_GAP: Final = re.compile(r"[ :\u2013\u2014(-]+(?=\w)")
_DELIMITERS: Final = ",;\t|"
Row = list[Piece]


def read(text: str, where: str) -> Document | None:
    """Return the ids of a table; None if it has no column of ids.

    Raises:
        InputError: If a quotation mark is never closed, or there are more than a million cells.
    """
    start = 1 if text.startswith("\ufeff") else 0
    first_line = text[start:].split("\n", 1)[0]
    for delimiter in sorted(_DELIMITERS, key=first_line.count, reverse=True):
        document = _table(text, start, delimiter, where)
        if document is not None:
            return document
    return None


def _table(text: str, start: int, delimiter: str, where: str) -> Document | None:
    if text.count(delimiter) + text.count("\n") + text.count("\r") > CELLS:
        raise InputError(f"this table has more than {CELLS:,} cells", where=where)
    rows = [row for row in _rows(text, start, delimiter, where) if any(cell.value.strip() for cell in row)]
    if not rows:
        return None
    headed = not any(holds_id(cell.value) for cell in rows[0])
    head, body = ([cell.value for cell in rows[0]], rows[1:]) if headed else (None, rows)
    columns = recognise(head, [[cell.value for cell in row] for row in body])
    if columns is None:
        return None
    mentions = [mention for row in body for mention in _mentions(text, row, columns, head or [])]
    return Document(DocumentKind.CSV, text, tuple(mentions), delimiter=delimiter)


def _rows(text: str, start: int, delimiter: str, where: str) -> Iterator[Row]:
    """Yield the cells of each record (RFC 4180), each with its place, quotation marks included."""
    plain = re.compile(f"[^{re.escape(delimiter)}\r\n]*")
    row: Row = []
    place = start
    while place <= len(text):
        if text[place : place + 1] == '"':
            end = _closing(text, place, where)
            rest = plain.match(text, end)
            stop = rest.end() if rest else end
            row.append(Piece(text[place + 1 : end - 1].replace('""', '"') + text[end:stop], place, stop, Form.QUOTED))
        else:
            match = plain.match(text, place)
            stop = match.end() if match else place
            row.append(Piece(text[place:stop], place, stop, Form.CSV))
        if text[stop : stop + 1] == delimiter:
            place = stop + 1
            continue
        yield row
        row = []
        place = stop + (2 if text.startswith("\r\n", stop) else 1)
        if place >= len(text):
            return


def _closing(text: str, start: int, where: str) -> int:
    place = start + 1
    while True:
        end = text.find('"', place)
        if end < 0:
            line = text.count("\n", 0, start) + 1
            raise InputError("a quotation mark is never closed", where=f"{where}:{line}")
        if text[end + 1 : end + 2] != '"':
            return end + 1
        place = end + 2


def _mentions(text: str, row: Row, columns: ColumnPlaces, titles: list[str]) -> Iterator[Mention]:
    for number, cell in enumerate(row):
        found = list(_ids(text, cell))
        title = titles[number] if number < len(titles) and titles[number].strip() else f"column {number + 1}"
        if number == columns.id and not found:
            yield from _with_name(text, cell, title, row, columns)
        elif number == columns.id:
            alone = len(found) == 1
            for piece in found:
                yield _mention(piece, title, row, columns if alone else ColumnPlaces(columns.id))
        elif found and number not in (columns.name, columns.tactic):
            for piece in found:
                id_ = ids.canonical(piece.value)
                yield Mention(id_, ids.kind_of(id_), ids.role_of(id_), piece, title, certain=False, aside=True)


def _with_name(text: str, cell: Piece, title: str, row: Row, columns: ColumnPlaces) -> Iterator[Mention]:
    """Yield the id with which a cell begins, and what follows as its name: `T1078 Valid Accounts`."""
    start = cell.start + (cell.form is Form.QUOTED)
    match = ids.IN_TEXT.match(text, start, start + len(cell.value))
    gap = _GAP.match(text, match.end(), start + len(cell.value)) if match else None
    if match is None:
        return
    mention = _mention(Piece(match[0], match.start(), match.end()), title, row, columns)
    if mention.name is None and gap:
        end = cell.end - (cell.form is Form.QUOTED)
        mention = replace(mention, name=Piece(text[gap.end() : end], gap.end(), end), beside=Beside.AFTER)
    yield mention


def _ids(text: str, cell: Piece) -> Iterator[Piece]:
    """Yield the ids of a cell that holds nothing but ids."""
    listed = parts(cell.value)
    if not listed or not all(ids.looks_like_one(part) for part in listed):
        return
    place = cell.start
    for written in listed:
        place = text.index(written, place)
        yield Piece(written, place, place + len(written))
        place += len(written)


def _mention(piece: Piece, title: str, row: Row, columns: ColumnPlaces) -> Mention:
    id_ = ids.canonical(piece.value)
    name = _cell(row, columns.name)
    tactic = _cell(row, columns.tactic)
    return Mention(
        id_,
        ids.kind_of(id_),
        ids.role_of(id_),
        piece,
        title,
        name=name,
        beside=columns.beside,
        tactics=tuple(tactic_pieces(tactic)) if tactic else (),
        parent=_cell(row, columns.parent),
    )


def _cell(row: Row, column: int | None) -> Piece | None:
    cell = row[column] if column is not None and column < len(row) else None
    return cell if cell and cell.value.strip() else None


def tactic_pieces(cell: Piece) -> Iterator[Piece]:
    """Yield the tactics of a cell; several only if none of them holds what would have to be quoted."""
    listed = parts(cell.value)
    if len(listed) == 1:
        yield Piece(listed[0], cell.start, cell.end, cell.form)
        return
    place = 0
    for part in listed:
        place = cell.value.index(part, place)
        start = cell.start + (cell.form is Form.QUOTED) + place
        yield Piece(part, start, start + len(part))
        place += len(part)
