"""What became of one entry in another version: the question of everybody who must carry something over."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from caponier.matrix.mapping import succession_table
from caponier.matrix.mapping.diff import compare
from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Noun
from caponier.matrix.mapping.lineage import named_successor
from caponier.matrix.mapping.succession_table import Successors
from caponier.matrix.versions.catalogue import Matrix


class Outcome(StrEnum):
    """What became of it."""

    SAME = "same"
    RENAMED = "renamed"
    REPLACED = "replaced"
    """By exactly one other id."""
    SPLIT = "split"
    MERGED = "merged"
    MOVED = "moved"
    """Other tactics, or another parent."""
    MEANING = "meaning changed"
    GONE = "gone"
    """It is known that nothing took over."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Succession:
    """What became of one id, and whether what rests on it may simply go on."""

    id: str
    """As it was asked for."""
    noun: Noun | None
    """None if the first version has no such id."""
    outcome: Outcome
    to: tuple[str, ...]
    """The ids in its place, best first: its own if it stays, none if nothing is known to have taken over."""
    needs_human: bool
    reason: str
    nearest: tuple[str, ...] = ()
    """Ids worth a look, though none of them took over."""


_STAYED: Final = {DifferenceKind.MOVED: Outcome.MOVED, DifferenceKind.RENAMED: Outcome.RENAMED}
"""What became of an entry that kept its id, the weightiest first."""


class Successions:
    """All answers between two versions, found once.

    Args:
        before: The version that the ids belong to.
        after: The version to migrate to.

    Raises:
        InputError: If the two are no versions of one matrix and no crosswalk joins them.
    """

    def __init__(self, before: Matrix, after: Matrix) -> None:
        self.before, self.after = before, after
        self.difference: Difference = compare(before, after)
        self._by_id: dict[str, list[Change]] = defaultdict(list)
        for change in self.difference.changes:
            for facts in change.before:
                self._by_id[facts.id].append(change)
        self._ids = self.difference.before.tactics | self.difference.before.techniques
        self._first_ids = {tactic.v1_id: tactic.id for tactic in before.tactics if tactic.v1_id}
        self._first_ids |= {technique.v1_id: technique.id for technique in before.techniques if technique.v1_id}

    def of(self, id_: str) -> Succession:
        """Tell what became of an id: of a tactic, a technique or a case study.

        It may also be an id that the first version had taken back itself, or one of MITRE's first data release.
        """
        noun = self._noun(id_)
        if noun is not None:
            return self._known(id_, noun)
        formerly = next(self._formerly(id_), None)
        return self._carried_on(id_, *formerly) if formerly else self._not_there(id_)

    def _noun(self, id_: str) -> Noun | None:
        return next((noun for noun in Noun if id_ in self.difference.before.ids(noun)), None)

    def _formerly(self, id_: str) -> Iterator[tuple[str, str]]:
        """Find what the first version calls an entry that had another id before, and how that is known."""
        if id_ in self._first_ids:
            yield self._first_ids[id_], "the entry's id in MITRE's first data release"
        named = named_successor(id_, self.before, self.before)
        if named:
            yield named, f"taken back, and {self.before.version} itself names {named}"
        successors = succession_table.load().successors(id_, self._ids) if self.before.kind == "atlas" else Successors()
        if len(successors.ids) == 1:
            yield successors.ids[0], "; ".join(row.said for row in successors.rows)

    def _carried_on(self, id_: str, current: str, told: str) -> Succession:
        found = self.of(current)
        outcome = Outcome.REPLACED if found.to == (current,) else found.outcome
        return replace(found, id=id_, outcome=outcome, reason=f"{id_} is now {current} ({told}); {found.reason}")

    def _not_there(self, id_: str) -> Succession:
        if any(retired.id == id_ for retired in self.before.retired):
            reason = f"{self.before.version} has taken {id_} back already, and names nothing in its place"
            return Succession(id_, None, Outcome.GONE, (), True, reason)
        return Succession(id_, None, Outcome.UNKNOWN, (), True, f"{self.before.version} has no entry {id_}")

    def _known(self, id_: str, noun: Noun) -> Succession:
        changes = self._by_id.get(id_, [])
        stays = id_ in self.difference.after.ids(noun)
        if stays:
            return self._stayed(id_, noun, changes)
        moved_on = [change for change in changes if change.after]
        return self._moved_on(id_, noun, moved_on) if moved_on else self._gone(id_, noun, changes)

    def _stayed(self, id_: str, noun: Noun, changes: Sequence[Change]) -> Succession:
        kinds = {change.kind for change in changes}
        new_meaning = any(change.kind is DifferenceKind.CHANGED and change.needs_human for change in changes)
        outcome = Outcome.MEANING if new_meaning else next((_STAYED[k] for k in _STAYED if k in kinds), Outcome.SAME)
        told = "; ".join(f"{change.kind}: {change.note}" for change in changes)
        nearest = tuple(dict.fromkeys(other for change in changes for other in change.nearest))
        needs_human = any(change.needs_human for change in changes)
        return Succession(id_, noun, outcome, (id_,), needs_human, told or "nothing changed", nearest)

    def _moved_on(self, id_: str, noun: Noun, changes: Sequence[Change]) -> Succession:
        # Where one entry means the same, others that only come near do not count.
        best = [change for change in changes if not change.needs_human] or changes
        to = tuple(dict.fromkeys(facts.id for change in best for facts in change.after))
        merged = any(change.kind is DifferenceKind.MERGED for change in best)
        outcome = Outcome.SPLIT if len(to) > 1 else Outcome.MERGED if merged else Outcome.REPLACED
        needs_human = len(to) > 1 or any(change.needs_human for change in best) or merged
        near = [facts.id for change in changes for facts in change.after] + [i for c in best for i in c.nearest]
        reason = "; ".join(dict.fromkeys(change.note for change in best))
        nearest = tuple(dict.fromkeys(other for other in near if other not in to))
        return Succession(id_, noun, outcome, to, needs_human, reason, nearest)

    def _gone(self, id_: str, noun: Noun, changes: Sequence[Change]) -> Succession:
        outcome = Outcome.UNKNOWN if any(change.unknown for change in changes) else Outcome.GONE
        reason = "; ".join(change.note for change in changes)
        nearest = tuple(dict.fromkeys(other for change in changes for other in change.nearest))
        return Succession(id_, noun, outcome, (), True, reason, nearest)


def successors(before: Matrix, after: Matrix, id_: str) -> Succession:
    """Tell what became of one id; for many ids make a `Successions` once.

    Raises:
        InputError: If the two are no versions of one matrix and no crosswalk joins them.
    """
    return Successions(before, after).of(id_)
