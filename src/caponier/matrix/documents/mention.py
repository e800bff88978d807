"""An id in a document, with whatever stands beside it that should agree with it."""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from caponier.matrix.documents.ids import Role, Spelling


class Form(StrEnum):
    """How a piece of text is written down."""

    PLAIN = "plain"
    JSON = "json"
    """A JSON string with its quotation marks."""
    CSV = "csv"
    """A whole CSV cell without quotation marks."""
    QUOTED = "quoted"
    """A whole CSV cell with its quotation marks."""

    def write(self, value: str, delimiter: str = ",") -> str:
        """Return the text as it stands in the file."""
        if self is Form.JSON:
            return json.dumps(value, ensure_ascii=False)
        quoted = self is Form.QUOTED or (
            self is Form.CSV and any(mark in value for mark in (delimiter, '"', "\n", "\r"))
        )
        return '"' + value.replace('"', '""') + '"' if quoted else value


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a document's text, by its place in it (in characters)."""

    value: str
    start: int
    end: int
    form: Form = Form.PLAIN


class Beside(StrEnum):
    """Where a mention's name stands and how sure it is that it is one."""

    SURE = "sure"
    """The format has a place for the name."""
    MAYBE = "maybe"
    """A text that may be the name: a link's words, a comment, a cell of a table without a heading for it."""
    AFTER = "after"
    """The text that follows the id and may begin with the name."""
    BEFORE = "before"
    """The text in front of the id and may end with the name."""


@dataclass(frozen=True, slots=True)
class Mention:
    """An id in a document."""

    id: str
    """As the matrix writes it; a malformed one in capital letters. Of a Sigma tactic tag its short name."""
    kind: str | None
    """`atlas`, `attack`, `amltm-2020` or `2021`; None if the id is malformed."""
    role: Role
    written: Piece
    where: str
    """Path or key in the document: `techniques[3]`, `tags[0]`."""
    spelling: Spelling = Spelling.PLAIN
    name: Piece | None = None
    beside: Beside = Beside.SURE
    tactics: tuple[Piece, ...] = ()
    """Tactics said of it: by short name, name or id."""
    parent: Piece | None = None
    group: str = ""
    """What belongs together: one layer, one rule, one table."""
    certain: bool = True
    """False for a word of running text that only looks like an id."""
    echo: bool = False
    """It repeats another mention, as the address in a link does: rewritten with it, but no annotation of its own."""
    aside: bool = False
    """It stands in a row about another id: it says what was so when the table was written."""
    withdrawn: bool = False
    """The document itself says that the entry is revoked or deprecated."""


class DocumentKind(StrEnum):
    """The formats."""

    LAYER = "navigator layer"
    SIGMA = "sigma"
    STIX = "stix"
    FINDINGS = "findings"
    ENTRIES = "matrix entries"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True)
class Document:
    """A document with its ids in the order of their places."""

    kind: DocumentKind
    text: str
    mentions: tuple[Mention, ...]
    said: tuple[tuple[str, str, str], ...] = ()
    """Versions that it names itself: group, kind of matrix, version as written."""
    delimiter: str = ","
    """Of the cells of CSV."""

    def version(self, group: str, kind: str | None) -> str | None:
        """Return the version of a kind of matrix that the document names for a group."""
        return next((said for at, of, said in self.said if of == kind and at == group), None)

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return a place as line and column, both from 1."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a text."""

    start: int
    end: int
    text: str


def apply(text: str, edits: list[Edit]) -> str:
    """Return the text with all edits made; all else stays as it is, letter by letter.

    An edit within another one is dropped: the outer one has replaced it.
    """
    parts, place = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end > edit.start, -edit.end)):
        if edit.start >= place:
            parts += [text[place : edit.start], edit.text]
            place = edit.end
    return "".join([*parts, text[place:]])
