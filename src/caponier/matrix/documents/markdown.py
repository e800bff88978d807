"""Markdown: ids in running text, in tables, in links and in code, by their places."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import Final

from caponier.errors import InputError
from caponier.matrix.documents import ids
from caponier.matrix.documents.columns import ColumnPlaces, parts, recognise
from caponier.matrix.documents.mention import Beside, Document, DocumentKind, Mention, Piece

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_RULE: Final = re.compile(r"\|?:?-+:?(?:\|:?-+:?)*\|?")
_BAR: Final = re.compile(r"(?<!\\)\|")
_LINK: Final = re.compile(r"\[([^\[\]\n]{1,300})\]\(<?([^()\s<>]{1,500})>?\)")
_ADDRESS: Final = re.compile(
    r"(?:techniques|tactics)/(?:[\w%-]{1,80}/){0,3}?(AML\.TA?\d{4}(?:\.\d{3})?|TA?\d{4}(?:[/.]\d{3})?|AMLTM\.[A-Z]+(?:\.\w\d)*)"
    r"(?![\w]|\.\d)"
)
_AFTER: Final = re.compile(r"(?:[*_`\]\"']*(?:\([^()\s]*\))?)?(?:\s*[:\u2013\u2014-]\s*|\s*\(\s*|\s+)[*_`\"'\[]*(?=\w)")
_CLOSED: Final = re.compile(r"[*_`\"']*[)\]]")
_OPENED: Final = re.compile(r"\s*[(\[][*_`\"']*$")
LINES: Final = 400_000
IDS: Final = 200_000
"""Lines and ids of a page; each of them takes memory."""
_NEAR: Final = 120
"""Characters of text beside an id in which its name is looked for."""
_MARKS: Final = 20
"""Characters of brackets and emphasis between a name and its id."""


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int
    number: int
    code: bool


def read(text: str, where: str) -> Document:
    """Return the ids of a page, each with the text that may be its name.

    Raises:
        InputError: If there are too many lines or ids.
    """
    if text.count("\n") > LINES:
        raise InputError(f"this page has more than {LINES:,} lines", where=where)
    lines = list(_lines(text))
    mentions: list[Mention] = []
    number = 0
    while number < len(lines):
        end = _table_end(lines, number)
        if end:
            mentions += islice(_table(lines[number], lines[number + 2 : end]), IDS)
            number = end
        else:
            mentions += islice(_text(lines[number]), IDS)
            number += 1
        if len(mentions) >= IDS:
            raise InputError(f"this page has more than {IDS:,} ids", where=where)
    return Document(DocumentKind.MARKDOWN, text, tuple(mentions))


def _lines(text: str) -> Iterator[_Line]:
    fence, start = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        match = _FENCE.match(line)
        opens = match is not None and not fence
        yield _Line(line, start, number, bool(fence) or opens)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence) and not line[match.end() :].strip():
            fence = ""
        start += len(line) + 1


def _table_end(lines: list[_Line], number: int) -> int:
    """Return the number of the line after a table that begins here; 0 if none does."""
    if number + 1 >= len(lines) or lines[number].code or "|" not in lines[number].text:
        return 0
    below = lines[number + 1].text
    if "|" not in below or not _RULE.fullmatch("".join(below.split())):
        return 0
    end = number + 2
    while end < len(lines) and "|" in lines[end].text and lines[end].text.strip():
        end += 1
    return end


def _table(head: _Line, body: list[_Line]) -> Iterator[Mention]:
    titles = [cell.value for cell in _cells(head)]
    rows = [_cells(line) for line in body]
    columns = recognise(titles, [[cell.value for cell in row] for row in rows])
    yield from _text(head)
    for line, row in zip(body, rows, strict=True):
        for number, cell in enumerate(row):
            yield from _cell(line, row, number, cell, columns)


def _cell(line: _Line, row: list[Piece], number: int, cell: Piece, columns: ColumnPlaces | None) -> Iterator[Mention]:
    found = list(_text(line, cell.start - line.start, cell.end - line.start))
    own = [mention for mention in found if not mention.echo]
    if columns is not None and number != columns.id:
        yield from (replace(mention, aside=True) for mention in found)
        return
    if columns is None or len(own) != 1:
        yield from found
        return
    for mention in found:
        if mention.echo:
            yield mention
        else:
            yield _of_row(mention, row, columns)


def _of_row(mention: Mention, row: list[Piece], columns: ColumnPlaces) -> Mention:
    name = _filled(row, columns.name)
    tactic = _filled(row, columns.tactic)
    return Mention(
        mention.id,
        mention.kind,
        mention.role,
        mention.written,
        mention.where,
        mention.spelling,
        name or mention.name,
        columns.beside if name else mention.beside,
        tuple(_tactics(tactic)) if tactic else (),
        _filled(row, columns.parent),
    )


def _filled(row: list[Piece], column: int | None) -> Piece | None:
    cell = row[column] if column is not None and column < len(row) else None
    return cell if cell and cell.value else None


def _tactics(cell: Piece) -> Iterator[Piece]:
    place = cell.start
    for word in parts(cell.value):
        place = cell.start + cell.value.find(word, place - cell.start)
        yield Piece(word, place, place + len(word))
        place += len(word)


def _cells(line: _Line) -> list[Piece]:
    """Return the cells of a line of a table, without the space around them."""
    bars = [-1, *(match.start() for match in _BAR.finditer(line.text)), len(line.text)]
    cells = []
    for left, right in pairwise(bars):
        raw = line.text[left + 1 : right]
        start = line.start + left + 1 + len(raw) - len(raw.lstrip())
        cells.append(Piece(raw.strip(), start, start + len(raw.strip())))
    stripped = line.text.strip()
    return cells[1 if stripped.startswith("|") else 0 : -1 if stripped.endswith("|") else None]


def _text(line: _Line, start: int = 0, end: int | None = None) -> Iterator[Mention]:
    """Yield the ids of a part of a line."""
    text = line.text
    end = len(text) if end is None else end
    links = list(_LINK.finditer(text, start, end))
    for match in ids.IN_TEXT.finditer(text, start, end):
        written = Piece(match[0], line.start + match.start(), line.start + match.end())
        id_ = ids.canonical(match[0])
        if ids.is_other(id_):
            continue
        kind = ids.kind_of(id_)
        sure = kind not in (None, ids.ATTACK) or match[0].upper().startswith("AML")
        # Code may show what is made up, such as the id of an entry that is proposed.
        sure &= not line.code
        name, beside = (None, Beside.MAYBE) if line.code else _beside(line, start, end, match)
        yield Mention(
            id_, kind, ids.role_of(id_), written, f"line {line.number}", name=name, beside=beside, certain=sure
        )
    for match in _ADDRESS.finditer(text, start, end):
        yield _address(line, match, links)


def _beside(line: _Line, start: int, end: int, match: re.Match[str]) -> tuple[Piece | None, Beside]:
    text = line.text
    opened = _OPENED.search(text, max(start, match.start() - _MARKS), match.start())
    closed = _CLOSED.match(text, match.end(), end)
    if opened and closed and opened.start() > start and not text.startswith("](", match.end()):
        begin = max(start, opened.start() - _NEAR)
        return Piece(text[begin : opened.start()], line.start + begin, line.start + opened.start()), Beside.BEFORE
    after = _AFTER.match(text, match.end(), end)
    if after is None:
        return None, Beside.AFTER
    stop = min(end, after.end() + _NEAR)
    return Piece(text[after.end() : stop], line.start + after.end(), line.start + stop), Beside.AFTER


def _address(line: _Line, match: re.Match[str], links: list[re.Match[str]]) -> Mention:
    id_ = ids.canonical(match[1])
    piece = Piece(match[1], line.start + match.start(1), line.start + match.end(1))
    kind = ids.kind_of(id_)
    spelling = ids.Spelling.PATH if kind == ids.ATTACK and "." not in match[1] else ids.Spelling.PLAIN
    near = bisect_right(links, match.start(), key=lambda link: link.start(2)) - 1
    link = links[near] if near >= 0 and match.start() < links[near].end(2) else None
    where = f"line {line.number}"
    if link is None or ids.IN_TEXT.search(link[1]):
        return Mention(id_, kind, ids.role_of(id_), piece, where, spelling, certain=False, echo=True)
    name = Piece(link[1], line.start + link.start(1), line.start + link.end(1))
    return Mention(id_, kind, ids.role_of(id_), piece, where, spelling, name, Beside.MAYBE)
