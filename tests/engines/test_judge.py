"""One evidence a caller over all detectors: what is told of it, when, and that no cut of the stream changes it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.batch import EventBatch
from caponier.detect.calibration.ages import AGES, AHEAD, step_of
from caponier.detect.calibration.joint_tail import BELIEVED, UNIT, JointTail, evidence, whole
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Counts, Params, Scores, State, Subject
from caponier.detect.similarity.cells import Cells
from caponier.detect.similarity.nearest_query import RING
from caponier.engines.judge import Detection
from caponier.engines.live import LiveScan
from caponier.engines.local import scan
from caponier.engines.plan import COLD_LEVEL, DAY_US, CalibratedDetector, Plan
from caponier.engines.spool import Spool, connected, sorted_events
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import SECOND, START, filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
STEPS = 12
LEVEL = 8 * UNIT


class Said(Counter):
    """Scores each query by what stands in one place of its input: the log says what a detector says."""

    def __init__(self, name: str, place: int) -> None:
        self.name, self.place = name, place

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        return state, batch.query[:, self.place].astype(np.int64)


class Event(Said):
    """The same, but repeats count."""

    counts = Counts.EVENTS


def ranks(seed: int, scale: float = 1.0, n: int = 200) -> TailRanks:
    """Return ranks among benign callers whose scores rise with their age."""
    rng = np.random.default_rng(seed)
    reach = int(AHEAD[STEPS - 1]) + 1
    scores = np.floor(rng.exponential(scale, (n, 1)) * AGES[:reach] ** 0.3)
    return TailRanks.of(Lives(np.log1p(scores), rng.integers(reach // 2, reach, n)), STEPS)


ONE, TWO = CalibratedDetector(Said("one", 0), {}, 0.0, ranks(1)), CalibratedDetector(Said("two", 1), {}, 0.0, ranks(2))
TAIL = JointTail.of(whole(np.random.default_rng(3).exponential(1.5, (1, 200))))
PLAN = Plan("m", ENCODER, (ONE, TWO), levels={Subject.PRINCIPAL: LEVEL}, tails={Subject.PRINCIPAL: TAIL})
Sent = Sequence[tuple[int, int]]
"""What two detectors say of each query, in order."""


def log(said: dict[str, Sent], gap: int = SECOND) -> list[dict[str, Any]]:
    """Let callers send their queries, all mixed."""
    turns = sorted((at, who) for who, line in said.items() for at in range(len(line)))
    made = rows(
        len(turns), principal=lambda i: turns[i][1], input=lambda i: [float(v) for v in said[turns[i][1]][turns[i][0]]]
    )
    return [{**row, "time": START + at * gap} for row, (at, _) in zip(made, turns, strict=True)]


def told(said: dict[str, Sent], plan: Plan = PLAN, batch_rows: int = 1_000, gap: int = SECOND) -> list[Detection]:
    with Spool() as spool:
        return scan(filled(spool, log(said, gap)) and spool, [plan], batch_rows=batch_rows).detections


def quiet(n: int, first: int = 0) -> list[tuple[int, int]]:
    """Return n different queries of which nobody says much."""
    return [((first + at) % 4, (first + at) // 4 % 4) for at in range(n)]


def rarity(line: CalibratedDetector, score: int, age: int) -> int:
    assert line.ranks is not None
    return int(whole(line.ranks.rarity(np.array([score]), step_of(np.array([age]))))[0])


class TestWhatIsTold:
    def test_whoever_is_as_rare_as_that_by_one_detector_is_told_at_once(self) -> None:
        (found,) = told({"a": [*quiet(5), (120, 0), *quiet(5, 5)], "b": quiet(12)})
        assert (found.detector, found.subject, found.value, found.queries, found.age) == ("one", "a", 120.0, 6, 6)
        assert found.strength == evidence(np.array([[rarity(ONE, 120, 6), 0]]))[0] >= LEVEL
        assert found.beside == ()

    def test_what_each_says_too_little_of_is_told_together(self) -> None:
        score = next(s for s in range(1, 128) if 0.9 * LEVEL < rarity(ONE, s, 6) < LEVEL)
        beside = next(s for s in range(1, 128) if rarity(TWO, s, 7) > BELIEVED + LEVEL / 2)
        assert told({"a": [*quiet(5), (score, 0)]}) == []
        # The strongest is told for all of them, and the other because the caller is told of anyhow.
        found, _ = told({"a": [*quiet(5), (score, 0), (0, beside)]})
        assert found.queries == 7
        assert found.strength >= LEVEL
        (said,) = found.beside
        assert {found.detector, said.detector} == {"one", "two"}
        assert said.rarity > BELIEVED

    def test_what_is_common_says_nothing_beside(self) -> None:
        (found,) = told({"a": [(1, 1), (2, 2), (120, 3)]})
        assert found.beside == ()

    def test_a_score_is_judged_by_its_age(self) -> None:
        """Benign callers reach in time what would be rare of one who has just begun."""
        young, old = ONE.needed(LEVEL, 1), ONE.needed(LEVEL, 60)
        assert young < old
        between = int(np.ceil(young))
        assert told({"a": [(between, 0)]}) != []
        assert told({"a": [*quiet(16), (between, 0)]}) == [] or between >= ONE.needed(LEVEL, 17)

    def test_up_to_the_limit_a_score_counts_for_nothing(self) -> None:
        limited = replace(PLAN, lines=(replace(ONE, limit=120.0), TWO))
        assert told({"a": [(120, 0)]}, limited) == []
        assert told({"a": [(121, 0)]}, limited) != []

    def test_at_a_cold_start_whatever_passes_the_limit_is_told(self) -> None:
        cold = Plan(
            "m", ENCODER, (CalibratedDetector(Said("one", 0), {}, 50.0), CalibratedDetector(Said("two", 1), {}, 50.0))
        )
        found = told({"a": [(50, 50), (51, 0), (90, 7)], "b": [(0, 60)]}, cold)
        assert [(one.subject, one.detector, one.value, one.strength) for one in found] == [
            ("a", "one", 51.0, COLD_LEVEL),
            ("b", "two", 60.0, COLD_LEVEL),
        ]

    def test_events_and_queries_are_each_judged_at_their_own_age(self) -> None:
        plan = replace(PLAN, lines=(replace(ONE, detector=Event("one", 0)), TWO))
        repeated = [(3, 3)] * 9
        (found,) = told({"a": [*repeated, (120, 0)]}, plan)
        assert (found.queries, found.age) == (2, 10)


class TestOnceASpan:
    LOUD: ClassVar = [*quiet(4), (120, 0), (121, 0), (122, 0)]

    def test_a_detector_is_told_of_a_subject_once_a_span(self) -> None:
        assert [one.value for one in told({"a": self.LOUD})] == [120.0]
        short = replace(PLAN, span=2 * SECOND)
        assert [one.value for one in told({"a": self.LOUD}, short)] == [120.0, 122.0]

    def test_what_is_told_again_is_what_is_said_then(self) -> None:
        """Not what was said in an earlier span, even if that was more."""
        short = replace(PLAN, span=2 * SECOND)
        found = told({"a": [*quiet(4), (127, 0), *quiet(4, 4), (118, 0)]}, short)
        assert [(one.value, one.age, one.queries) for one in found] == [(127.0, 5, 5), (118.0, 10, 10)]
        assert found[1].strength == found[0].strength

    def test_another_detector_is_told_besides(self) -> None:
        found = told({"a": [*self.LOUD, (0, 120)]})
        assert [(one.detector, one.value) for one in found] == [("one", 120.0), ("two", 120.0)]
        assert [said.detector for said in found[1].beside] == ["one"]

    def test_the_span_is_a_day_at_least_where_nothing_else_is_known(self) -> None:
        assert PLAN.span == DAY_US
        assert len(told({"a": [*quiet(3), (120, 0), (120, 1)]}, gap=DAY_US)) == 2

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        lines=st.lists(
            st.lists(st.tuples(st.integers(0, 127), st.integers(0, 127)), max_size=25), min_size=1, max_size=3
        ),
        span=st.integers(1, 30),
    )
    def test_at_most_one_finding_a_detector_and_span(self, lines: list[list[tuple[int, int]]], span: int) -> None:
        plan = replace(PLAN, span=span * SECOND)
        found = told({f"s{at}": line for at, line in enumerate(lines)}, plan)
        triggers: dict[tuple[str, str], list[int]] = {}
        with Spool() as spool:
            filled(spool, log({f"s{at}": line for at, line in enumerate(lines)}))
            times = {row["seq"]: row["time"] for row in _events(spool)}
        for one in found:
            triggers.setdefault((one.subject, one.detector), []).append(times[one.trigger[1]])
        for moments in triggers.values():
            assert (np.diff(sorted(moments)) >= span * SECOND).all()


def _events(spool: Spool) -> Iterator[dict[str, Any]]:
    with connected(spool) as connection:
        for batch in sorted_events(connection, "m", 2, 1_000):
            yield from batch.select(["seq", "time"]).to_pylist()


said_of = st.tuples(st.integers(0, 127), st.integers(0, 127)) | st.sampled_from([(1, 1), (40, 0), (0, 40), (45, 45)])
populations = st.lists(st.lists(said_of, max_size=40), min_size=1, max_size=4)
EVENTFUL = replace(
    PLAN, lines=(ONE, TWO, CalibratedDetector(Event("three", 0), {}, 0.0, ranks(4, 3.0))), span=5 * SECOND
)


def everything(found: list[Detection]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            one.subject,
            one.trigger,
            one.detector,
            one.value,
            one.queries,
            one.age,
            one.strength,
            one.beside,
            one.evidence,
        )
        for one in found
    )


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=populations, batch_rows=st.integers(1, 30))
def test_with_ranks_and_several_detectors_the_cuts_change_nothing(
    lines: list[list[tuple[int, int]]], batch_rows: int
) -> None:
    said = {f"s{at}": line for at, line in enumerate(lines)}
    for plan in (PLAN, EVENTFUL):
        whole_log = everything(told(said, plan))
        assert everything(told(said, plan, batch_rows)) == whole_log


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=populations, size=st.integers(1, 30))
def test_a_guard_says_what_a_scan_says(lines: list[list[tuple[int, int]]], size: int) -> None:
    said = {f"s{at}": line for at, line in enumerate(lines)}
    with Spool() as spool:
        filled(spool, log(said))
        expected = everything(scan(spool, [EVENTFUL]).detections)
        live = LiveScan(EVENTFUL)
        with connected(spool) as connection:
            batches = list(sorted_events(connection, "m", 2, 1_000))
        found: list[Detection] = []
        if batches:
            table = pa.Table.from_batches(batches).sort_by("seq")
            for start in range(0, table.num_rows, size):
                part = table.slice(start, size).sort_by([("subject", "ascending"), ("seq", "ascending")])
                found += live.feed(part.combine_chunks().to_batches()[0])
    assert everything(found) == expected


def test_the_law_of_cuts_is_held_against_something() -> None:
    found = told({"a": [*quiet(4), (120, 0), *quiet(9, 4), (40, 120)], "b": [(45, 45)] * 3}, EVENTFUL, 3)
    assert {one.detector for one in found} >= {"one", "two"}
    assert any(one.beside for one in found)


class Crowd(Counter):
    """Counts the queries of a cell."""

    name = "crowd"
    subject = Subject.BUCKET


@pytest.mark.parametrize(("queries", "times"), [(RING, 1), (2 * RING, 2), (3 * RING - 1, 3)])
def test_a_cell_is_told_again_when_all_of_the_first_search_is_forgotten(queries: int, times: int) -> None:
    """However fast they come: a cell is nobody, and what others search in it later is another search."""
    plan = Plan(
        "m", ENCODER, (CalibratedDetector(Crowd(), {}, 7.0),), cells=Cells(np.array([[1, 0]], np.int8), np.array([63]))
    )
    crowd = type("Endless", (Crowd,), {"cap": 10**9})()
    plan = replace(plan, lines=(CalibratedDetector(crowd, {}, 7.0),))
    made = rows(
        queries,
        principal=lambda i: f"p{i % 50}",
        input=lambda i: [64.0 + i % 64, float(i // 64)],
    )
    with Spool() as spool:
        found = scan(filled(spool, made) and spool, [plan]).detections
    assert [one.kind for one in found] == ["bucket"] * times
    assert [one.queries for one in found] == [8 + at * RING for at in range(times)]


def test_levels_differ_by_the_kind_of_subject() -> None:
    plan = replace(PLAN, levels={Subject.PRINCIPAL: 9, Subject.BUCKET: 11})
    assert plan.level == 9
    assert replace(plan, subject=Subject.BUCKET).level == 11
    assert replace(plan, levels={}).level == COLD_LEVEL


def test_what_a_detector_alone_needs_is_what_it_is_told_from() -> None:
    for age in (1, 5, 30):
        needed = ONE.needed(LEVEL, age)
        assert rarity(ONE, int(np.ceil(needed)), age) >= LEVEL
        assert rarity(ONE, int(np.ceil(needed)) - 1, age) < LEVEL
    assert ONE.needed(LEVEL, 0) == ONE.needed(LEVEL, 1)
    assert replace(ONE, ranks=None, limit=7.0).needed(LEVEL, 30) == 7.0
