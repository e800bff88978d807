"""Do the ids, names and tactics that a document says agree with a version of the matrix?

| code | finds |
| --- | --- |
| M101 | an id that there is not |
| M102 | an id that was taken back or replaced |
| M103 | a name that is not the technique's |
| M104 | a name that belongs to another id: swapped |
| M105 | a tactic that is none of the technique's |
| M106 | an id that is malformed, or written in the wrong case |
| M107 | a sub-technique under a wrong parent |
| M108 | a tactic that there is not |
| M109 | a tactic tag of a Sigma rule without any technique of that tactic |
| M110 | an id that came later than the version that the document names |
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from caponier.formats.suggest import nearest
from caponier.matrix.documents import ids, naming
from caponier.matrix.documents.ids import Role, Spelling
from caponier.matrix.documents.mention import Beside, Document, DocumentKind, Mention, Piece
from caponier.matrix.documents.version_index import Entry, VersionIndex
from caponier.matrix.documents.words import folded, short
from caponier.matrix.mapping import succession_table
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions import catalogue


class Code(StrEnum):
    """What was found; codes never change their meaning."""

    UNKNOWN_ID = "M101"
    RETIRED_ID = "M102"
    WRONG_NAME = "M103"
    SWAPPED_NAME = "M104"
    WRONG_TACTIC = "M105"
    MALFORMED_ID = "M106"
    WRONG_PARENT = "M107"
    UNKNOWN_TACTIC = "M108"
    LONE_TACTIC = "M109"
    MIXED_VERSIONS = "M110"

    @property
    def words(self) -> str:
        """What the code stands for, in a few words."""
        return _WORDS[self]


_WORDS: Final = {
    Code.UNKNOWN_ID: "an id that there is not",
    Code.RETIRED_ID: "an id that was taken back or replaced",
    Code.WRONG_NAME: "a name that is not the technique's",
    Code.SWAPPED_NAME: "a name that belongs to another id",
    Code.WRONG_TACTIC: "a tactic that is none of the technique's",
    Code.MALFORMED_ID: "an id that is malformed or in the wrong case",
    Code.WRONG_PARENT: "a sub-technique under a wrong parent",
    Code.UNKNOWN_TACTIC: "a tactic that there is not",
    Code.LONE_TACTIC: "a tactic tag without any technique of that tactic",
    Code.MIXED_VERSIONS: "an id that came later than the version that the document names",
}

_ATTACK_NUMBERS: Final = (range(800, 1000), range(1001, 2000))
"""Numbers that ATT&CK has given: to ICS, and to Enterprise and Mobile together, with room for releases to come. Only
Enterprise is known here, so an unknown id among them may belong to another domain."""
_ALIASES: Final = {"evasion": "model-evasion"}
"""The 2020 page calls a column Evasion that its picture calls Model Evasion."""
_ATLAS_NUMBERS: Final = (((4, 4), 50), ((4, 6), 57), ((4, 9), 79), ((5, 6), 112))
"""Release and the highest number of a technique up to it: ids are given in order, so a higher one is newer."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that does not agree."""

    code: Code
    message: str
    start: int
    """Place in the text, in characters."""
    where: str
    id: str


@dataclass(frozen=True, slots=True)
class KnownVersions:
    """The versions to hold a document against."""

    book: Callable[[str, str | None], VersionIndex | None]
    """Kind of matrix and version that the document names: the book to use, None if nothing is known of that kind."""
    others: Callable[[str], Sequence[VersionIndex]]
    """All other books of a kind, newest last."""


def lint(document: Document, shelf: KnownVersions) -> list[Flaw]:
    """Return what does not agree, in the order of the places in the document."""
    checker = _Checker(document, shelf)
    own = {(mention.group, mention.id) for mention in document.mentions if not mention.echo}
    # What only repeats an id, as the address in a link does, would only repeat what is found.
    told = [mention for mention in document.mentions if not mention.echo or (mention.group, mention.id) not in own]
    flaws = [flaw for mention in told if not mention.withdrawn for flaw in checker.check(mention)]
    if document.kind is DocumentKind.SIGMA:
        flaws += checker.lone_tactics()
    return sorted(flaws, key=lambda flaw: (flaw.start, flaw.code))


class _Checker:
    def __init__(self, document: Document, shelf: KnownVersions) -> None:
        self.document = document
        self.shelf = shelf
        self.ids = {mention.id for mention in document.mentions}

    def check(self, mention: Mention) -> Iterator[Flaw]:
        yield from self._spelling(mention)
        if mention.kind is None:
            return
        if mention.kind == ids.FIRST:
            yield from self._first_release(mention)
            return
        book = self._book(mention)
        if book is None:
            return
        if mention.role is Role.TACTIC:
            yield from self._tactic_itself(mention, book)
            return
        entry = book.entries.get(mention.id)
        if entry is None:
            yield from self._missing(mention, book)
        else:
            yield from self._newer(mention, entry)
            yield from self._name(mention, book, entry)
            yield from self._tactics(mention, book, entry)
            yield from self._parent(mention, entry)

    def _book(self, mention: Mention) -> VersionIndex | None:
        if mention.kind is None:
            return None
        return self.shelf.book(mention.kind, self.document.version(mention.group, mention.kind))

    def _flaw(self, code: Code, message: str, mention: Mention, piece: Piece | None = None) -> Flaw:
        return Flaw(code, message, (piece or mention.written).start, mention.where, mention.id)

    # --- the id

    def _spelling(self, mention: Mention) -> Iterator[Flaw]:
        written = mention.written.value
        if mention.kind is None:
            if mention.certain:
                elsewhere = ids.kind_of(mention.id) is not None
                what = "is written like an id of ATT&CK, not of ATLAS" if elsewhere else "is no technique's id"
                yield self._flaw(Code.MALFORMED_ID, f"{written!r} {what}{self._meant(mention)}", mention)
        elif mention.spelling is Spelling.SIGMA:
            if written != written.lower():
                yield self._flaw(Code.MALFORMED_ID, f"a Sigma tag is written small: {written.lower()}", mention)
            elif ids.kind_of(mention.id) and written != mention.spelling.write(mention.id):
                message = f"the Sigma tag of {mention.id} is {mention.spelling.write(mention.id)}"
                yield self._flaw(Code.MALFORMED_ID, message, mention)
        elif mention.spelling is Spelling.PLAIN and written != mention.id:
            yield self._flaw(Code.MALFORMED_ID, f"{written!r} is written {mention.id}", mention)

    def _meant(self, mention: Mention) -> str:
        corrected = ids.corrected(mention.id)
        for guess in (corrected, f"AML.{corrected}"):
            for kind in (ids.ATLAS, ids.ATTACK):
                book = self.shelf.book(kind, None)
                if guess and guess != mention.id and book and (guess in book.entries or guess in book.tactics):
                    return f": {guess} is probably meant"
        founding = self.shelf.book(ids.FOUNDING, None)
        near = founding.nearest(mention.id) if founding and mention.id.startswith("AMLTM") else None
        return f": {near} is probably meant" if near else ""

    def _first_release(self, mention: Mention) -> Iterator[Flaw]:
        if not mention.certain:
            return
        founding = catalogue.load(catalogue.DEFAULT)
        columns: Sequence[Technique | Tactic] = [*founding.techniques, *founding.tactics]
        entries = [entry for entry in columns if entry.v1_id == mention.id]
        if self._tells_history(mention, [entry.id for entry in entries]):
            return
        use = " or ".join(f"{entry.id} ({entry.name})" for entry in entries)
        message = f"{mention.id} is of MITRE's first data release of March 2021"
        yield self._flaw(Code.RETIRED_ID, f"{message}: use {use}" if use else message, mention)

    def _missing(self, mention: Mention, book: VersionIndex) -> Iterator[Flaw]:
        gone = book.retired.get(mention.id)
        successors = succession_table.load().successors(mention.id, book.entries).ids if book.kind == ids.ATLAS else ()
        if gone and mention.aside:
            return
        if gone:
            yield self._flaw(Code.RETIRED_ID, f"{mention.id} {gone[0]} was taken back{_use(book, gone[1])}", mention)
        elif later := self._later(mention, book):
            yield self._flaw(Code.MIXED_VERSIONS, later, mention)
        elif self._tells_history(mention, successors):
            return
        elif successors:
            use = " or ".join(f"{id_} ({book.entries[id_].name})" for id_ in successors)
            yield self._flaw(Code.RETIRED_ID, f"{mention.id} is not in {book.version}: use {use}", mention)
        elif earlier := next((o for o in self.shelf.others(book.kind) if mention.id in o.entries), None):
            name = earlier.entries[mention.id].name
            yield self._flaw(
                Code.RETIRED_ID, f"{mention.id} {name} of {earlier.version} is not in {book.version}", mention
            )
        elif (bare := self._without_prefix(mention)) is not None:
            yield bare
        elif mention.certain and (book.complete or self._is_covered(mention, book) or _in_no_domain(mention)):
            yield self._unknown(mention, book)

    def _without_prefix(self, mention: Mention) -> Flaw | None:
        """Say that an ATLAS id has lost its prefix: `T0043 Craft Adversarial Data`, which no ATT&CK id can be."""
        meant = f"AML.{mention.id}"
        atlas = self.shelf.book(ids.ATLAS, None) if mention.kind == ids.ATTACK else None
        if atlas is None or meant not in atlas.entries or mention.name is None:
            return None
        if meant not in self._owners(mention, atlas):
            return None
        return self._flaw(Code.MALFORMED_ID, f"{mention.id} {atlas.entries[meant].name} is written {meant}", mention)

    def _is_covered(self, mention: Mention, book: VersionIndex) -> bool:
        """Tell whether a document names a version all of whose ids are known here."""
        said = _place(self.document.version(mention.group, mention.kind) or "")
        return bool(said and book.complete_until and said <= book.complete_until)

    def _tells_history(self, mention: Mention, successors: Sequence[str]) -> bool:
        """Tell whether running text names an old id together with what took over: `it was AML.T0045 until 4.4`."""
        running = self.document.kind is DocumentKind.MARKDOWN and mention.beside in (Beside.AFTER, Beside.BEFORE)
        return running and any(id_ in self.ids for id_ in successors)

    def _later(self, mention: Mention, book: VersionIndex) -> str | None:
        """Say that an id is newer than the version that it is held against."""
        newer = next((o for o in reversed(self.shelf.others(book.kind)) if mention.id in o.entries), None)
        place, other = _place(book.version), _place(newer.version) if newer else None
        if newer and place and other and place < other:
            return f"{mention.id} {newer.entries[mention.id].name} came after {book.version}: it is of {newer.version}"
        row = succession_table.load().older_id(mention.id) if book.kind == ids.ATLAS else None
        older = next((id_ for id_ in row.before if id_ in book.entries), None) if row else None
        if row and older:
            return f"{mention.id} is of ATLAS {row.release}, newer than {book.version}, which calls it {older}"
        return None

    def _newer(self, mention: Mention, entry: Entry) -> Iterator[Flaw]:
        said = self.document.version(mention.group, mention.kind)
        if mention.kind == ids.ATLAS and said and newer_by_number(mention.id, said):
            message = f"{mention.id} {entry.name} came after ATLAS {said}, which the document names"
            yield self._flaw(Code.MIXED_VERSIONS, message, mention)

    def _unknown(self, mention: Mention, book: VersionIndex) -> Flaw:
        named = self._owners(mention, book)
        parent = ids.parent_of(mention.id)
        message = f"{book.version} has no {mention.id}"
        if named:
            own = ", ".join(named)
            if parent in book.entries and any(book.entries[id_].parent for id_ in named):
                return self._flaw(Code.WRONG_PARENT, f"{message}: the name belongs to {own}", mention)
            return self._flaw(Code.UNKNOWN_ID, f"{message}: the name belongs to {own}", mention)
        near = book.nearest(mention.id)
        hint = f"; the nearest is {near} ({book.entries[near].name})" if near else ""
        return self._flaw(Code.UNKNOWN_ID, message + hint, mention)

    # --- the name

    def _owners(self, mention: Mention, book: VersionIndex) -> tuple[str, ...]:
        """Return the ids to which the text beside an id belongs, whether or not the id's own is among them."""
        if mention.name is None:
            return ()
        text = folded(mention.name.value)
        if mention.beside in (Beside.SURE, Beside.MAYBE):
            return book.ids_by_name.get(text) or book.ids_by_name.get(text.rpartition(": ")[2], ())
        return book.ids_by_name.get(naming.told(text, book.ids_by_name, mention.beside), ())

    def _name(self, mention: Mention, book: VersionIndex, entry: Entry) -> Iterator[Flaw]:
        if mention.name is None or not mention.name.value.strip():
            return
        owners = self._owners(mention, book)
        text, own = folded(mention.name.value), folded(entry.name)
        if entry.id in owners or naming.says(text, own, mention.beside) or self._begins_with_parent(text, book, entry):
            return
        if entry.newer_name and naming.says(text, folded(entry.newer_name), mention.beside):
            return
        if owners:
            name = book.entries[owners[0]].name
            message = f"{entry.id} is {entry.name!r}; the name {name!r} belongs to {', '.join(owners)}"
            yield self._flaw(Code.SWAPPED_NAME, message, mention, mention.name)
        elif mention.beside is Beside.SURE or naming.nearly(text, own, mention.beside):
            said = naming.said(mention.name, own, mention.beside)
            message = f"{entry.id} is {entry.name!r} in {book.version}, not {said!r}"
            yield self._flaw(Code.WRONG_NAME, message, mention, mention.name)

    def _begins_with_parent(self, text: str, book: VersionIndex, entry: Entry) -> bool:
        """Tell whether a text says the parent's name first, as in `Phishing: Spearphishing Link`."""
        above = book.entries.get(entry.parent or "")
        rest = text.removeprefix(folded(above.name)) if above else text
        return rest != text and folded(rest.lstrip(" :/>-\u2013\u2014")).startswith(folded(entry.name))

    # --- tactics and parents

    def _tactic_itself(self, mention: Mention, book: VersionIndex) -> Iterator[Flaw]:
        if not book.tactics or not mention.certain:
            return
        tactic = book.tactic(mention.id)
        if tactic is None:
            yield self._flaw(Code.UNKNOWN_TACTIC, _no_tactic(mention.id, book), mention)
            return
        name = book.tactics[book.tactic_ids[tactic]]
        if mention.name and mention.beside is Beside.SURE and short(mention.name.value) not in (tactic, ""):
            other = book.tactic(mention.name.value)
            code = Code.SWAPPED_NAME if other else Code.WRONG_NAME
            belongs = f"; that name belongs to {book.tactic_ids[other]}" if other else ""
            message = f"{mention.id} is {name!r}, not {mention.name.value[:80]!r}{belongs}"
            yield self._flaw(code, message, mention, mention.name)

    def _tactics(self, mention: Mention, book: VersionIndex, entry: Entry) -> Iterator[Flaw]:
        if not book.tactics or not entry.tactics:
            return
        for piece in mention.tactics:
            said = _ALIASES.get(short(piece.value), piece.value)
            tactic = book.tactic(said)
            if tactic is None:
                yield self._flaw(Code.UNKNOWN_TACTIC, _no_tactic(piece.value, book), mention, piece)
            elif tactic not in entry.tactics:
                message = f"{entry.id} {entry.name} is not of {tactic}, but of {', '.join(entry.tactics)}"
                yield self._flaw(Code.WRONG_TACTIC, message, mention, piece)

    def _parent(self, mention: Mention, entry: Entry) -> Iterator[Flaw]:
        if mention.parent is None:
            return
        said = ids.canonical(mention.parent.value)
        if ids.kind_of(said) == mention.kind and said != entry.parent:
            true = f"its parent is {entry.parent}" if entry.parent else "it has no parent"
            message = f"{entry.id} {entry.name} is not below {said}: {true}"
            yield self._flaw(Code.WRONG_PARENT, message, mention)

    def lone_tactics(self) -> Iterator[Flaw]:
        """Yield the tactic tags of rules none of whose techniques has the tactic."""
        tags = [mention for mention in self.document.mentions if not mention.echo]
        for _, rule in groupby(sorted(tags, key=lambda mention: mention.group), key=lambda mention: mention.group):
            yield from self._lone_tactics(list(rule))

    def _lone_tactics(self, rule: list[Mention]) -> Iterator[Flaw]:
        techniques = [(mention, self._book(mention)) for mention in rule if mention.role is Role.TECHNIQUE]
        entries = [book.entries.get(mention.id) if book else None for mention, book in techniques]
        served = {tactic for entry in entries if entry for tactic in entry.tactics}
        for mention in (mention for mention in rule if mention.role is Role.TACTIC):
            book = self._book(mention)
            tactic = book.tactic(mention.id) if book else None
            own = [entry for (t, _), entry in zip(techniques, entries, strict=True) if t.kind == mention.kind]
            # Where a technique's tactics are not known, it may well be of this one.
            if own and tactic and tactic not in served and all(entry and entry.tactics for entry in own):
                yield self._flaw(Code.LONE_TACTIC, f"no technique of this rule is of {tactic}: {_listed(own)}", mention)


def newer_by_number(id_: str, said: str) -> bool:
    """Tell whether an ATLAS id came after a release, by its number alone: the release itself need not be at hand."""
    place = _place(said)
    number = id_.removeprefix("AML.T")[:4]
    if place is None or not number.isdigit():
        return False
    return any(place[:2] <= release and int(number) > highest for release, highest in _ATLAS_NUMBERS)


def _place(version: str) -> tuple[int, ...] | None:
    numbers = version.rpartition("-")[2].split(".")
    return tuple(map(int, numbers)) if all(number.isdigit() for number in numbers) else None


def _in_no_domain(mention: Mention) -> bool:
    """Tell whether an ATT&CK id has a number that no domain of ATT&CK has given."""
    number = mention.id.removeprefix("T").partition(".")[0]
    return mention.kind == ids.ATTACK and number.isdigit() and not any(int(number) in span for span in _ATTACK_NUMBERS)


def _use(book: VersionIndex, replacement: str | None) -> str:
    if replacement is None:
        return ", without a replacement"
    entry = book.entries.get(replacement)
    return f": use {replacement}" + (f" ({entry.name})" if entry else "")


def _no_tactic(said: str, book: VersionIndex) -> str:
    near = nearest(said.upper(), book.tactics, 0.8) or nearest(short(said), book.tactic_ids)
    hint = f": {near} is the nearest" if near else ""
    return f"{book.version} has no tactic {said[:80]!r}{hint}"


def _listed(entries: Sequence[Entry | None]) -> str:
    return "; ".join(f"{entry.id} is of {', '.join(entry.tactics)}" for entry in entries if entry)
