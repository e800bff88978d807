"""Who is told of, against a judge that is slow and plain; whom analysts spared; and cells, however they are cut."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.detect.calibration.baseline import digest_of
from caponier.detect.calibration.joint_tail import BELIEVED, evidence
from caponier.detect.detector import Subject
from caponier.detect.similarity.cells import Cells
from caponier.engines.judge import ANYHOW, MORE, Detection
from caponier.engines.local import scan
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import Spool
from engines.logs import SECOND, filled, rows
from engines.test_judge import (
    ENCODER,
    LEVEL,
    ONE,
    PLAN,
    TWO,
    Crowd,
    Sent,
    everything,
    populations,
    quiet,
    ranks,
    rarity,
    told,
)

FOREVER = replace(PLAN, span=10**15)
"""Each detector is told of a subject at most once."""
some_laws = settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))


def heard(sent: Sent, lines: tuple[CalibratedDetector, ...] = (ONE, TWO)) -> list[list[int]]:
    """Return the rarity of each query of one caller by each detector, as one would reckon it by hand."""
    seen: set[tuple[int, int]] = set()
    found = []
    for said in sent:
        if said in seen:
            # Whoever repeats a query says nothing new.
            continue
        seen.add(said)
        said_of = [
            rarity(line, score, len(seen)) if score > line.limit else 0 for line, score in zip(lines, said, strict=True)
        ]
        found.append([one if one > BELIEVED else 0 for one in said_of])
    return found


def first_told(sent: Sent) -> int | None:
    """Return after how many different queries the running evidence is rare enough."""
    running = np.maximum.accumulate(np.array(heard(sent) or [[0, 0]]), axis=0)
    reached = np.flatnonzero(evidence(running) >= LEVEL)
    return int(reached[0]) + 1 if len(reached) else None


def between(line: CalibratedDetector, low: int, high: int, age: int) -> int:
    """Return a score whose rarity at an age lies between two."""
    return next(score for score in range(1, 128) if low <= rarity(line, score, age) < high)


class TestAgainstAPlainJudge:
    @some_laws
    @given(lines=populations)
    def test_a_caller_is_told_of_if_and_when_all_that_was_said_is_rare_enough(
        self, lines: list[list[tuple[int, int]]]
    ) -> None:
        said = {f"s{at}": line for at, line in enumerate(lines)}
        first: dict[str, int] = {}
        for one in told(said, FOREVER):
            first[one.subject] = min(one.queries, first.get(one.subject, one.queries))
        assert first == {who: at for who, line in said.items() if (at := first_told(line)) is not None}

    @some_laws
    @given(lines=populations)
    def test_who_else_asks_changes_nothing(self, lines: list[list[tuple[int, int]]]) -> None:
        said = {f"s{at}": line for at, line in enumerate(lines)}

        def of(found: list[Detection]) -> list[tuple[object, ...]]:
            # Places in the log differ, all else does not.
            return sorted(
                (one.subject, one.detector, one.value, one.queries, one.age, one.strength, one.beside) for one in found
            )

        alone = [one for who, line in said.items() for one in told({who: line}, FOREVER)]
        assert of(told(said, FOREVER)) == of(alone)

    @some_laws
    @given(lines=populations)
    def test_which_detector_stands_first_changes_nobody_who_is_told_of(
        self, lines: list[list[tuple[int, int]]]
    ) -> None:
        said = {f"s{at}": line for at, line in enumerate(lines)}
        turned = replace(FOREVER, lines=(TWO, ONE))
        first, other = ({(one.subject, one.queries) for one in told(said, plan)} for plan in (FOREVER, turned))
        assert first == other

    @some_laws
    @given(lines=populations)
    def test_no_detector_is_told_of_what_is_not_rare_to_it(self, lines: list[list[tuple[int, int]]]) -> None:
        said = {f"s{at}": line for at, line in enumerate(lines)}
        ears = {"one": ONE, "two": TWO}
        for found in told(said, replace(PLAN, span=3 * SECOND)):
            own = rarity(ears[found.detector], int(found.value), found.age)
            assert own > BELIEVED
            assert found.strength >= max(own, LEVEL)
            assert found.detector not in {one.detector for one in found.beside}
            assert all(one.rarity > BELIEVED for one in found.beside)
            assert [one.rarity for one in found.beside] == sorted((one.rarity for one in found.beside), reverse=True)


class TestWhoIsToldOfAnyhow:
    """Nobody is flagged by it who is not: each detector to which a flagged caller is rarer than one in a hundred."""

    def test_a_second_detector_is_told_of_whom_the_first_flagged(self) -> None:
        rare = between(TWO, ANYHOW, LEVEL, 7)
        found = told({"a": [*quiet(5), (120, 0), (0, rare)]}, FOREVER)
        assert [(one.detector, one.queries) for one in found] == [("one", 6), ("two", 7)]
        assert found[1].value == rare

    def test_alone_it_is_not_told(self) -> None:
        rare = between(TWO, ANYHOW, LEVEL, 7)
        assert told({"a": [*quiet(6), (0, rare)]}, FOREVER) == []

    def test_what_one_in_a_hundred_reaches_is_not_told_even_then(self) -> None:
        usual = between(TWO, BELIEVED + 1, ANYHOW, 7)
        found = told({"a": [*quiet(5), (120, 0), (0, usual)]}, FOREVER)
        assert [one.detector for one in found] == ["one"]

    def test_what_came_before_is_named_beside_and_not_told_by_itself(self) -> None:
        rare = between(TWO, ANYHOW, LEVEL - (LEVEL - ANYHOW) // 2, 4)
        (found,) = told({"a": [*quiet(3), (0, rare), (120, 0)]}, FOREVER)
        assert (found.detector, found.queries) == ("one", 5)
        assert [(one.detector, one.value) for one in found.beside] == [("two", float(rare))]

    def test_two_at_the_same_query_are_both_told_and_each_names_the_other(self) -> None:
        found = told({"a": [*quiet(5), (127, 125)]}, FOREVER)
        assert {(one.detector, one.value, tuple(said.detector for said in one.beside)) for one in found} == {
            ("one", 127.0, ("two",)),
            ("two", 125.0, ("one",)),
        }
        assert len({(one.trigger, one.strength) for one in found}) == 1


class TestSpared:
    """An analyst said benign of a caller, to a detector, up to a score."""

    ALLOWED = 80.0

    def plan(self, who: str = "principal a") -> Plan:
        return replace(FOREVER, lines=(replace(ONE, allowed={digest_of(who): self.ALLOWED}), TWO))

    def test_the_same_and_a_little_more_is_not_told_again(self) -> None:
        edge = int(MORE * self.ALLOWED)
        for score in (80, 100, edge):
            assert told({"a": [*quiet(5), (score, 0)]}) != []
            assert told({"a": [*quiet(5), (score, 0)]}, self.plan()) == []

    def test_what_grows_on_is(self) -> None:
        (found,) = told({"a": [*quiet(5), (120, 0), (121, 0)]}, self.plan())
        assert (found.value, found.queries) == (121.0, 7)

    def test_nobody_else_is_spared(self) -> None:
        assert {one.subject for one in told({"a": [(100, 0)], "b": [(100, 0)]}, self.plan())} == {"b"}

    def test_a_kind_is_part_of_who_is_meant(self) -> None:
        assert told({"a": [(100, 0)]}, self.plan("session a")) != []

    def test_another_detector_is_told_all_the_same(self) -> None:
        (found,) = told({"a": [(100, 0), (0, 120)]}, self.plan())
        assert (found.detector, found.beside) == ("two", ())

    def test_what_is_spared_adds_nothing_to_what_others_say(self) -> None:
        score = next(s for s in range(1, 128) if 0.9 * LEVEL < rarity(ONE, s, 6) < LEVEL)
        beside = next(s for s in range(1, 128) if LEVEL > rarity(TWO, s, 7) > BELIEVED + LEVEL / 2)
        sent = {"a": [*quiet(5), (score, 0), (0, beside)]}
        assert told(sent) != []
        allowed = {digest_of("principal a"): float(score)}
        assert told(sent, replace(PLAN, lines=(replace(ONE, allowed=allowed), TWO))) == []

    @some_laws
    @given(lines=populations, batch_rows=st.integers(1, 20))
    def test_cuts_change_nothing_of_it(self, lines: list[list[tuple[int, int]]], batch_rows: int) -> None:
        said = {"a": lines[0]} | {f"s{at}": line for at, line in enumerate(lines)}
        assert everything(told(said, self.plan(), batch_rows)) == everything(told(said, self.plan()))

    @some_laws
    @given(lines=populations)
    def test_sparing_never_tells_more_callers(self, lines: list[list[tuple[int, int]]]) -> None:
        said = {"a": lines[0]} | {f"s{at}": line for at, line in enumerate(lines)}
        all_of_them, spared = ({one.subject for one in told(said, plan)} for plan in (FOREVER, self.plan()))
        assert spared <= all_of_them
        assert all_of_them - spared <= {"a"}


CELLS = Cells(np.array([[1, 0]], np.int8), np.array([63]))
CROWD = Plan(
    "m",
    ENCODER,
    (CalibratedDetector(type("Endless", (Crowd,), {"cap": 10**9})(), {}, 0.0, ranks(5)),),
    cells=CELLS,
    levels={Subject.BUCKET: LEVEL},
)


def of_cells(turns: list[tuple[int, int, int]], batch_rows: int = 1_000) -> list[Detection]:
    """Let callers (by number) send inputs of two values."""
    made = rows(
        len(turns),
        principal=lambda i: f"p{turns[i][0]}",
        input=lambda i: [float(turns[i][1]), float(turns[i][2])],
    )
    with Spool() as spool:
        return scan(filled(spool, made) and spool, [CROWD], batch_rows=batch_rows).detections


class TestCells:
    def loud(self, callers: int, n: int = 120) -> list[tuple[int, int, int]]:
        return [(at % callers, 64 + at % 60, at // 60) for at in range(n)]

    def test_a_search_is_told_of_whoever_shares_it(self) -> None:
        (one,), (many,) = of_cells(self.loud(1)), of_cells(self.loud(40))
        assert one.kind == many.kind == "bucket"
        assert (one.value, one.queries) == (many.value, many.queries)

    def test_the_other_cell_is_not_told_of(self) -> None:
        loud, calm = self.loud(9), [(50, at, 0) for at in range(5)]
        (found,) = of_cells(loud + calm)
        assert found.subject == of_cells(loud)[0].subject
        assert of_cells(calm) == []

    @some_laws
    @given(
        turns=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 127), st.integers(0, 3)), max_size=150),
        batch_rows=st.integers(1, 40),
    )
    def test_ranked_cells_do_not_depend_on_the_cuts(self, turns: list[tuple[int, int, int]], batch_rows: int) -> None:
        turns = turns + self.loud(3, 70)
        assert everything(of_cells(turns, batch_rows)) == everything(of_cells(turns)) != []


@pytest.mark.parametrize("batch_rows", [1, 3, 1_000])
def test_a_query_that_is_repeated_ages_nobody(batch_rows: int) -> None:
    """A score that is rare of a beginner stays so, however often the beginner asks the same."""
    score = int(np.ceil(ONE.needed(LEVEL, 3)))
    assert score < ONE.needed(LEVEL, 60)
    (found,) = told({"a": [*[(1, 1)] * 40, (2, 1), (score, 0)]}, FOREVER, batch_rows)
    assert (found.queries, found.age) == (3, 3)
