"""The nouns of a difference."""

import pytest

from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Facts, Noun, Side

OLD, OTHER, NEW = Facts("A", "Old"), Facts("B", "Other"), Facts("C", "New")
NONE: frozenset[str] = frozenset()


def difference(*changes: Change) -> Difference:
    techniques = frozenset({"A", "B"}), frozenset({"B", "C"})
    return Difference(Side("one", NONE, techniques[0], NONE), Side("two", NONE, techniques[1], NONE), changes)


@pytest.mark.parametrize("kind", list(DifferenceKind))
def test_a_kind_seen_twice_from_the_other_side_is_itself(kind: DifferenceKind):
    assert kind.mirrored.mirrored is kind
    assert (kind.mirrored is kind) == (
        kind not in (DifferenceKind.ADDED, DifferenceKind.REMOVED, DifferenceKind.SPLIT, DifferenceKind.MERGED)
    )


@pytest.mark.parametrize(
    ("change", "kind", "id_"),
    [
        (Change(DifferenceKind.REMOVED, Noun.TECHNIQUE, "A", (OLD,), ()), DifferenceKind.ADDED, "A"),
        (Change(DifferenceKind.ADDED, Noun.TECHNIQUE, "C", (), (NEW,)), DifferenceKind.REMOVED, "C"),
        (Change(DifferenceKind.REPLACED, Noun.TECHNIQUE, "A", (OLD,), (NEW,)), DifferenceKind.REPLACED, "C"),
        (Change(DifferenceKind.SPLIT, Noun.TECHNIQUE, "A", (OLD,), (OTHER, NEW)), DifferenceKind.MERGED, "A"),
        (Change(DifferenceKind.MERGED, Noun.TECHNIQUE, "C", (OLD, OTHER), (NEW,)), DifferenceKind.SPLIT, "C"),
    ],
)
def test_a_change_seen_from_the_other_side(change: Change, kind: DifferenceKind, id_: str):
    mirrored = change.mirrored
    assert (mirrored.kind, mirrored.id) == (kind, id_)
    assert (mirrored.before, mirrored.after) == (change.after, change.before)
    assert mirrored.mirrored == change


def test_changes_are_picked_by_noun_and_kind():
    removed = Change(DifferenceKind.REMOVED, Noun.TECHNIQUE, "A", (OLD,), ())
    tactic = Change(DifferenceKind.ADDED, Noun.TACTIC, "C", (), (NEW,))
    found = difference(removed, tactic)
    assert found.of() == (removed, tactic)
    assert found.of(Noun.TACTIC) == (tactic,)
    assert found.of(kind=DifferenceKind.REMOVED) == (removed,)
    assert found.of(Noun.TACTIC, DifferenceKind.REMOVED) == ()
    assert found.only([DifferenceKind.ADDED]).changes == (tactic,)
    assert found.only([DifferenceKind.ADDED]).before == found.before


def test_words_for_several():
    assert [noun.plural for noun in Noun] == ["tactics", "techniques", "case studies"]
