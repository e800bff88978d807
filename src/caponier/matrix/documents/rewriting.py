"""Carry a document over to another version: what is sure is rewritten in place, the rest stays and is listed."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from caponier.matrix.documents import ids, naming
from caponier.matrix.documents.ids import Role
from caponier.matrix.documents.mention import Document, DocumentKind, Edit, Form, Mention, Piece
from caponier.matrix.documents.version_index import Entry, VersionIndex, book_of
from caponier.matrix.documents.words import short
from caponier.matrix.mapping.successions import Outcome, Succession, Successions
from caponier.matrix.versions.catalogue import Matrix


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of one annotation."""

    where: str
    line: int
    id: str
    to: str
    """Its id in the new document: the old one if it could not be mapped."""
    outcome: str
    """`same`, `renamed`, `replaced`, `split`, `merged`, `moved`, `gone`, …"""
    needs_human: bool = False
    why: str = ""
    candidates: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Line and path: no two annotations of one id have the same."""
        return f"{self.line} {self.where}"


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is to be done with one mention."""

    mention: Mention
    to: str
    tactics: tuple[str, ...]
    """What becomes of each of its tactics, as it will be written."""
    edits: tuple[Edit, ...]
    carried: Carried


class Rewriter:
    """Everything that is needed to carry documents from one version to another.

    Args:
        before: The version that the documents are about.
        after: The version to migrate to.

    Raises:
        InputError: If the two are no versions of one matrix and no crosswalk joins them.
    """

    def __init__(self, before: Matrix, after: Matrix) -> None:
        self.before, self.after = before, after
        self.successions = Successions(before, after)
        self._old, self._new = book_of(before), book_of(after)

    def moves(self, document: Document) -> list[Replacement]:
        """Return what is to be done with each mention of the matrix; other matrices' ids stay as they are."""
        if self.before.version == self.after.version:
            return [self._kept(document, mention) for mention in document.mentions if self.is_about(mention)]
        return [self._move(document, mention) for mention in document.mentions if self.is_about(mention)]

    def left_alone(self, moves: Sequence[Replacement]) -> dict[str, str]:
        """Return why to look at tactic tags that none of their rule's techniques has any more, by their places.

        Nothing is said of a rule one of whose techniques is not known in the new version: it is listed by itself.
        """
        rules: dict[str, list[Replacement]] = defaultdict(list)
        for move in moves:
            if not move.mention.echo:
                rules[move.mention.group].append(move)
        return {place: why for rule in rules.values() for place, why in self._left_alone(rule)}

    def _left_alone(self, rule: list[Replacement]) -> Iterator[tuple[str, str]]:
        techniques = [move for move in rule if move.mention.role is Role.TECHNIQUE]
        old = [self._old.entries.get(move.mention.id) for move in techniques]
        new = [entry for move in techniques if (entry := self._new.entries.get(move.to))]
        if not new or len(new) < len(techniques):
            return
        before = {tactic for entry in old if entry for tactic in entry.tactics}
        after = {tactic for entry in new for tactic in entry.tactics}
        for move in (move for move in rule if move.mention.role is Role.TACTIC):
            tactic = self._new.tactic(move.to)
            if tactic and tactic not in after and self._old.tactic(move.mention.id) in before:
                own = "; ".join(f"{entry.id} is of {', '.join(entry.tactics)}" for entry in new)
                yield move.carried.place, f"no technique of this rule is of {tactic} any more: {own}"

    def is_about(self, mention: Mention) -> bool:
        """Tell whether a mention is of the matrix that is carried over."""
        first = mention.kind == ids.FIRST and self.before.kind == ids.FOUNDING
        return mention.kind == self.before.kind or first

    def _kept(self, document: Document, mention: Mention) -> Replacement:
        return Replacement(
            mention, mention.id, _written(mention), (), _row(document, mention, mention.id, Outcome.SAME)
        )

    def _move(self, document: Document, mention: Mention) -> Replacement:
        found = self.successions.of(self._id(mention))
        to = _target(found)
        named_short = mention.role is Role.TACTIC and ids.kind_of(mention.id) is None
        new_id = short(self._new.tactics[to]) if to and named_short else to or mention.id
        pieces = [*self._id_edits(mention, to), *self._name_edits(document, mention, to)]
        tactics, notes = self._tactics(mention, to)
        pieces += [
            Edit(piece.start, piece.end, piece.form.write(tactic, document.delimiter))
            for piece, tactic in zip(mention.tactics, tactics, strict=True)
            if tactic != piece.value
        ]
        why = "; ".join([found.reason, *notes])
        candidates = (found.to if to is None else ()) + found.nearest
        human = found.needs_human or bool(notes)
        carried = _row(document, mention, new_id, found.outcome, human, why, candidates if human else ())
        return Replacement(mention, new_id, tuple(tactics), tuple(pieces), carried)

    def _id(self, mention: Mention) -> str:
        """Return the id of a mention; a Sigma tag may say a tactic by its short name."""
        if mention.role is Role.TACTIC and ids.kind_of(mention.id) is None:
            tactic = self._old.tactic(mention.id)
            return self._old.tactic_ids[tactic] if tactic else mention.id
        return mention.id

    def _id_edits(self, mention: Mention, to: str | None) -> Iterator[Edit]:
        written = mention.written
        if to is None or to == self._id(mention):
            if mention.role is Role.TACTIC and to and to != mention.id:
                yield from self._short_name(mention, to)
            return
        if mention.role is Role.TACTIC and ids.kind_of(mention.id) is None:
            yield from self._short_name(mention, to)
        else:
            yield Edit(written.start, written.end, written.form.write(mention.spelling.write(to)))

    def _short_name(self, mention: Mention, to: str) -> Iterator[Edit]:
        """Rewrite a Sigma tag that says a tactic by its short name, in the style in which it was written."""
        namespace = {ids.ATLAS: "atlas", ids.ATTACK: "attack"}.get(self.after.kind)
        name = short(self._new.tactics[to])
        new = f"{namespace}.{name}" if namespace else to.lower()
        if "_" in mention.written.value:
            new = new.replace("-", "_")
        if new.lower() != mention.written.value.lower():
            yield Edit(mention.written.start, mention.written.end, new)

    def _name_edits(self, document: Document, mention: Mention, to: str | None) -> Iterator[Edit]:
        old = self._name(self._old, self._id(mention))
        new = self._name(self._new, to) if to else None
        if mention.name is None or not old or not new or old == new:
            return
        piece = naming.within(mention.name, old, mention.beside)
        if piece:
            yield Edit(piece.start, piece.end, piece.form.write(new, document.delimiter))
            if document.kind is DocumentKind.CSV and piece.form is Form.PLAIN and document.delimiter in new:
                yield from _quoted_cell(document.text, mention.written.start, mention.name.end)

    def _name(self, book: VersionIndex, id_: str) -> str | None:
        entry = book.entries.get(id_)
        return entry.name if entry else book.tactics.get(id_)

    def _tactics(self, mention: Mention, to: str | None) -> tuple[list[str], list[str]]:
        """Return each tactic as it will be written, and what a person has to look at."""
        old, new = self._old.entries.get(mention.id), self._new.entries.get(to or "")
        if old is None or new is None:
            return list(_written(mention)), []
        written, notes = [], []
        for piece in mention.tactics:
            tactic = self._old.tactic(piece.value)
            found = self._successor(tactic, old, new) if tactic else None
            if tactic is None or found is None:
                written.append(piece.value)
                if tactic and tactic in old.tactics:
                    notes.append(f"the tactic {piece.value!r} stays: {new.id} is now of {', '.join(new.tactics)}")
            else:
                written.append(self._as_written(piece, found))
        return written, notes

    def _successor(self, tactic: str, old: Entry, new: Entry) -> str | None:
        """Return the short name of the tactic in the place of another, if there is no doubt which that is."""
        carried = {each: self._carried_tactic(each) for each in dict.fromkeys((*old.tactics, tactic))}
        same = carried[tactic]
        if same in new.tactics or tactic not in old.tactics:
            return same
        left = [each for each in old.tactics if carried[each] not in new.tactics]
        joined = [each for each in new.tactics if each not in {carried[other] for other in old.tactics}]
        return joined[0] if len(left) == len(joined) == 1 else None

    def _carried_tactic(self, tactic: str) -> str | None:
        to = _target(self.successions.of(self._old.tactic_ids[tactic]))
        name = self._new.tactics.get(to or "")
        return short(name) if name else None

    def _as_written(self, piece: Piece, tactic: str) -> str:
        id_ = self._new.tactic_ids[tactic]
        if ids.role_of(piece.value.strip().upper()) is Role.TACTIC:
            return id_ if piece.value.strip().upper() != id_ else piece.value
        if short(piece.value) == tactic:
            return piece.value
        return tactic if piece.value == short(piece.value) else self._new.tactics[id_]


def _quoted_cell(text: str, start: int, end: int) -> Iterator[Edit]:
    """Put a cell that holds id and name in quotation marks, for what its new name holds; not one that has them."""
    if text[start - 1 : start] != '"':
        yield Edit(start, start, '"')
        yield Edit(end, end, '"')


def listed(moves: Sequence[Replacement]) -> tuple[Carried, ...]:
    """Return the annotations of a document: of what only repeats another, only what no other says."""
    own = {move.mention.id for move in moves if not move.mention.echo}
    return tuple(move.carried for move in moves if not move.mention.echo or move.mention.id not in own)


def met(moves: Sequence[Replacement]) -> dict[str, str]:
    """Return why a person has to look at rows or tags that have one id now and had several, by their places."""
    alike: dict[tuple[str, str], list[Replacement]] = defaultdict(list)
    for move in moves:
        if not (move.mention.echo or move.mention.aside):
            alike[move.mention.group, move.to].append(move)
    found: dict[str, str] = {}
    for (_, to), same in alike.items():
        before = dict.fromkeys(move.mention.id for move in same)
        if len(before) > 1:
            found |= {move.carried.place: f"{', '.join(before)} are all {to} now, each kept as it was" for move in same}
    return found


def _target(found: Succession) -> str | None:
    """Return the id in an id's place, if it is sure; several into one is sure, though a person should see it."""
    sure = not found.needs_human or found.outcome is Outcome.MERGED or found.to == (found.id,)
    return found.to[0] if len(found.to) == 1 and sure else None


def _written(mention: Mention) -> tuple[str, ...]:
    return tuple(piece.value for piece in mention.tactics)


def _row(
    document: Document,
    mention: Mention,
    to: str,
    outcome: Outcome,
    human: bool = False,
    why: str = "",
    candidates: tuple[str, ...] = (),
) -> Carried:
    line = document.line_and_column(mention.written.start)[0]
    return Carried(mention.where, line, mention.id, to, outcome.value, human, why, candidates)
