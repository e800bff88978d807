"""A difference says everything that changed and nothing else, from either side, and guesses nothing."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.evidence import EntryEvidence, EvidenceSource, Grade, Maturity, Study, StudyType
from caponier.matrix.mapping import succession_table
from caponier.matrix.mapping.diff import compare
from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Noun
from caponier.matrix.mapping.succession_table import SuccessionTable
from caponier.matrix.technique import Retirement
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.versions.loaders import load_file
from matrix.conftest import SHARED
from matrix.versions_by_hand import COLUMNS, entry, study, version

RELEASES = ("ATLAS-v3.0.0.yaml", "ATLAS-v4.4.0.yaml", "ATLAS-v4.9.1.yaml", "ATLAS-v5.6.1.yaml", "atlas-2026.09.yaml")
PAIRS = list(permutations(RELEASES, 2))
FOUNDING, ATLAS = load("amltm-2020"), load("atlas-5.6")


def file_of(release: str) -> Path:
    """Return where a release is kept; format 6 is a small file of our own, the others lie beside the repository."""
    path = Path(__file__).parents[1] / "versions" / "loaders" / release
    path = path if path.exists() else SHARED / "data" / "atlas" / release
    if not path.exists():
        pytest.skip(f"nothing to compare with beside the repository: {release}")
    return path


@cache
def raw(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def matrix_in(release: str) -> Matrix:
    return load_file(file_of(release)).matrix


def rows_in(path: Path, key: str) -> list[dict[str, Any]]:
    """Read the rows of a file in whatever layout, without any of the code that is tested."""
    whole = raw(path)
    inner = whole["matrices"][0] if "matrices" in whole else whole
    found = inner.get(key) or whole.get(key)
    return list(found.values()) if isinstance(found, dict) else found


def names_in(path: Path) -> dict[Noun, dict[str, str]]:
    """Read ids and names straight from a file."""
    keys = {Noun.TACTIC: "tactics", Noun.TECHNIQUE: "techniques", Noun.STUDY: "case-studies"}
    return {noun: {row["id"]: row["name"] for row in rows_in(path, key)} for noun, key in keys.items()}


def moves_in(path: Path) -> dict[str, tuple[frozenset[str], str | None]]:
    """Read tactics and parent of every technique straight from a file; who has no tactics has those of the parent."""
    links = raw(path).get("relationships")
    if links is None:
        rows = {row["id"]: row for row in rows_in(path, "techniques")}
        above = {id_: row.get("subtechnique-of") for id_, row in rows.items()}
        own = {id_: row.get("tactics") for id_, row in rows.items()}
    else:
        rows = {row["id"]: links[row["id"]] for row in rows_in(path, "techniques")}
        above = {id_: next((link["target"] for link in row.get("specializes", [])), None) for id_, row in rows.items()}
        own = {id_: [link["target"] for link in row.get("achieves", [])] for id_, row in rows.items()}
    return {id_: (frozenset(own[id_] or own[above[id_]]), above[id_]) for id_ in rows}


def ids(changes: tuple[Change, ...]) -> set[str]:
    return {change.id for change in changes}


def went_and_came(difference: Difference, noun: Noun) -> tuple[Counter[str], Counter[str]]:
    """Count the ids that the changes themselves take away and bring."""
    old, new = difference.before.ids(noun), difference.after.ids(noun)
    moving = (
        DifferenceKind.REMOVED,
        DifferenceKind.ADDED,
        DifferenceKind.REPLACED,
        DifferenceKind.SPLIT,
        DifferenceKind.MERGED,
    )
    lines = [change for change in difference.of(noun) if change.kind in moving]
    gone = Counter(facts.id for change in lines for facts in change.before if facts.id not in new)
    came = Counter(facts.id for change in lines for facts in change.after if facts.id not in old)
    return gone, came


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_equals_what_is_computed_straight_from_the_files(first: str, second: str):
    before, after = file_of(first), file_of(second)
    old, new = names_in(before), names_in(after)
    difference = compare(matrix_in(first), matrix_in(second))
    for noun in Noun:
        gone, came = went_and_came(difference, noun)
        assert set(gone) == set(old[noun]) - set(new[noun])
        assert set(came) == set(new[noun]) - set(old[noun])
        renamed = {id_: (old[noun][id_], new[noun][id_]) for id_ in old[noun] if id_ in new[noun]}
        assert {c.id: (c.before[0].name, c.after[0].name) for c in difference.of(noun, DifferenceKind.RENAMED)} == {
            id_: pair for id_, pair in renamed.items() if pair[0] != pair[1]
        }


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_moves_equal_what_is_computed_straight_from_the_files(first: str, second: str):
    before, after = file_of(first), file_of(second)
    old, new = moves_in(before), moves_in(after)
    difference = compare(matrix_in(first), matrix_in(second))
    assert ids(difference.of(Noun.TECHNIQUE, DifferenceKind.MOVED)) == {i for i in old if i in new and old[i] != new[i]}


def test_counts_of_the_real_releases():
    older, newer = matrix_in("ATLAS-v4.4.0.yaml"), matrix_in("ATLAS-v4.9.1.yaml")
    difference = compare(older, newer)
    assert Counter(change.kind for change in difference.of(Noun.TECHNIQUE)) == {
        DifferenceKind.ADDED: 48,
        DifferenceKind.RENAMED: 30,
        DifferenceKind.CHANGED: 8,
        DifferenceKind.REPLACED: 1,
        DifferenceKind.SPLIT: 1,
    }
    (replaced,) = difference.of(kind=DifferenceKind.REPLACED)
    assert (replaced.id, replaced.after[0].id) == ("AML.T0045", "AML.T0048.004")
    assert "4.5.0" in replaced.note
    assert not replaced.needs_human


def test_the_file_of_the_shipped_release_says_what_ships():
    difference = compare(ATLAS, matrix_in("ATLAS-v5.6.1.yaml"))
    assert [c for c in difference.changes if c.noun is not Noun.STUDY] == []
    assert not difference.of(kind=DifferenceKind.ADDED) + difference.of(kind=DifferenceKind.REMOVED)


def test_ids_that_a_release_took_back_are_replaced_and_the_doubt_is_said():
    difference = compare(ATLAS, matrix_in("atlas-2026.09.yaml"))
    replaced = {c.id: c for c in difference.of(Noun.TECHNIQUE, DifferenceKind.REPLACED)}
    assert {id_: change.after[0].id for id_, change in replaced.items()} == {
        "AML.T0019": "AML.T0115.000",
        "AML.T0058": "AML.T0115.001",
        "AML.T0104": "AML.T0115.002",
    }
    assert all("not checked" in change.note and change.needs_human for change in replaced.values())
    assert "AML.T0115" in ids(difference.of(kind=DifferenceKind.ADDED))


def test_a_removed_id_of_which_nothing_is_known_is_never_guessed():
    # The name is the same letter by letter, and still nobody has said that the one took over from the other.
    before = version("atlas-4.4.0", [entry("AML.T9000", "Same Name"), "AML.T9002"])
    after = version("atlas-5.6.0", [entry("AML.T9001", "Same Name"), "AML.T9002"])
    removed, added = compare(before, after).changes
    assert (removed.kind, removed.id, removed.after) == (DifferenceKind.REMOVED, "AML.T9000", ())
    assert removed.unknown
    assert removed.needs_human
    assert removed.note == "successor unknown"
    assert (added.kind, added.id) == (DifferenceKind.ADDED, "AML.T9001")


def test_an_older_version_does_not_have_it_yet():
    (removed,) = compare(version("atlas-5.6.0", ["AML.T9000"]), version("atlas-4.4.0")).changes
    assert removed.note == "successor unknown; atlas-4.4.0 is older"


@pytest.mark.parametrize(
    ("retired", "after", "kind", "told"),
    [
        ({"T1086": "T1059.001"}, ["T1059.001"], DifferenceKind.REPLACED, "itself names the successor"),
        (
            {"T1086": "T1085", "T1085": "T1059.001"},
            ["T1059.001"],
            DifferenceKind.REPLACED,
            "itself names the successor",
        ),
        ({"T1086": None}, [], DifferenceKind.REMOVED, "names nothing in its place"),
        (
            {"T1086": "T1999"},
            [],
            DifferenceKind.REMOVED,
            "successor unknown: attack-2 names T1999, which it does not have",
        ),
        ({"T1086": "T1085", "T1085": "T1086"}, [], DifferenceKind.REMOVED, "successor unknown"),
    ],
)
def test_attack_says_itself_what_it_took_back(
    retired: Mapping[str, str | None], after: list[str], kind: DifferenceKind, told: str
):
    before = version("attack-1", ["T1086"], kind="attack")
    newer = version("attack-2", after, kind="attack", retired=retired)
    (change,) = compare(before, newer).changes
    assert (change.kind, change.id) == (kind, "T1086")
    assert told in change.note
    assert change.unknown == ("unknown" in told)


def test_several_ids_that_one_took_over_are_merged_and_split_from_the_other_side():
    before = version("attack-1", ["T1", "T2", "T3"], kind="attack")
    after = version("attack-2", ["T3", "T9"], kind="attack", retired={"T1": "T9", "T2": "T9"})
    (merged,) = compare(before, after).changes
    assert (merged.kind, merged.id, [f.id for f in merged.before]) == (DifferenceKind.MERGED, "T9", ["T1", "T2"])
    (split,) = compare(after, before).changes
    assert (split.kind, split.id, [f.id for f in split.after]) == (DifferenceKind.SPLIT, "T9", ["T1", "T2"])
    assert merged.needs_human
    assert split.needs_human


def test_an_id_that_was_taken_back_into_one_that_stays():
    before = version("attack-1", ["T1", "T9"], kind="attack")
    after = version("attack-2", ["T9"], kind="attack", retired={"T1": "T9"})
    (change,) = compare(before, after).changes
    assert (change.kind, change.id, [f.id for f in change.after]) == (DifferenceKind.REPLACED, "T1", ["T9"])


def test_moved_says_from_where_to_where_and_asks_only_where_something_was_lost():
    before = version("a", [entry("X"), entry("Y"), "P", "Q", entry("P.1", parent="P")], kind="attack")
    after = version(
        "b",
        [
            entry("X", tactics=("AML.TA0000", "AML.TA0002")),
            entry("Y", tactics=("AML.TA0001",)),
            "P",
            "Q",
            entry("P.1", parent="Q"),
        ],
        kind="attack",
    )
    moved = {change.id: change for change in compare(before, after).of(kind=DifferenceKind.MOVED)}
    assert moved["X"].note == "First -> First, Third"
    assert not moved["X"].needs_human
    assert moved["Y"].note == "First -> Second"
    assert moved["Y"].needs_human
    assert moved["P.1"].note == "parent P -> Q"


def test_changed_says_what_changed():
    before = version("a", [entry("X", maturity=Maturity.FEASIBLE, attack="T1"), entry("Y", attack="T2")])
    after = version("b", [entry("X", maturity=Maturity.REALIZED), entry("Y", attack="T3")])
    assert {c.id: c.note for c in compare(before, after).changes} == {
        "X": "maturity feasible -> realized; ATT&CK T1 -> none",
        "Y": "ATT&CK T2 -> T3",
    }


def test_a_field_that_an_older_format_does_not_have_is_no_change_of_every_entry():
    before = version("a", ["X", "Y"])
    after = version("b", [entry("X", maturity=Maturity.REALIZED, attack="T1"), "Y"])
    difference = compare(before, after)
    assert difference.changes == ()
    assert difference.remarks == (
        "a tells no maturity, so that was not compared.",
        "a tells no ATT&CK ids, so those were not compared.",
    )


def test_case_studies_are_compared_by_name_and_steps():
    old = (study("S1", "Old", ("X",)), study("S2", steps=("X", "Y")), study("S4", steps=("X", "Y")))
    new = (study("S1", "New", ("X",)), study("S2", steps=("Y", "Z")), study("S3"), study("S4", steps=("Y", "X")))
    assert [(c.kind, c.id, c.note) for c in compare(version("a", studies=old), version("b", studies=new)).changes] == [
        (DifferenceKind.CHANGED, "S2", "steps: -X, +Z"),
        (DifferenceKind.CHANGED, "S4", "steps: another order"),
        (DifferenceKind.RENAMED, "S1", "Old -> New"),
        (DifferenceKind.ADDED, "S3", ""),
    ]


def table(*rows: dict[str, Any]) -> SuccessionTable:
    whole = [{"in": "4.0.0", "checked": True, "reason": "because", **row} for row in rows]
    head = {"schema": "caponier.successions/1", "matrix": "atlas"}
    return SuccessionTable.model_validate({**head, "changes": whole})


def test_split_and_merged_come_from_the_table():
    known = table(
        {"change": "split", "before": ["A"], "after": ["B", "C"]},
        {"change": "merged", "before": ["D", "E"], "after": ["F"]},
    )
    before, after = version("atlas-3.0.0", ["A", "D", "E"]), version("atlas-4.0.0", ["B", "C", "F"])
    split, merged = compare(before, after, known).changes
    assert (split.kind, split.id, [f.id for f in split.after]) == (DifferenceKind.SPLIT, "A", ["B", "C"])
    assert (merged.kind, merged.id, [f.id for f in merged.before]) == (DifferenceKind.MERGED, "F", ["D", "E"])
    assert [c.kind for c in compare(after, before, known).changes] == [DifferenceKind.SPLIT, DifferenceKind.MERGED]


def test_ids_that_were_mixed_stand_line_by_line():
    known = table(
        {"change": "split", "before": ["A"], "after": ["C", "D"]},
        {"change": "replaced", "before": ["B"], "after": ["D"]},
    )
    before, after = version("atlas-3.0.0", ["A", "B"]), version("atlas-4.0.0", ["C", "D"])
    assert [(c.kind, c.id, c.after[0].id) for c in compare(before, after, known).changes] == [
        (DifferenceKind.REPLACED, "A", "C"),
        (DifferenceKind.REPLACED, "A", "D"),
        (DifferenceKind.REPLACED, "B", "D"),
    ]


def test_a_changed_meaning_is_said_between_the_releases_that_changed_it_and_nowhere_else():
    one, two, three = (version(name, ["AML.T0018.001"]) for name in ("atlas-4.8.0", "atlas-4.9.0", "atlas-5.6.0"))
    (changed,) = compare(one, three).changes
    assert changed.kind is DifferenceKind.CHANGED
    assert changed.needs_human
    assert changed.note.startswith("meaning: ATLAS 4.9.0: ")
    assert compare(two, three).changes == ()


def test_a_version_of_unknown_age_shows_the_changed_meaning_where_the_names_differ():
    old, ours = version("atlas-4.8.0", [entry("AML.T0018.001", "A")]), version("ours", [entry("AML.T0018.001", "B")])
    kinds = [change.kind for change in compare(old, ours).changes]
    assert kinds == [DifferenceKind.CHANGED, DifferenceKind.RENAMED]
    assert compare(old, version("ours", [entry("AML.T0018.001", "A")])).changes == ()


def test_a_technique_that_got_parts_is_split_and_its_parts_are_added():
    whole, parts = entry("AML.T0034"), [entry(f"AML.T0034.00{n}", parent="AML.T0034") for n in range(3)]
    difference = compare(version("atlas-5.4.0", [whole]), version("atlas-5.5.0", [whole, *parts]))
    (split,) = difference.of(kind=DifferenceKind.SPLIT)
    assert (split.id, [f.id for f in split.after]) == ("AML.T0034", [part.id for part in parts])
    assert "stays as the parent" in split.note
    assert ids(difference.of(kind=DifferenceKind.ADDED)) == {part.id for part in parts}


# The 2020 matrix and ATLAS.


def test_every_2020_entry_stands_in_one_line_and_every_atlas_entry_in_some():
    difference = compare(FOUNDING, ATLAS)
    for noun in Noun:
        gone, came = went_and_came(difference, noun)
        assert set(gone) == difference.before.ids(noun)
        assert set(gone.values()) == {1}
        assert set(came) == difference.after.ids(noun)
    assert Counter(change.kind for change in difference.of(Noun.TECHNIQUE)) == {
        DifferenceKind.REPLACED: 31,
        DifferenceKind.SPLIT: 21,
        DifferenceKind.REMOVED: 6,
        DifferenceKind.ADDED: 117,
    }
    sure = [c for c in difference.of(Noun.TECHNIQUE, DifferenceKind.REPLACED) if not c.needs_human]
    assert len(sure) == 17
    assert all(c.note.startswith("ATLAS means the same: ") for c in sure)


def test_what_atlas_has_no_counterpart_for_is_removed_with_the_reason_and_what_is_near():
    removed = {change.id: change for change in compare(FOUNDING, ATLAS).of(kind=DifferenceKind.REMOVED)}
    ransom = removed["AMLTM.IMPACT.04"]
    assert ransom.note.startswith("ATLAS has no counterpart: no ransom entry")
    assert ransom.nearest == ("AML.T0101", "AML.T0029")
    assert not ransom.unknown


def test_the_way_back_is_the_mirror():
    there, back = compare(FOUNDING, ATLAS), compare(ATLAS, FOUNDING)
    assert sorted(map(repr, back.changes)) == sorted(repr(change.mirrored) for change in there.changes)
    assert back.before.version == "atlas-5.6"


def test_the_13_studies_of_2020_are_found_in_atlas():
    replaced = compare(FOUNDING, ATLAS).of(Noun.STUDY, DifferenceKind.REPLACED)
    assert len(replaced) == 13
    assert {c.after[0].id for c in replaced} == {f"AML.CS{number:04}" for number in range(13)}


def test_other_atlas_versions_are_reached_through_the_table_and_say_so():
    older = matrix_in("ATLAS-v4.4.0.yaml")
    difference = compare(FOUNDING, older)
    by_id = {change.id: change for change in difference.of(Noun.TECHNIQUE)}
    stolen = by_id["AMLTM.IMPACT.03"]
    assert [f.id for f in stolen.after] == ["AML.T0045"]
    assert "carried from atlas-5.6 to atlas-4.4.0" in stolen.note
    assert not stolen.needs_human
    # Of the two entries that together cover it, 4.4 had only one.
    half = by_id["AMLTM.EVADE.03.03"]
    assert [f.id for f in half.after] == ["AML.T0046"]
    assert "ATLAS covers only a part" in half.note
    assert "atlas-4.4.0 does not have AML.T0059" in half.note
    # Phishing came into ATLAS with 4.5.
    assert by_id["AMLTM.INIT.03"].kind is DifferenceKind.REMOVED
    unchanged = by_id["AMLTM.EXFIL.01.01"]
    assert "carried" not in unchanged.note
    gone, came = went_and_came(difference, Noun.TECHNIQUE)
    assert (set(gone), set(came)) == (difference.before.techniques, difference.after.techniques)


def test_a_newer_release_uses_what_is_known_of_it_and_calls_it_unchecked():
    newer = replace(
        ATLAS, version="atlas-2026.09", techniques=(*ATLAS.techniques, entry("AML.T0132", tactics=("AML.TA0004",)))
    )
    by_id = {change.id: change for change in compare(FOUNDING, newer).of(Noun.TECHNIQUE)}
    services = by_id["AMLTM.INIT.04"]
    assert [f.id for f in services.after] == ["AML.T0132"]
    assert services.needs_human
    assert "from public notes" in services.note


def test_a_teams_own_version_is_compared_by_id_and_has_no_row_in_the_crosswalk():
    own = entry("AMLTM.RECON.99", tactics=("AMLTM.RECON",))
    ours = replace(FOUNDING, version="amltm-2020+team", techniques=(*FOUNDING.techniques, own))
    (added,) = compare(FOUNDING, ours).changes
    assert (added.kind, added.id) == (DifferenceKind.ADDED, "AMLTM.RECON.99")
    (lost,) = [change for change in compare(ours, ATLAS).changes if change.id == "AMLTM.RECON.99"]
    assert lost.unknown
    assert "the crosswalk has no row" in lost.note


@pytest.mark.parametrize("other", [FOUNDING, ATLAS])
def test_attack_is_no_version_of_another_matrix(other: Matrix):
    attack = version("attack-enterprise-17.0", ["T1078"], kind="attack")
    for pair in ((other, attack), (attack, other)):
        with pytest.raises(InputError, match="not versions of one matrix") as refused:
            compare(*pair)
        assert "matrix show" in (refused.value.hint or "")


# Laws.

IDS = {
    "attack": [f"T{number}" for number in range(8)],
    # Ids of which the table knows something, in every release at once: no real one is so mixed.
    "atlas": sorted({id_ for row in succession_table.load().changes for id_ in (*row.before, *row.after)}),
}
NAMES = {"attack": ["one", "two"], "atlas": ["atlas-2.0", "atlas-4.4.0", "atlas-5.6", "atlas-2026.09", "ours"]}


@st.composite
def versions(draw: st.DrawFn, kind: str) -> Matrix:
    there = draw(st.lists(st.sampled_from(IDS[kind]), unique=True))
    techniques = [
        entry(
            id_,
            draw(st.sampled_from(["Left", "Right"])),
            tactics=draw(st.lists(st.sampled_from([t.id for t in COLUMNS]), unique=True, min_size=1).map(tuple)),
            maturity=draw(st.sampled_from([None, *Maturity])),
            attack=draw(st.sampled_from([None, "T1"])),
        )
        for id_ in there
    ]
    away = [id_ for id_ in IDS[kind] if id_ not in there]
    retired = {id_: draw(st.sampled_from([None, *IDS[kind]])) for id_ in draw(st.sets(st.sampled_from(away or [""])))}
    studies = tuple(study(f"S{n}") for n in range(3) if draw(st.booleans()))
    return version(draw(st.sampled_from(NAMES[kind])), techniques, kind=kind, retired=retired, studies=studies)


def pairs() -> st.SearchStrategy[tuple[Matrix, Matrix]]:
    same_kind = st.sampled_from(["attack", "atlas"]).flatmap(lambda kind: st.tuples(versions(kind), versions(kind)))
    return same_kind | st.tuples(st.just(FOUNDING), versions("atlas")) | st.tuples(versions("atlas"), st.just(FOUNDING))


@given(versions("attack") | versions("atlas"))
@settings(max_examples=60, deadline=None)
def test_nothing_differs_from_itself(matrix: Matrix):
    assert compare(matrix, matrix).changes == ()


def shape(change: Change) -> tuple[DifferenceKind, Noun, tuple[str, ...], tuple[str, ...]]:
    before, after = (tuple(facts.id for facts in side) for side in (change.before, change.after))
    return change.kind, change.noun, before, after


@given(pairs())
@settings(max_examples=60, deadline=None)
def test_the_other_direction_is_the_mirror(pair: tuple[Matrix, Matrix]):
    one, other = pair
    there = Counter(shape(change.mirrored) for change in compare(one, other).changes)
    assert Counter(shape(change) for change in compare(other, one).changes) == there


@given(pairs())
@settings(max_examples=60, deadline=None)
def test_applied_to_the_first_version_it_gives_the_second(pair: tuple[Matrix, Matrix]):
    one, other = pair
    difference = compare(one, other)
    names = {technique.id: technique.name for technique in one.techniques}
    gone, came = went_and_came(difference, Noun.TECHNIQUE)
    for id_ in gone:
        del names[id_]
    for change in difference.of(Noun.TECHNIQUE):
        if change.kind in (DifferenceKind.ADDED, DifferenceKind.REPLACED, DifferenceKind.SPLIT, DifferenceKind.MERGED):
            names |= {facts.id: facts.name for facts in change.after if facts.id in came}
        if change.kind is DifferenceKind.RENAMED:
            names[change.id] = change.after[0].name
    assert names == {technique.id: technique.name for technique in other.techniques}


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_laws_hold_for_the_real_releases(first: str, second: str):
    one, other = matrix_in(first), matrix_in(second)
    there = Counter(shape(change.mirrored) for change in compare(one, other).changes)
    assert Counter(shape(change) for change in compare(other, one).changes) == there
    assert compare(one, one).changes == ()


def test_retired_entries_of_the_older_version_count_on_the_way_back():
    newer = version("two", ["T2"], kind="attack", retired={"T1": "T2"})
    (change,) = compare(newer, version("one", ["T1"], kind="attack")).changes
    assert (change.kind, change.id, change.after[0].id) == (DifferenceKind.REPLACED, "T2", "T1")
    assert newer.retired == (Retirement("T1", "Old", "T2"),)


def test_new_evidence_of_an_entry_of_2020_is_told_with_its_source():
    founding = load("amltm-2020")
    study = Study("REPORT.1", "Stickers", StudyType.EXERCISE, date(2024, 5, 1), reference="https://arxiv.org/abs/1")
    old = founding.technique("AMLTM.EVADE.02")
    shown = replace(old, evidence=EntryEvidence(Grade.CONTRIBUTED, (EvidenceSource(study),)))
    grown = replace(
        founding, version="amltm-2020+1", techniques=tuple(shown if t is old else t for t in founding.techniques)
    )
    (change,) = compare(founding, grown).changes
    assert (change.kind, change.id) == (DifferenceKind.CHANGED, old.id)
    gone = [source.study.id for source in old.evidence.sources] if old.evidence else []
    assert change.note == "evidence: " + ", ".join([*(f"-{id_}" for id_ in sorted(gone)), "+REPORT.1"])
