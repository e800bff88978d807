import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from caponier.detect.dataset import NOTHING
from caponier.detect.provenance.recorded_rows import Provenance, notes_of
from caponier.errors import InputError
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.labelled_data.manifest import Manifest

Row = list[str]
COLUMNS = Columns("kind", "who", None)
HEAD = ["kind", "who", "size", "colour"]


def written(path: Path, rows: list[Row], head: Row = HEAD) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([head, *rows])
    return path


def rows() -> list[Row]:
    rng = np.random.default_rng(1)
    colours = rng.choice(["red", "blue"], 40)
    return [["ab"[at % 2], f"c{at % 4}", f"{rng.normal():.4f}", str(colours[at])] for at in range(40)]


def compared(tmp_path: Path, change: Callable[[list[Row]], list[Row]]):  # type: ignore[no-untyped-def]
    before = read_dataset(written(tmp_path / "before.csv", rows()), COLUMNS)
    manifest = Manifest.of_dataset(before, COLUMNS)
    now = read_dataset(written(tmp_path / "now.csv", change(rows())), COLUMNS)
    return now, Provenance(manifest, COLUMNS).analyse(now)


def test_the_same_rows_in_another_order_are_what_they_were(tmp_path: Path) -> None:
    _, same = compared(tmp_path, lambda known: known[::-1])
    assert (same.reasons, same.flagged.any(), notes_of(same)) == ((), False, [])


def test_a_changed_label_is_found_and_the_recorded_one_suggested_wherever_the_row_is_now(tmp_path: Path) -> None:
    def flip(known: list[Row]) -> list[Row]:
        known[4][0], known[9][0] = "b", "a"
        return known[20:] + known[:20]

    now, found = compared(tmp_path, flip)
    assert np.flatnonzero(found.flagged).tolist() == [24, 29]
    assert [now.classes[label] for label in found.suggested[found.flagged]] == ["a", "b"]
    assert (found.suggested[~found.flagged] == NOTHING).all()
    assert found.summary == "two rows recorded with another label, from 'c0' (1), 'c1' (1)"


def test_changed_features_are_found_without_a_label_to_suggest(tmp_path: Path) -> None:
    def trigger(known: list[Row]) -> list[Row]:
        known[7][2] = "9.5"
        return known

    _, found = compared(tmp_path, trigger)
    assert (np.flatnonzero(found.flagged).tolist(), found.suggested[7]) == ([7], NOTHING)
    assert "other features" in found.summary


def test_new_rows_are_no_finding_and_their_source_is_named(tmp_path: Path) -> None:
    _, found = compared(tmp_path, lambda known: [*known[2:], *(["a", "stranger", f"{at}.5", "red"] for at in range(9))])
    assert not found.flagged[:38].any()
    notes = " ".join(notes_of(found))
    assert "'stranger'" in notes
    # Rows without ids are known by their line, and the last two lines hold something else now.
    assert found.facts["new"] + found.facts["changed"] == 9


def test_a_source_that_changed_its_rows_stands_out(tmp_path: Path) -> None:
    def bad(known: list[Row]) -> list[Row]:
        return [["ab"[row[0] == "a"], *row[1:]] if row[1] == "c2" else row for row in known]

    _, found = compared(tmp_path, bad)
    assert [part.source for part in found.sources if part.stands_out] == ["c2"]


def test_equal_rows_are_not_taken_for_each_other(tmp_path: Path) -> None:
    def twins(known: list[Row]) -> list[Row]:
        return [*known[:30], *([["a", "c1", "1.0", "red"]] * 5), *([["b", "c1", "1.0", "red"]] * 5)]

    before = read_dataset(written(tmp_path / "before.csv", twins(rows())), COLUMNS)
    changed = twins(rows())
    changed[32] = ["b", "c1", "1.0", "red"]
    now = read_dataset(written(tmp_path / "now.csv", changed), COLUMNS)
    found = Provenance(Manifest.of_dataset(before, COLUMNS), COLUMNS).analyse(now)
    assert np.flatnonzero(found.flagged).tolist() == [32]


def test_numbers_count_by_their_value_whatever_their_column_is_read_as(tmp_path: Path) -> None:
    def typed(known: list[Row]) -> list[Row]:
        return [*([row[0], row[1], f"{float(row[2]):.6e}", row[3]] for row in known), ["a", "c1", "7", "red"]]

    _, found = compared(tmp_path, typed)
    assert (found.flagged.any(), found.facts["new"]) == (False, 1)


def test_another_table_is_refused_with_the_columns_that_differ(tmp_path: Path) -> None:
    manifest = Manifest.of_dataset(read_dataset(written(tmp_path / "before.csv", rows()), COLUMNS), COLUMNS)
    other = [[*row, "x"] for row in rows()]
    now = read_dataset(written(tmp_path / "now.csv", other, [*HEAD, "extra"]), COLUMNS)
    with pytest.raises(InputError, match="extra"):
        Provenance(manifest, COLUMNS).analyse(now)
