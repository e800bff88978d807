import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.inference.event_files import log, rows
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.records.inventory import TEXT_SIZE, FeatureSpec
from caponier.telemetry.events import read_events
from caponier.telemetry.raw_inputs import LONGEST, counts_of, numbers_of, with_numbers
from caponier.telemetry.rejections import RejectedRows

MIXED = FeatureSpec(kind="categorical", shape=(3,), categories=(1,))
TEXT = FeatureSpec(kind="text")


class TestRows:
    def test_a_category_is_a_whole_number_that_depends_on_its_name_alone(self) -> None:
        first, second = (numbers_of(json.dumps([1.5, name, 2]), MIXED) for name in ("tcp", "udp"))
        again = numbers_of('[9, "tcp", 0]', MIXED)
        assert first is not None
        assert second is not None
        assert again is not None
        assert first[1] == again[1] != second[1]
        assert first[[0, 2]].tolist() == [1.5, 2.0]
        assert float(first[1]).is_integer()
        assert 0 <= first[1] < 2**24

    def test_an_objects_values_count_in_the_order_of_their_names(self) -> None:
        one, other = numbers_of('{"b": "tcp", "a": 1, "c": 2}', MIXED), numbers_of('[1, "tcp", 2]', MIXED)
        assert one is not None
        assert other is not None
        assert one.tolist() == other.tolist()

    def test_codes_that_are_numbers_and_what_is_absent_are_categories_too(self) -> None:
        every = FeatureSpec(kind="categorical", shape=(3,))
        found = numbers_of("[7, null, true]", every)
        assert found is not None
        assert found.tolist() == [7.0, -1.0, 1.0]

    @pytest.mark.parametrize(
        "raw", ["", "tcp", "7", "[]", '["x", "tcp", 1]', "[1, [2], 3]", "[null, 1, 1]", "[1e39, 0, 0]"]
    )
    def test_what_is_no_such_row_has_no_numbers(self, raw: str) -> None:
        assert numbers_of(raw, MIXED) is None

    def test_other_kinds_are_not_read(self) -> None:
        assert numbers_of("[1, 2, 3]", FeatureSpec(kind="numeric", shape=(3,))) is None


class TestTexts:
    def test_words_and_pairs_are_counted_whatever_their_case(self) -> None:
        counts = counts_of("Buy now, buy NOW!")
        assert counts.shape == (TEXT_SIZE,)
        assert counts.sum() == 4 + 3
        assert (counts == counts_of("buy now buy now")).all()
        assert (counts != counts_of("now now buy buy")).any()

    @settings(max_examples=50)
    @given(st.text())
    def test_any_text_can_be_counted(self, text: str) -> None:
        assert np.isfinite(counts_of(text)).all()

    def test_a_long_text_is_cut(self) -> None:
        assert (counts_of("x" * LONGEST) == counts_of("x" * LONGEST + " more")).all()


class TestEvents:
    def batch(self, folder: Path, *parts: list[dict[str, Any]]) -> Any:
        (events,) = read_events([log(folder, *parts)], RejectedRows())
        return events.batch

    def test_raw_inputs_become_inputs_where_it_is_known_what_they_are(self, tmp_path: Path) -> None:
        known = rows(2, input=None, input_raw=[1, "tcp", 2])
        other = rows(1, 2, input=None, input_raw="hello you", model="other")
        batch = with_numbers(self.batch(tmp_path, known, other), {"m": MIXED}.get)
        first, second, third = batch.column("input").to_pylist()
        assert first == second
        assert len(first) == 3
        assert third is None

    def test_what_is_logged_as_numbers_stays(self, tmp_path: Path) -> None:
        there = self.batch(tmp_path, rows(2, input_raw="hello"))
        assert with_numbers(there, lambda _: TEXT).column("input") == there.column("input")

    @pytest.mark.parametrize("spec", [None, FeatureSpec(kind="image", shape=(2, 2))])
    def test_nothing_is_guessed(self, spec: FeatureSpec | None, tmp_path: Path) -> None:
        there = self.batch(tmp_path, rows(2, input=None, input_raw="hello"))
        assert with_numbers(there, lambda _: spec).column("input").null_count == 2


@pytest.mark.parametrize(
    ("spec", "raw"),
    [(MIXED, lambda i: [i % 7, "abc"[i % 3], i]), (TEXT, lambda i: f"number {i} of many letters, {'abc'[i % 3]}")],
)
def test_a_scan_and_a_baseline_compare_them(spec: FeatureSpec, raw: Any, tmp_path: Path) -> None:
    file = log(tmp_path, rows(300, input=None, input_raw=raw, principal=lambda i: f"u{i % 60}"))
    learned = build_baseline([file], spec=spec).baseline
    assert learned.models[0].spec.kind == spec.kind
    assert "novelty" in learned.models[0].detectors
    report = scan_inference([file], learned)
    assert not [skip for skip in report.skipped if "input" in skip.reason]
