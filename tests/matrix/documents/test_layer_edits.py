import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.formats.strict_json import read_nodes as parse
from caponier.matrix.documents import layer
from caponier.matrix.documents.layer_edits import layer_edits, number
from caponier.matrix.documents.mention import apply
from caponier.matrix.documents.rewriting import Carried, Rewriter
from caponier.matrix.versions.catalogue import Matrix, load
from matrix.documents.old_atlas import old_atlas

OLD, NEW = old_atlas(), load("atlas-5.6")


@cache
def _shared(before: str, after: str) -> Rewriter:
    versions = {OLD.version: OLD, NEW.version: NEW}
    return Rewriter(versions[before], versions[after])


def rewriter(before: Matrix, after: Matrix) -> Rewriter:
    known = any(before is one for one in (OLD, NEW)) and any(after is one for one in (OLD, NEW))
    return _shared(before.version, after.version) if known else Rewriter(before, after)


def migrated(
    plain: Any, before: Matrix = OLD, after: Matrix = NEW, indent: int | None = None
) -> tuple[Any, dict[str, Carried]]:
    text = json.dumps(plain, indent=indent)
    root = parse(text, "x")
    moves = rewriter(before, after).moves(layer.read(text, root))
    found = layer_edits(text, root, moves, before, after)
    return json.loads(apply(text, [*(edit for move in moves for edit in move.edits), *found.edits])), found.carried


def one(*techniques: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"name": "n", "domain": "atlas-atlas", **keys, "techniques": list(techniques)}


@pytest.mark.parametrize(
    ("head", "versions"),
    [
        ({"versions": {"layer": "4.5", "navigator": "5.2.0"}}, {"layer": "4.5", "navigator": "5.2.0"}),
        ({"versions": {"layer": "4.3", "navigator": "4.6.4"}}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({"versions": {"layer": "4.0"}}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({"versions": {"attack": "9", "navigator": "4.8"}}, {"attack": "9", "layer": "4.5", "navigator": "5.1.0"}),
        ({"versions": {}}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({"versions": 5}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({"version": "2.2"}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({"version": "4.1", "versions": {"layer": "4.1"}}, {"layer": "4.5", "navigator": "5.1.0"}),
        ({}, {"layer": "4.5", "navigator": "5.1.0"}),
    ],
)
def test_every_format_becomes_4_5_and_keeps_all_else(head: dict[str, Any], versions: dict[str, str]):
    plain = one({"techniqueID": "AML.T0012", "x_own": [1]}, x_team="red", **head)
    for indent in (None, 2):
        after, _ = migrated(plain, OLD, OLD, indent)
        assert after["versions"] == versions
        assert "version" not in after
        rest = {key: value for key, value in plain.items() if key not in ("version", "versions")}
        assert {key: value for key, value in after.items() if key != "versions"} == rest


def test_the_key_of_old_formats_may_stand_first():
    after, _ = migrated({"version": "4.1", "versions": {"layer": "4.1"}, "domain": "d", "techniques": []}, OLD, OLD)
    assert list(after) == ["versions", "domain", "techniques"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("mitre-enterprise", "enterprise-attack"), ("mitre-mobile", "mobile-attack"), ("atlas-atlas", "atlas-atlas")],
)
def test_domains_of_old_formats_take_their_new_names(old: str, new: str):
    assert migrated(one(domain=old), OLD, OLD)[0]["domain"] == new


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ([{"name": "a", "value": "b"}, {"name": "atlas_data_version", "value": "4.4.0"}], ["b", "5.6.0"]),
        ([{"name": "atlas_data_version", "value": 4.4}], ["5.6.0"]),
        ([{"name": "a", "value": "b"}], ["b", "5.6.0"]),
        ([], ["5.6.0"]),
        (None, ["5.6.0"]),
    ],
)
def test_the_version_of_the_data_is_named(metadata: Any, expected: list[str]):
    keys = {} if metadata is None else {"metadata": metadata}
    assert [entry["value"] for entry in migrated(one(**keys))[0]["metadata"]] == expected


def test_a_version_of_attack_is_named_where_one_was():
    before = replace(OLD, kind="attack", version="attack-enterprise-16.1")
    after = replace(NEW, kind="attack", version="attack-enterprise-17.0")
    assert migrated(one(versions={"attack": "16"}), before, after)[0]["versions"]["attack"] == "17.0"
    assert "attack" not in migrated(one(), before, after)[0]["versions"]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("atlas-5.6", "5.6.0"),
        ("atlas-4.9.1", "4.9.1"),
        ("atlas-2026.09", "2026.09"),
        ("attack-enterprise-17.0", "17.0"),
    ],
)
def test_numbers_as_layers_write_them(version: str, said: str):
    assert number(version) == said


FIRST = {
    "techniqueID": "AML.T0048.004",
    "score": 1,
    "comment": "one",
    "metadata": [{"name": "a", "value": "1"}],
    "color": "#fff",
}
SECOND = {
    "techniqueID": "AML.T0045",
    "score": 2,
    "comment": "two",
    "metadata": [{"name": "b", "value": "2"}],
    "links": [{"label": "l", "url": "https://example.org"}],
    "color": "#fff",
    "x_own": {"k": 1},
}


def test_two_annotations_that_fall_together_are_joined_and_nothing_is_lost():
    after, carried = migrated(one(FIRST, {"techniqueID": "AML.T0012"}, SECOND, {"techniqueID": "AML.T0029"}))
    joined, *rest = after["techniques"]
    assert [entry["techniqueID"] for entry in rest] == ["AML.T0012", "AML.T0029"]
    assert joined == {
        "techniqueID": "AML.T0048.004",
        "score": 1,
        "comment": "one\ntwo",
        "metadata": [
            {"name": "a", "value": "1"},
            {"name": "b", "value": "2"},
            {"name": "AML.T0045 score", "value": "2"},
        ],
        "color": "#fff",
        "links": SECOND["links"],
        "x_own": {"k": 1},
    }
    assert carried.keys() == {"techniques[0]", "techniques[2]"}
    assert all(row.needs_human and "disagree on score" in row.why for row in carried.values())


def test_without_a_conflict_it_is_only_said_that_they_were_joined():
    after, carried = migrated(one({"techniqueID": "AML.T0045"}, {"techniqueID": "AML.T0048.004", "score": 3}))
    assert after["techniques"] == [{"techniqueID": "AML.T0048.004", "score": 3}]
    assert all("disagree" not in row.why and "now one" in row.why for row in carried.values())


def test_three_of_them_and_the_last_ones_next_to_each_other():
    after, carried = migrated(one(FIRST, SECOND, {**SECOND, "comment": "three"}))
    assert len(after["techniques"]) == 1
    assert after["techniques"][0]["comment"] == "one\ntwo\nthree"
    assert len(carried) == 3


def test_under_different_tactics_they_stay_apart():
    after, carried = migrated(one({**FIRST, "tactic": "impact"}, SECOND))
    assert len(after["techniques"]) == 2
    assert carried == {}


def test_twins_that_were_there_before_are_left_alone():
    twins = one({"techniqueID": "AML.T0012", "score": 1}, {"techniqueID": "AML.T0012", "score": 2})
    assert len(migrated(twins)[0]["techniques"]) == 2


def test_layers_of_a_list_are_not_mixed():
    after, carried = migrated([one(FIRST), one(SECOND)])
    assert [len(layer_["techniques"]) for layer_ in after] == [1, 1]
    assert carried == {}


ENTRIES = st.fixed_dictionaries(
    {"techniqueID": st.sampled_from([t.id for t in OLD.techniques] + ["AML.T0048.004", "AML.T0999"])},
    optional={
        "tactic": st.sampled_from(["impact", "ml-attack-staging"]),
        "score": st.integers(0, 3),
        "comment": st.sampled_from(["a", "b", ""]),
        "metadata": st.lists(
            st.fixed_dictionaries({"name": st.just("m"), "value": st.sampled_from("xyz")}), max_size=2
        ),
        "links": st.lists(
            st.fixed_dictionaries({"label": st.just("l"), "url": st.just("https://example.org")}), max_size=2
        ),
        "enabled": st.booleans(),
        "color": st.sampled_from(["#ffffff", "#000000"]),
        "x_own": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    },
)


@given(st.lists(ENTRIES, max_size=12), st.sampled_from([None, 2]))
def test_all_that_was_said_is_still_there(entries: list[dict[str, Any]], indent: int | None):
    after, _ = migrated(one(*entries), indent=indent)
    told = json.dumps(after["techniques"])
    for key in ("metadata", "links"):
        before_count = sum(len(entry.get(key, ())) for entry in entries)
        notes = sum(" " in item["name"] for entry in after["techniques"] for item in entry.get("metadata", ()))
        after_count = sum(len(entry.get(key, ())) for entry in after["techniques"])
        assert after_count - (notes if key == "metadata" else 0) <= before_count
    assert all(entry.get("comment", "") in told for entry in entries)
    assert {entry["techniqueID"] for entry in after["techniques"]} >= {
        "AML.T0048.004" if entry["techniqueID"] == "AML.T0045" else entry["techniqueID"] for entry in entries
    }


@given(st.lists(ENTRIES, max_size=8), st.sampled_from(["4.3", "4.5"]))
def test_to_the_same_version_only_the_format_changes(entries: list[dict[str, Any]], format_: str):
    plain = one(*entries, versions={"layer": format_, "navigator": "5.0.0"})
    after, carried = migrated(plain, OLD, OLD)
    assert after == {**plain, "versions": {"layer": "4.5", "navigator": "5.0.0"}}
    assert carried == {}
