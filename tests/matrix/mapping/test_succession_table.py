"""Every row of the curated table fits the files, and the order of releases is told however they are named."""

import datetime
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from caponier.matrix.mapping import succession_table
from caponier.matrix.mapping.succession_table import ChangeKind, Row, SuccessionTable
from caponier.matrix.versions.catalogue import load
from matrix.conftest import SHARED
from matrix.versions_by_hand import version

TABLE = succession_table.load()
FILES = ("3.0.0", "4.4.0", "4.9.1", "5.6.1")


def names_of(release: str) -> dict[str, str]:
    path = SHARED / "data" / "atlas" / f"ATLAS-v{release}.yaml"
    if not path.exists():
        pytest.skip(f"nothing to compare with beside the repository: {path.name}")
    raw = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    inner = raw["matrices"][0] if "matrices" in raw else raw
    return {row["id"]: row["name"] for row in (*inner["tactics"], *inner["techniques"])}


def numbers(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


@pytest.mark.parametrize("row", TABLE.changes, ids=lambda row: f"{row.release}-{row.before[0]}")
def test_every_row_fits_the_files_before_and_after_it(row: Row):
    assert row.reason
    earlier = [release for release in FILES if numbers(release) < numbers(row.release)]
    later = [release for release in FILES if numbers(release) >= numbers(row.release)]
    stays = row.change in (ChangeKind.DIVIDED, ChangeKind.MEANING)
    if earlier:
        last = names_of(earlier[-1])
        assert set(row.before) <= set(last)
        assert stays or not set(row.after) & set(last)
        assert row.change is not ChangeKind.DIVIDED or not set(row.after) & set(last)
    if later:
        first = names_of(later[0])
        assert set(row.after) <= set(first)
        assert stays or not set(row.before) & set(first)
        assert not stays or set(row.before) <= set(first)


def test_no_removal_between_the_files_is_without_a_row():
    for older, newer in pairwise(FILES):
        gone = set(names_of(older)) - set(names_of(newer))
        assert all(TABLE.successors(id_, names_of(newer)).ids for id_ in gone)


def test_rows_stand_in_order_of_releases():
    assert [numbers(row.release) for row in TABLE.changes] == sorted(numbers(row.release) for row in TABLE.changes)


def test_only_releases_that_do_not_ship_are_unchecked():
    shipped = load("atlas-5.6")
    for row in TABLE.changes:
        assert row.checked == (numbers(row.release) <= (5, 6, 1))
        assert row.checked or all(id_ in shipped for id_ in row.before)
    assert all(not name.checked for name in TABLE.names)
    known = {entry.id: entry.name for entry in (*shipped.tactics, *shipped.techniques)}
    assert all(known[name.id] != name.name for name in TABLE.names)


def test_the_newer_ids_equal_the_independently_gathered_ones(shared_facts):
    newer = shared_facts("reference", "matrix-2020", "crosswalk.yaml")["newer_release"]
    unchecked = {row.before[0]: row.after[0] for row in TABLE.changes if not row.checked}
    assert unchecked == newer["replaced_ids"]
    assert {name.id: name.name for name in TABLE.names} == newer["renamed"]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("atlas-5.6", (5, 6, 0)),
        ("atlas-4.4.0", (4, 4, 0)),
        ("atlas-4.9.1+team", (4, 9, 1)),
        ("atlas-2026.09", (2026, 9, 0)),
        ("atlas-2026.06", (2026, 6, 0)),
        ("atlas-2026.04", (5, 6, 0)),
        ("atlas-2026.03", (5, 5, 0)),
        ("atlas-2026.01", (5, 3, 0)),
        ("atlas-2025.12", (5, 2, 0)),
        ("atlas-2025.11", (5, 1, 1)),
        ("atlas-2021.05", (2, 0, 0)),
        ("ours", None),
    ],
)
def test_the_place_of_a_release_is_told_by_its_name(name: str, place: tuple[int, int, int] | None):
    assert succession_table.place(version(name)) == place


@pytest.mark.parametrize(
    ("date", "place"),
    [
        (datetime.date(2023, 5, 1), (4, 4, 0)),
        (datetime.date(2023, 4, 12), (4, 4, 0)),
        (datetime.date(2026, 9, 15), (2026, 9, 0)),
        (datetime.date(2020, 1, 1), (0, 0, 0)),
    ],
)
def test_or_else_by_its_date(date: datetime.date, place: tuple[int, int, int]):
    assert succession_table.place(version("ours", released=date)) == place


def test_which_is_older():
    old, new, ours = version("atlas-4.4.0"), version("atlas-2026.09"), version("ours")
    assert succession_table.is_older(old, new)
    assert not succession_table.is_older(new, old)
    assert not succession_table.is_older(old, ours)
    assert succession_table.is_older(version("attack-enterprise-9.0"), version("attack-enterprise-17.1"))
    first = version("attack-1", kind="attack", released=datetime.date(2024, 1, 1))
    second = version("attack-2", kind="attack", released=datetime.date(2025, 1, 1))
    assert succession_table.is_older(first, second)
    assert not succession_table.is_older(second, version("attack-3", kind="attack"))


def table(*rows: Mapping[str, Any]) -> SuccessionTable:
    whole = [{"in": "4.0.0", "checked": True, "reason": "because", **row} for row in rows]
    head = {"schema": "caponier.successions/1", "matrix": "atlas"}
    return SuccessionTable.model_validate({**head, "changes": whole})


def test_heirs_are_followed_over_several_releases_and_back():
    chain = table(
        {"change": "replaced", "before": ["A"], "after": ["B"]},
        {"change": "split", "before": ["B"], "after": ["C", "D"]},
    )
    assert chain.successors("A", {"C", "D"}).ids == ("C", "D")
    assert chain.successors("A", {"B"}).ids == ("B",)
    assert chain.successors("D", {"A"}).ids == ("A",)
    assert len(chain.successors("D", {"A"}).rows) == 2
    assert chain.successors("A", {"X"}) == succession_table.Successors()


def test_a_circle_of_rows_ends():
    circle = table(
        {"change": "replaced", "before": ["A"], "after": ["B"]},
        {"change": "replaced", "before": ["B"], "after": ["A"]},
    )
    assert circle.successors("A", {"X"}).ids == ()


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("replaced", ["A"], ["A"]),
        ("replaced", ["A"], ["B", "C"]),
        ("replaced", ["A", "B"], ["C"]),
        ("split", ["A"], ["B"]),
        ("split", ["A"], ["A", "B"]),
        ("merged", ["A"], ["B"]),
        ("divided", ["A"], ["B"]),
        ("divided", ["A"], ["A", "B"]),
        ("meaning", ["A", "B"], ["A"]),
        ("replaced", [], ["B"]),
        ("replaced", ["A"], []),
        ("guessed", ["A"], ["B"]),
    ],
)
def test_a_row_whose_ids_do_not_fit_is_refused(change: str, before: list[str], after: list[str]):
    with pytest.raises(ValidationError):
        table({"change": change, "before": before, "after": after})


@pytest.mark.parametrize("key", ["severity", "mitigation", "anything"])
def test_there_is_no_place_for_further_keys(key: str):
    with pytest.raises(ValidationError, match=key):
        table({"change": "replaced", "before": ["A"], "after": ["B"], key: "x"})


def test_newer_and_older_ids():
    taken_back, brought = TABLE.newer_id("AML.T0019"), TABLE.older_id("AML.T0115.000")
    assert taken_back is not None
    assert taken_back is brought
    assert taken_back.after == ("AML.T0115.000",)
    assert TABLE.newer_id("AML.T0020") is None
    assert TABLE.older_id("AML.T0020") is None
    name = TABLE.newer_name("AML.T0020")
    assert name is not None
    assert name.name == "Training Data Poisoning"
    assert TABLE.newer_name("AML.T0019") is None
