"""Hold users' documents against the versions of the matrix that they mean."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.formats.walk_files import FoundFile, read_file, shown, walk
from caponier.matrix.documents import ids, lint, reading
from caponier.matrix.documents.lint import Code, Flaw, KnownVersions
from caponier.matrix.documents.mention import Document
from caponier.matrix.documents.version_index import VersionIndex, book_of, shipped_attack
from caponier.matrix.versions.library import Library
from caponier.records.skip import Skip

STDIN: Final = Path(reading.STDIN)
_KINDS: Final = (ids.FOUNDING, ids.ATLAS, ids.ATTACK)


@dataclass(frozen=True, slots=True)
class PlacedFlaw:
    """A flaw with its line and column, both from 1."""

    flaw: Flaw
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class LintedFile:
    """One document and what does not agree in it."""

    path: str
    format: str
    ids: int
    flaws: tuple[PlacedFlaw, ...]


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was checked, against which versions, and what could not be."""

    files: tuple[LintedFile, ...]
    skipped: tuple[Skip, ...]
    versions: tuple[str, ...]
    remarks: tuple[str, ...]

    @property
    def flaws(self) -> int:
        """How many flaws there are in all files."""
        return sum(len(file.flaws) for file in self.files)


class Versions:
    """Which version a document is held against: the one asked for, or its own, or the pinned, or the newest at hand.

    Args:
        library: The versions at hand.
        against: Versions asked for, one a kind of matrix.
        pinned: The version that the workspace has pinned.

    Raises:
        InputError: If a version asked for is not at hand, or two are of one kind.
    """

    def __init__(self, library: Library, against: Sequence[str] = (), pinned: str | None = None) -> None:
        self.library = library
        self.used: dict[str, None] = {}
        self.remarks: dict[str, None] = {}
        self._asked: dict[str, str] = {}
        for version in against:
            kind = library.load(version).kind
            if kind in self._asked:
                raise InputError(f"{self._asked[kind]} and {version} are of one matrix", hint="Give one of them.")
            self._asked[kind] = version
        self._pinned = pinned
        self._chosen = cache(self._choose)
        self._book = cache(self._loaded)
        self._others = cache(self._all)

    def shelf(self) -> KnownVersions:
        """Return what the check asks for books."""
        return KnownVersions(self.book, self._others)

    def book(self, kind: str, said: str | None) -> VersionIndex | None:
        """Return the book for a kind of matrix and the version that a document says."""
        version = self._chosen(kind, said)
        if version is not None:
            book = self._book(version)
        elif kind == ids.ATTACK:
            book = shipped_attack()
        else:
            return None
        self.used[book.version] = None
        return book

    def named(self, kind: str, said: str) -> str | None:
        """Return the version at hand that a document means by its name or a number: 5.6.0 is atlas-5.6."""
        if said in self.of_kind(kind):
            return said
        numbers = numbers_of(said)
        return next((version for version in self.of_kind(kind) if numbers and numbers_of(version) == numbers), None)

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Return the versions at hand of a kind of matrix, oldest first."""
        there = [version for version in self.library.versions() if self._kind(version) == kind]
        return tuple(sorted(there, key=_place_of))

    def _choose(self, kind: str, said: str | None) -> str | None:
        return self._asked.get(kind) or self._said(kind, said) or self.pinned_of(kind) or self._newest(kind)

    def _said(self, kind: str, said: str | None) -> str | None:
        version = self.named(kind, said) if said else None
        if said and version is None and not (kind == ids.ATTACK and self._newest(kind) is None):
            held = self.pinned_of(kind) or self._newest(kind)
            self.remarks[f"{kind} {said} is not at hand: what names it is held against {held}"] = None
        return version

    def pinned_of(self, kind: str) -> str | None:
        """Return the pinned version, if it is of that kind."""
        return self._pinned if self._pinned and self._kind(self._pinned) == kind else None

    def _newest(self, kind: str) -> str | None:
        return next(reversed(self.of_kind(kind)), None)

    def _kind(self, version: str) -> str:
        known = next((kind for kind in _KINDS if version.startswith(kind)), None)
        return known or self.library.load(version).kind

    def _loaded(self, version: str) -> VersionIndex:
        return book_of(self.library.load(version))

    def _all(self, kind: str) -> Sequence[VersionIndex]:
        return [self._book(version) for version in self.of_kind(kind)]


def lint_files(paths: Sequence[Path], versions: Versions, ignored: Collection[Code] = ()) -> LintReport:
    """Check files, and the files of folders that may be documents.

    Args:
        paths: Files and folders; `-` is standard input.
        versions: What to hold them against.
        ignored: Codes that are not wanted.

    Raises:
        InputError: If a path does not exist.
    """
    files: list[LintedFile] = []
    skipped: list[Skip] = []
    for path, document in documents(paths, skipped):
        flaws = [flaw for flaw in lint.lint(document, versions.shelf()) if flaw.code not in ignored]
        placed = tuple(PlacedFlaw(flaw, *document.line_and_column(flaw.start)) for flaw in flaws)
        files.append(LintedFile(shown(path), document.kind.value, len(document.mentions), placed))
    return LintReport(tuple(files), tuple(skipped), tuple(versions.used), tuple(versions.remarks))


def documents(paths: Sequence[Path], skipped: list[Skip]) -> Iterator[tuple[Path, Document]]:
    """Yield each document of files and folders.

    `-` is standard input, read once. Of a folder, files with the ending of no format are passed over, and so is what
    begins with a dot. What cannot be read is added to `skipped`.

    Raises:
        InputError: If a path does not exist.
    """
    named = set(paths)
    for found in _found(paths):
        if found.path not in named and not _wanted(found.path, named):
            continue
        try:
            if found.problem:
                raise InputError(found.problem, where=shown(found.path))
            document = reading.read(_content(found.path), shown(found.path))
        except InputError as wrong:
            skipped.append(Skip(shown(found.path), one_line(wrong)))
            continue
        if document is not None:
            yield found.path, document
        elif found.path in named:
            skipped.append(Skip(shown(found.path), NO_DOCUMENT))


def _found(paths: Sequence[Path]) -> Iterator[FoundFile]:
    """Find what is meant, in the order in which it was named."""
    for path in dict.fromkeys(paths):
        yield from [FoundFile(path)] if path == STDIN else walk([path])


NO_DOCUMENT: Final = (
    "is none of the formats: a Navigator layer, Sigma, STIX, findings, Markdown, or CSV with a column of ids"
)


def one_line(wrong: InputError) -> str:
    """Return an error in one line: what and where, then how to fix it."""
    return str(wrong).replace("\n", ". ")


def _place_of(version: str) -> tuple[tuple[int, ...], tuple[int, ...], str]:
    """Return where a version stands among its kind; one that grew out of another, `amltm-2020+1`, comes after it."""
    base, _, own = version.partition("+")
    return numbers_of(base) or (0,), numbers_of(own) if own else (), own


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the numbers of a version without zeros at the end: atlas-5.6 and 5.6.0 are (5, 6); empty if none."""
    numbers = version.rpartition("-")[2].split(".")
    if not all(number.isascii() and number.isdigit() and len(number) < 9 for number in numbers):
        return ()
    found = [int(number) for number in numbers]
    while len(found) > 1 and found[-1] == 0:
        found.pop()
    return tuple(found)


def _wanted(path: Path, named: set[Path]) -> bool:
    below: tuple[str, ...] = path.parts
    for above in named:
        if path.is_relative_to(above):
            below = path.relative_to(above).parts
            break
    return path.suffix.lower() in reading.ENDINGS and not any(part.startswith(".") for part in below)


def _content(path: Path) -> bytes:
    if path == STDIN:
        return sys.stdin.buffer.read(reading.BYTES + 1)
    try:
        if path.stat().st_size > reading.BYTES:
            raise InputError(f"is larger than {reading.BYTES // 1024 // 1024} MiB", where=shown(path))
        return read_file(path, reading.BYTES)
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=shown(path)) from failed
