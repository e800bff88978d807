import math
from pathlib import Path
from typing import Any

import pytest

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.story import Story, stories
from caponier.app.inference.plan import Remarks, Terms, lines_of
from caponier.app.inference.promise import promise_of
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.traffic_profile.habits import Habit
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
CALM: dict[str, Any] = {"input": lambda i: [i % 7, i % 4 * 30 + i // 4 % 7]}
GENEROUS = AlertBudget(bound=0.02)


def built(folder: Path, n: int = 60, *more: list[dict[str, Any]], cold: float | None = 1e9) -> BaselineReport:
    with only(FirstFeature(), cold):
        return build_baseline([log(folder, users(n, **CALM), *more)], spec=SPEC, horizon=4)


def told(report: BaselineReport, budget: AlertBudget = GENEROUS, cold: float | None = 1e9) -> Story:
    with only(FirstFeature(), cold):
        (story,) = stories(report.baseline, budget, report.nearest)
    return story


class TestStanding:
    def test_the_threshold_is_the_one_that_a_scan_takes(self, tmp_path: Path) -> None:
        report = built(tmp_path)
        for budget in (GENEROUS, AlertBudget(per_week=2.0)):
            (standing,) = told(report, budget).standings
            with only(FirstFeature(), 1e9):
                terms = Terms.of(None, report.baseline, budget)
                lines = lines_of(Remarks(), "m", None, terms.detectors, report.baseline.models[0], terms)
            assert standing.line == lines["first_feature"][1]

    def test_who_stands_nearest_is_named_with_the_habit(self, tmp_path: Path) -> None:
        near = rows(4, 900, principal="near", input=lambda i: [50, i % 4 * 30])
        story = told(built(tmp_path, 60, near))
        (standing,) = story.standings
        assert (standing.nearest[0].name, standing.nearest[0].value) == ("principal near", 50)
        assert len(standing.nearest) == 3
        assert "benign principals reach 50, the nearest: principal near 50 (asks different things), principal " in (
            standing.words
        )

    def test_a_file_holds_no_names(self, tmp_path: Path) -> None:
        report = built(tmp_path, 60, rows(4, 900, principal="near", input=lambda i: [50, i % 127]))
        (tmp_path / "b").write_bytes(report.baseline.to_bytes())
        assert b"near" not in (tmp_path / "b").read_bytes()
        with only(FirstFeature(), 1e9):
            (story,) = stories(Baseline.load(tmp_path / "b"), GENEROUS)
        assert story.standings[0].nearest == ()
        assert "benign principals reach 50;" in story.standings[0].words

    def test_who_was_set_aside_is_not_nearest_and_makes_a_promise_dearer(self, tmp_path: Path) -> None:
        odd = rows(4, 900, principal="odd", input=lambda i: [120, i % 127])
        report = built(tmp_path, 60, odd, cold=100.0)
        (standing,) = told(report, AlertBudget(bound=0.001), 100.0).standings
        assert "principal odd" not in [one.name for one in standing.nearest]
        assert standing.needed == 1999
        assert "with 1 set aside a promise needs 1,999 principals" in standing.words

    def test_too_few_principals_start_cold_or_do_not_run(self, tmp_path: Path) -> None:
        report = built(tmp_path, 30)
        assert (
            "(a cold start: only 30 principals filled a horizon, and 50 are needed)" in told(report).standings[0].words
        )
        (blind,) = told(report, GENEROUS, None).standings
        assert blind.line is None
        assert blind.words.startswith("does not run: only 30 principals filled a horizon")


class TestMore:
    def test_a_promise_needs_no_more(self, tmp_path: Path) -> None:
        story = told(built(tmp_path))
        assert story.standings[0].promised
        assert not any("promises of the estimates" in line for line in story.lines)

    def test_the_budget_that_would_do_is_the_least_that_does(self, tmp_path: Path) -> None:
        report = built(tmp_path)
        (standing,) = told(report, AlertBudget(per_week=1.0)).standings
        assert standing.line is not None
        assert standing.line.basis is Basis.ESTIMATE
        assert standing.per_week is not None
        more = AlertBudget(per_week=standing.per_week * 1.0001)
        less = AlertBudget(per_week=standing.per_week * 0.999)
        assert told(report, more).standings[0].promised
        assert not told(report, less).standings[0].promised
        (line,) = [line for line in told(report, less).lines if "promises of the estimates" in line]
        assert line == f"m: a budget of {standing.per_week:,.1f} per week would make promises of the estimates"

    def test_as_many_principals_as_are_said_make_a_promise(self, tmp_path: Path) -> None:
        (standing,) = told(built(tmp_path), AlertBudget(bound=1 / 70)).standings
        assert (standing.promised, standing.needed) == (False, 69)
        (tmp_path / "more").mkdir()
        assert told(built(tmp_path / "more", 69), AlertBudget(bound=1 / 70)).standings[0].promised

    def test_where_no_budget_does_that_is_said(self, tmp_path: Path) -> None:
        odd = [rows(4, 900 + 4 * i, principal=f"odd{i}", input=lambda i: [120, i % 127]) for i in range(2)]
        story = told(built(tmp_path, 60, *odd, cold=100.0), AlertBudget(per_week=1.0), 100.0)
        (line,) = [line for line in story.lines if "promises of the estimates" in line]
        assert line.startswith("m: below 149 principals no budget makes promises")
        assert math.isclose(3 / 150, 0.02)

    def test_it_says_the_same_as_the_promise(self, tmp_path: Path) -> None:
        report, budget = built(tmp_path), AlertBudget(per_week=1.0)
        (standing,) = told(report, budget).standings
        assert f"a promise would need {standing.needed:,} principals" in promise_of(report.baseline.models[0], budget)


class TestHabits:
    def test_they_are_counted_the_largest_group_first(self, tmp_path: Path) -> None:
        same = rows(12, 900, principal="again", input=lambda i: [i // 3 % 7, i // 3 % 4 * 30])
        story = told(built(tmp_path, 60, same))
        assert story.groups == ((Habit.DIFFERENT, 60), (Habit.REPEATS, 1))
        assert (
            "m: of those who asked 4 different things or more, 60 ask different things, 1 send exact repeats"
            in list(story.lines)
        )
        assert story.to_dict() == {"habits": {"different": 60, "repeats": 1}}

    def test_the_first_line_says_who_taught_it(self, tmp_path: Path) -> None:
        first = next(told(built(tmp_path)).lines)
        assert first == (
            "m: learned from 60 principals and 240 events; 420 horizons of 4 different queries begin in a week"
        )

    @pytest.mark.parametrize("length", [1, 3])
    def test_who_asks_too_little_has_none(self, tmp_path: Path, length: int) -> None:
        with only(FirstFeature(), 1e9):
            report = build_baseline([log(tmp_path, users(60, length, **CALM))], spec=SPEC, horizon=4)
        story = told(report)
        assert story.groups == ()
        assert not any("different things or more" in line for line in story.lines)
