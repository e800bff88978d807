"""What a detector is judged by where benign callers asked for less than it remembers."""

from pathlib import Path

import numpy as np
import pytest

from app.inference.event_files import FirstFeature, log, only, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.story import stories
from caponier.app.inference.plan import Remarks, Terms, by_rank, lines_of, unremembered
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline
from caponier.detect.calibration.judging import FEWEST, BackTest, Maxima
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
BUDGET = AlertBudget(bound=0.02)
BOUND, LIMIT = 0.02, 90.0


class Slow(FirstFeature):
    """Looks back over six queries."""

    state = np.dtype([("count", np.int64), ("last", np.int64, (6,))])


class Absolute(Slow):
    """Knows a score that is an attacker's whatever the others do."""

    suspect = LIMIT


def learned(remembered: int | None, *odd: float, n: int = 60) -> DetectorBaseline:
    full = np.array([*range(n - len(odd)), *odd], np.float64)
    return DetectorBaseline(1, {}, Maxima(full, np.zeros(0)), BackTest(0.01, 0, n), remembered)


class TestByRank:
    @pytest.mark.parametrize("remembered", [None, FEWEST, 1_000])
    def test_where_enough_is_known_the_rank_decides(self, remembered: int | None) -> None:
        assert not unremembered(learned(remembered))
        line = by_rank(Absolute(), learned(remembered), BOUND)
        assert line is not None
        assert (line.value, line.basis) == (59.0, Basis.PROMISE)

    def test_else_only_what_is_an_attack_by_itself_is_one(self) -> None:
        line = by_rank(Absolute(), learned(FEWEST - 1), BOUND)
        assert line is not None
        assert (line.value, line.basis) == (LIMIT, Basis.ESTIMATE)

    @pytest.mark.parametrize("loud", [LIMIT + 1, np.inf])
    def test_nothing_is_where_benign_callers_pass_even_that(self, loud: float) -> None:
        assert by_rank(Absolute(), learned(0, loud), BOUND) is None

    def test_without_such_a_measure_the_rank_is_all_there_is(self) -> None:
        with only(Slow()):
            line = by_rank(Slow(), learned(0), BOUND)
        assert line is not None
        assert line.value == 59.0

    def test_too_few_are_too_few(self) -> None:
        assert by_rank(Absolute(), learned(FEWEST, n=FEWEST - 1), BOUND) is None


class TestShortLog:
    def baseline(self, folder: Path, queries: int) -> Baseline:
        with only(Absolute()):
            return build_baseline(
                [log(folder, users(60, queries, input=lambda i: [i % 7, i % 127]))], spec=SPEC, horizon=4
            ).baseline

    def said(self, baseline: Baseline) -> tuple[Remarks, dict[str, tuple[float, Basis]]]:
        remarks = Remarks()
        with only(Absolute()):
            terms = Terms.of(None, baseline, BUDGET)
            lines = lines_of(remarks, "m", None, terms.detectors, baseline.models[0], terms)
            (story,) = stories(baseline, BUDGET)
        (standing,) = story.standings
        # A build tells the threshold that a scan takes.
        assert standing.line == (lines["first_feature"][1] if lines else None)
        return remarks, {name: (line.value, line.basis) for name, (_, line) in lines.items()}

    def test_a_scan_is_careful_and_says_so(self, tmp_path: Path) -> None:
        remarks, lines = self.said(self.baseline(tmp_path, 5))
        assert lines == {"first_feature": (LIMIT, Basis.ESTIMATE)}
        assert remarks.notes == [
            "m: first_feature finds only the loudest attacks; it looks back 6 queries, and too few benign callers "
            "asked for longer; learn from a longer log"
        ]

    def test_a_longer_log_gives_a_promise(self, tmp_path: Path) -> None:
        remarks, lines = self.said(self.baseline(tmp_path, 12))
        assert lines["first_feature"] == (6.0, Basis.PROMISE)
        assert remarks.notes == []

    def test_what_cannot_be_judged_at_all_is_left_out(self, tmp_path: Path) -> None:
        with only(Absolute()):
            file = log(tmp_path, users(60, 5, input=lambda i: [100 + i % 7, i % 127]))
            baseline = build_baseline([file], spec=SPEC, horizon=4).baseline
        remarks, lines = self.said(baseline)
        assert lines == {}
        (skip,) = remarks.skipped
        assert skip.reason.startswith("needs a baseline, but it looks back 6 queries")
        with only(Absolute()):
            (story,) = stories(baseline, BUDGET)
        assert "does not run: too few principals asked for longer than it looks back" in story.standings[0].words
