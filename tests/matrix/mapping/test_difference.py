"""The nouns of a difference."""

import pytest

from caponier.matrix.mapping.difference import Change, Difference, Facts, Kind, Noun, Side

OLD, OTHER, NEW = Facts("A", "Old"), Facts("B", "Other"), Facts("C", "New")
NONE: frozenset[str] = frozenset()


def difference(*changes: Change) -> Difference:
    techniques = frozenset({"A", "B"}), frozenset({"B", "C"})
    return Difference(Side("one", NONE, techniques[0], NONE), Side("two", NONE, techniques[1], NONE), changes)


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_seen_twice_from_the_other_side_is_itself(kind: Kind):
    assert kind.mirrored.mirrored is kind
    assert (kind.mirrored is kind) == (kind not in (Kind.ADDED, Kind.REMOVED, Kind.SPLIT, Kind.MERGED))


@pytest.mark.parametrize(
    ("change", "kind", "id_"),
    [
        (Change(Kind.REMOVED, Noun.TECHNIQUE, "A", (OLD,), ()), Kind.ADDED, "A"),
        (Change(Kind.ADDED, Noun.TECHNIQUE, "C", (), (NEW,)), Kind.REMOVED, "C"),
        (Change(Kind.REPLACED, Noun.TECHNIQUE, "A", (OLD,), (NEW,)), Kind.REPLACED, "C"),
        (Change(Kind.SPLIT, Noun.TECHNIQUE, "A", (OLD,), (OTHER, NEW)), Kind.MERGED, "A"),
        (Change(Kind.MERGED, Noun.TECHNIQUE, "C", (OLD, OTHER), (NEW,)), Kind.SPLIT, "C"),
    ],
)
def test_a_change_seen_from_the_other_side(change: Change, kind: Kind, id_: str):
    mirrored = change.mirrored
    assert (mirrored.kind, mirrored.id) == (kind, id_)
    assert (mirrored.before, mirrored.after) == (change.after, change.before)
    assert mirrored.mirrored == change


def test_changes_are_picked_by_noun_and_kind():
    removed = Change(Kind.REMOVED, Noun.TECHNIQUE, "A", (OLD,), ())
    tactic = Change(Kind.ADDED, Noun.TACTIC, "C", (), (NEW,))
    found = difference(removed, tactic)
    assert found.of() == (removed, tactic)
    assert found.of(Noun.TACTIC) == (tactic,)
    assert found.of(kind=Kind.REMOVED) == (removed,)
    assert found.of(Noun.TACTIC, Kind.REMOVED) == ()
    assert found.only([Kind.ADDED]).changes == (tactic,)
    assert found.only([Kind.ADDED]).before == found.before


def test_words_for_several():
    assert [noun.plural for noun in Noun] == ["tactics", "techniques", "case studies"]
