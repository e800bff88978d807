"""What one version of a matrix says about ids, in the form in which documents are held against it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from caponier.formats.suggest import nearest_id
from caponier.matrix import attack
from caponier.matrix.documents import ids
from caponier.matrix.documents.words import folded, short
from caponier.matrix.versions.catalogue import Matrix


@dataclass(frozen=True, slots=True)
class Entry:
    """A technique, as far as documents repeat what a matrix says."""

    id: str
    name: str
    tactics: tuple[str, ...] = ()
    """Short names; empty if they are not known."""
    parent: str | None = None
    newer_name: str | None = None
    """What a later release calls it, which is right as well."""


@dataclass(frozen=True)
class VersionIndex:
    """The ids of one version."""

    version: str
    kind: str
    entries: Mapping[str, Entry]
    tactics: Mapping[str, str] = field(default_factory=dict)
    """Names by id; empty if they are not known."""
    retired: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    """Name and replacement of what this version itself took back."""
    complete: bool = True
    """False if an id that is not here may all the same be right."""
    complete_until: tuple[int, ...] | None = None
    """Of what is not complete: the newest version of which every id is here."""
    newer_tactics: Mapping[str, str] = field(default_factory=dict)
    """Ids of tactics by the short names that a later release gives them."""

    @cached_property
    def ids_by_name(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of techniques by folded name: a few names are there more than once."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.entries.values():
            name = folded(entry.name)
            found[name] = (*found.get(name, ()), entry.id)
        return found

    @cached_property
    def tactic_ids(self) -> Mapping[str, str]:
        """Ids of tactics by short name."""
        return {short(name): id_ for id_, name in self.tactics.items()} | dict(self.newer_tactics)

    def tactic(self, said: str) -> str | None:
        """Return the short name of the tactic that a document means by its id, its name or its short name."""
        by_id = self.tactics.get(said.strip().upper())
        if by_id is not None:
            return short(by_id)
        return short(said) if short(said) in self.tactic_ids else None

    def nearest(self, id_: str) -> str | None:
        """Return the known id that looks most like another."""
        return nearest_id(id_, self.entries, 0.7)


def book_of(matrix: Matrix) -> VersionIndex:
    """Return what a version says of ids."""
    names = {tactic.id: tactic.name for tactic in matrix.tactics}
    entries = {
        t.id: Entry(t.id, t.name, tuple(short(names[id_]) for id_ in t.tactics if id_ in names), t.parent)
        for t in matrix.techniques
    }
    retired = {gone.id: (gone.name, gone.replaced_by) for gone in matrix.retired}
    return VersionIndex(matrix.version, matrix.kind, entries, names, retired)


@cache
def shipped_attack() -> VersionIndex:
    """Return the facts of ATT&CK Enterprise that ship with the package.

    Documents follow older and newer versions, so what either of the two known releases says is right. Mobile and ICS
    have ids of the same form, so one that is not here may all the same be right.
    """
    facts = attack.load()
    newer = facts.newer_release
    tactics = {tactic.id: tactic.name for tactic in facts.tactics}
    shorts: dict[str, tuple[str, ...]] = {tactic.id: (tactic.shortname,) for tactic in facts.tactics}
    for tactic in newer.tactics:
        shorts[tactic.id] = (*shorts.get(tactic.id, ()), tactic.shortname)
        tactics.setdefault(tactic.id, tactic.name)
    entries = {}
    for id_, technique in (facts.techniques | newer.techniques).items():
        under = dict.fromkeys((*technique.tactics, *newer.moved.get(id_, ())))
        words = tuple(word for tactic in under for word in shorts.get(tactic, ()))
        entries[id_] = Entry(id_, technique.name, words, ids.parent_of(id_), newer.renamed.get(id_))
    retired = {id_: (gone.name, gone.replaced_by) for id_ in facts.retired if (gone := attack.retired(id_))}
    until = tuple(int(part) for part in newer.version.split("."))
    renamed = {tactic.shortname: tactic.id for tactic in newer.tactics}
    return VersionIndex(
        f"attack-enterprise-{facts.version}", ids.ATTACK, entries, tactics, retired, False, until, renamed
    )
