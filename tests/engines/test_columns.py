"""Further columns become whole numbers, the same in a scan and in a guard."""

import math

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.detector import OPERATIONS, Column, Counts, Enriched, Params, Scores, State
from caponier.engines.columns import (
    NUMBER,
    SURE,
    Read,
    coded,
    in_order,
    label_codes,
    lone_answers,
    number_of,
    raw_type,
    selected,
    with_answers,
)
from caponier.engines.live import LiveScan
from caponier.engines.local import scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import filled, rows
from laws.bad_detectors import Counter


def one(column: Read, values: list[object]) -> list[int]:
    batch = pa.record_batch({str(column): pa.array(values, raw_type(column))})
    found: list[int] = coded([column], batch)[str(column)].tolist()
    return found


@pytest.mark.parametrize(
    ("label", "scores", "answer"),
    [
        (None, [0.8009], "0.8009"),
        (None, [1e-5], "1e-05"),
        (None, [-250.0], "-250.0"),
        ("cat", [0.75], "cat"),
        (None, [0.25, 0.75], None),
        (None, [], None),
        (None, None, None),
    ],
)
def test_a_lone_score_is_an_answer_where_nobody_logged_one(label: object, scores: object, answer: object) -> None:
    shape = {"label": pa.string(), "scores": EVENT_SCHEMA.field("scores").type}
    columns = {name: pa.array([value, None], shape[name]) for name, value in (("label", label), ("scores", scores))}
    told = with_answers(pa.record_batch(columns)).column("label").to_pylist()
    assert told == [answer, None]
    if isinstance(answer, str) and label is None:
        assert number_of(answer) == pytest.approx(scores[0])  # type: ignore[index]
        # In a guard the numbers are wider than in a log.
        assert lone_answers([scores[0]]) == [answer]  # type: ignore[index]


def test_operations_are_numbered_and_an_unknown_one_is_another() -> None:
    assert one(Column.OPERATION, [*OPERATIONS, "dance", None]) == [*range(len(OPERATIONS)), 0, 0]


def test_a_status_is_itself_and_none_is_0() -> None:
    assert one(Column.STATUS, [200, None, 503]) == [200, 0, 503]


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        (Column.COST, [1.5, 0.0, None, 0.0004], [1_500, 0, -1, 0]),
        (Column.SIZE, [12.0, 0.0, None], [12, 0, -1]),
        (Column.TOP_SCORE, [0.99994, 1.0, None], [9_999, 10_000, -1]),
        (Column.COST, [math.nan, math.inf, -math.inf, -1.0, 1e300], [-1] * 5),
    ],
)
def test_numbers_are_rounded_and_absurd_ones_are_none(
    column: Column, values: list[object], expected: list[int]
) -> None:
    assert one(column, values) == expected


@given(st.lists(st.floats(-1e30, 1e30, allow_subnormal=False), min_size=2, max_size=30))
def test_sureness_never_swaps_two_scores(scores: list[float]) -> None:
    steps = one(Column.SURENESS, scores)
    assert sorted(steps) == [step for _, step in sorted(zip(scores, steps, strict=True))]
    assert all(0 <= step < 2**16 for step in steps)


def test_sureness_tells_scores_close_to_one_apart() -> None:
    close = [0.5, 0.99, 0.999, 0.9999, 0.99999, 0.999999]
    assert len(set(one(Column.SURENESS, close))) == len(close)
    assert one(Column.SURENESS, [0.0, 0.5, 1.0]) == [SURE[0], sum(SURE) // 2 + 1, SURE[1]]


def test_sureness_takes_logits_and_what_is_no_number() -> None:
    low, high, *absent = one(Column.SURENESS, [-7.5, 12.25, None, math.nan, math.inf])
    assert 0 < low < SURE[0] < SURE[1] < high
    assert absent == [-1, -1, -1]


@given(
    st.one_of(
        st.from_regex(NUMBER, fullmatch=True).filter(lambda text: len(text) < 20),
        st.sampled_from(["cat", "", "1_000", "1e", "--2", "nan", "inf", "7 ", "-3.5e-2"]),
    )
)
@settings(max_examples=40, deadline=None)
def test_an_answer_that_is_a_number_is_the_same_one_in_a_log_and_in_a_guard(label: str) -> None:
    expression = selected([Column.SURENESS]).removeprefix(", ").removesuffix(" as sureness")
    with duckdb.connect() as connection:
        query = f"select {expression} from (select ? as label, null::float[] as scores)"
        ((found,),) = connection.execute(query, [label]).fetchall()
    plain = number_of(label)
    assert found == (plain if plain is None or math.isfinite(plain) else found)


def test_feedback_is_coded_as_answers_are() -> None:
    texts = ["7", "7", "3", None]
    codes = one(Column.FEEDBACK, list(texts))
    assert codes == label_codes(pa.array(texts)).tolist()
    assert codes[0] == codes[1] != codes[2]
    assert codes[3] == 0


def test_an_enrichment_is_in_units_of_its_last_digit() -> None:
    assert one(Enriched("squeezing", 4), [0.1234, 2.0, None, 0.0, math.nan]) == [1_234, 20_000, -1, 0, -1]
    assert one(Enriched("squeezing", 0), [7.0]) == [7]


@given(st.integers(0, 2**22), st.integers(0, 6))
def test_an_enrichment_that_was_stored_as_float32_is_the_same_whole_number_again(units: int, digits: int) -> None:
    stored = float(np.float32(units / 10**digits))
    assert one(Enriched("some", digits), [stored]) == [units]


def test_an_enrichment_must_have_a_name_that_a_query_can_name() -> None:
    with pytest.raises(ValueError, match="no name"):
        Enriched("x'] --", 2)


def test_columns_stand_in_a_fixed_order_each_once() -> None:
    b, a = Enriched("b", 1), Enriched("a", 2)
    assert in_order([b, Column.COST, a, Column.STATUS, b]) == (Column.STATUS, Column.COST, a, b)


class Squeezed(Counter):
    """Scores an event by an enrichment, and passes over those without."""

    name = "squeezed"
    counts = Counts.EVENTS
    columns = frozenset({Enriched("some", 2), Column.COST})

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        return state, np.maximum(batch.signals["some"], 0)


def test_a_detector_reads_an_enrichment_in_a_scan_and_in_a_live_engine() -> None:
    encoder = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,)), np.array([[0, 0], [127, 127]], np.float32))
    plan = Plan("m", encoder, (CalibratedDetector(Squeezed(), {}, 300.0),))
    told = {31: [("other", 9.0)], 33: [("other", 9.0), ("some", 3.07)], 35: [("some", 2.5)]}
    made = rows(60, principal=lambda i: f"p{i % 4}", signals=told.get)
    with Spool() as spool:
        (summary,) = filled(spool, made).models()
        (found,) = scan(spool, [plan]).detections
        live = LiveScan(plan)
        with connected(spool) as connection:
            (batch,) = sorted_events(connection, "m", 2, 1_000, columns=live.columns)
        (same,) = live.feed(batch)
    assert summary.enriched == {"other": 2, "some": 2}
    assert (found.subject, found.value) == ("p1", 307) == (same.subject, same.value)


class Costly(Counter):
    """Scores an event by its cost."""

    name = "costly"
    counts = Counts.EVENTS
    columns = frozenset({Column.COST, Column.STATUS, Column.TOP_SCORE, Column.FEEDBACK, Column.OPERATION})

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        known = batch.signals["operation"] == OPERATIONS.index("predict")
        worth = batch.signals["status"] == 200
        return state, np.where(known & worth, batch.signals["cost"] + batch.signals["top_score"], 0)


@pytest.mark.parametrize("kind", ["numeric", "none"])
def test_a_detector_reads_columns_in_a_scan_and_in_a_guard(kind: str) -> None:
    spec = FeatureSpec(kind="none") if kind == "none" else FeatureSpec(kind="numeric", shape=(2,))
    encoder = Encoder.fit(spec, np.array([[0, 0], [127, 127]], np.float32))
    plan = Plan("m", encoder, (CalibratedDetector(Costly(), {}, 12_000.0),))
    made = rows(
        60,
        principal=lambda i: f"p{i % 4}",
        cost=lambda i: 9.0 if i == 33 else 1.0,
        status=lambda i: 500 if i == 34 else 200,
        scores=lambda i: [0.25, 0.75] if i == 33 else [1.0, 0.0],
    )
    with Spool() as spool:
        filled(spool, made)
        (found,) = scan(spool, [plan]).detections
        live = LiveScan(plan)
        with connected(spool) as connection:
            batches = list(sorted_events(connection, "m", encoder.size, 1_000, columns=live.columns))
        (same,) = [one for batch in batches for one in live.feed(batch)]
    assert (found.subject, found.value) == ("p1", 9_000 + 7_500) == (same.subject, same.value)
    assert found.trigger == same.trigger


def test_events_with_inputs_count_where_inputs_are_not_looked_at() -> None:
    with Spool() as spool, connected(filled(spool, rows(5))) as connection:
        (batch,) = sorted_events(connection, "m", 0, 1_000)
    assert batch.num_rows == 5
    assert batch.column("input").null_count == 5
