import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.set_aside import Overrules
from caponier.app.inference.baseline.story import TYPICAL, Story, benign_at, stories
from caponier.app.inference.plan import DetectionSettings, Diagnostics, levels_of, plan_for
from caponier.app.inference.scan import scan_inference
from caponier.detect.calibration.baseline import Baseline, Warm
from caponier.detect.calibration.judging import FEWEST, LONGER
from caponier.detect.detector import Subject
from caponier.detect.traffic_profile.behaviour_clusters import BehaviourCluster
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
CALM: dict[str, Any] = {"input": lambda i: [i % 7, i % 4 * 30 + i // 4 % 7]}


def built(
    folder: Path, n: int = 60, *more: list[dict[str, Any]], cold: float | None = 1e9, queries: int = 4, **how: Any
) -> BaselineReport:
    with only(FirstFeature(), cold):
        return build_baseline([log(folder, users(n, queries, **CALM), *more)], spec=SPEC, **how)


def told(report: BaselineReport, cold: float | None = 1e9) -> Story:
    with only(FirstFeature(), cold):
        (story,) = stories(report.baseline, report.nearest)
    return story


class TestThresholdStatus:
    def test_the_threshold_is_the_one_that_a_scan_takes_at_that_age(self, tmp_path: Path) -> None:
        report = built(tmp_path)
        (section,) = report.baseline.models
        (status,) = told(report).statuses
        with only(FirstFeature(), 1e9):
            terms = DetectionSettings.of(None, report.baseline)
            encoder = Encoder(section.spec, section.knots)
            case = plan_for(Diagnostics(), "m", None, encoder, terms.detectors, terms)
        assert case is not None
        assert status.needed == case.line("first_feature").needed(levels_of(section)[Subject.PRINCIPAL], TYPICAL)
        assert not status.cold

    def test_whoever_reaches_it_is_found_and_who_does_not_is_not(self, tmp_path: Path) -> None:
        report = built(tmp_path, 60, rows(400, 900, principal="old", input=lambda i: [i % 7, i % 127]))
        (status,) = told(report).statuses
        assert status.needed is not None
        for first, found in ((int(status.needed) + 1, 1), (int(status.needed * 0.9) - 1, 0)):
            # Somebody as old as the threshold is told for.
            calm = rows(TYPICAL - 1, 9_000, principal="bad", input=lambda i: [i % 7, i % 127])
            last = rows(1, 9_000 + TYPICAL, principal="bad", input=[first, 1])
            with only(FirstFeature(), 1e9):
                today = log(tmp_path, calm, last, name="today.jsonl")
                assert len(scan_inference([today], report.baseline).findings) == found

    def test_who_stands_nearest_is_named_with_the_habit(self, tmp_path: Path) -> None:
        near = rows(50, 900, principal="near", input=lambda i: [50, i % 127])
        (status,) = told(built(tmp_path, 60, near)).statuses
        assert (status.nearest[0].name, status.nearest[0].value) == ("principal near", 50)
        assert len(status.nearest) == 3
        assert "benign callers reach 50; the highest: principal near 50 (" in status.words
        assert status.nearest[0].habit is not None

    def test_a_file_holds_no_names(self, tmp_path: Path) -> None:
        report = built(tmp_path, 60, rows(4, 900, principal="near", input=lambda i: [50, i % 127]))
        (tmp_path / "b").write_bytes(report.baseline.to_bytes())
        assert b"near" not in (tmp_path / "b").read_bytes()
        with only(FirstFeature(), 1e9):
            (story,) = stories(Baseline.load(tmp_path / "b"))
        assert story.statuses[0].nearest == ()
        assert story.statuses[0].words.endswith("benign callers reach 50")

    def test_who_was_dropped_is_not_nearest_and_raises_nothing(self, tmp_path: Path) -> None:
        odd = rows(4, 900, principal="odd", input=lambda i: [120, i % 127])
        clean, mixed = (
            told(built(folder, 60, *more, overrules=Overrules(drop=frozenset({"odd"})))).statuses[0]
            for folder, more in ((tmp_path, ()), (tmp_path, (odd,)))
        )
        assert "principal odd" not in [one.name for one in mixed.nearest]
        assert mixed.needed == pytest.approx(clean.needed)

    def test_too_few_principals_start_cold_or_do_not_run(self, tmp_path: Path) -> None:
        report = built(tmp_path, FEWEST - 1)
        (cold,) = told(report).statuses
        assert (cold.cold, cold.needed) == (True, 1e9)
        assert str(FEWEST - 1) in cold.why_not
        assert cold.why_not in cold.words
        (blind,) = told(report, None).statuses
        assert blind.needed is None
        assert blind.words.startswith(f"does not run: {cold.why_not}")
        assert blind.to_dict()["basis"] is None

    def test_a_detector_that_is_off_says_why(self, tmp_path: Path) -> None:
        report = built(tmp_path)
        (section,) = report.baseline.models
        off = {name: replace(one, off="attackers do not stand out") for name, one in section.detectors.items()}
        with only(FirstFeature(), 1e9):
            (story,) = stories(Baseline((replace(section, detectors=off, tested=True),)))
        (status,) = story.statuses
        assert status.needed is None
        assert "attackers do not stand out" in status.words
        assert status.to_dict()["off"] == "attackers do not stand out"
        assert "m: detectors that run: none" in story.lines
        assert [line for line in story.lines if line.startswith("m: self-test: 1 ")]

    def test_benign_scores_are_those_of_an_age(self, tmp_path: Path) -> None:
        (status,) = told(built(tmp_path)).statuses
        assert benign_at(status).tolist() == pytest.approx(sorted([float(i) for i in benign_at(status)], reverse=True))
        assert len(benign_at(status, 1)) == 60
        assert benign_at(status, 10**9).tolist() == benign_at(status, 10**6).tolist()


class TestPromise:
    def test_it_says_how_many_are_flagged_in_a_week(self, tmp_path: Path) -> None:
        story = told(built(tmp_path, 120, alpha=0.02))
        assert story.expected == pytest.approx(0.02 * 120 * 7)
        assert re.findall(r"[\d.]+", story.promise) == ["2", "16.8", str(LONGER)]

    def test_a_share_below_one_caller_is_an_estimate_and_says_what_it_would_take(self, tmp_path: Path) -> None:
        said = told(built(tmp_path, 60)).promise.split("; this is an estimate: ")
        assert re.findall(r"\d+", said[1]) == ["99"]
        assert "estimate" not in told(built(tmp_path, 60, rows(396, 900, principal=lambda i: f"v{i // 4}"))).promise

    @pytest.mark.parametrize("habit", BehaviourCluster)
    def test_one_caller_with_a_habit_is_a_sentence_too(self, habit: BehaviourCluster) -> None:
        # One caller takes an s at the verb, which has to come first for it.
        verb = habit.split()[0]
        assert verb in {"ask", "change", "get", "send"}

    def test_too_few_promise_nothing(self, tmp_path: Path) -> None:
        promise = told(built(tmp_path, FEWEST - 1)).promise
        assert re.findall(r"\d+", promise) == ["29", str(FEWEST)]
        assert "%" not in promise

    def test_a_warm_start_promises_nothing(self, tmp_path: Path) -> None:
        report = built(tmp_path)
        (section,) = report.baseline.models
        with only(FirstFeature(), 1e9):
            (story,) = stories(Baseline((replace(section, version="2", warm=Warm("1", 7)),)))
        assert re.findall(r"\d+", story.promise) == ["7", "2"]
        assert any(line.startswith("m: started warm, from version 1 and 7 callers") for line in story.lines)

    def test_a_longer_log_is_advised_where_callers_are_few(self, tmp_path: Path) -> None:
        assert any("learn from more callers" in line for line in told(built(tmp_path)).lines)

    def test_it_says_that_the_self_test_was_not_run(self, tmp_path: Path) -> None:
        assert any("self-test not run" in line for line in told(built(tmp_path)).lines)


class TestHabits:
    def test_they_are_counted_the_largest_group_first(self, tmp_path: Path) -> None:
        calm = users(40, 60, input=lambda i: [i % 7 * 9, i % 60 * 2 + i // 60 % 2])
        same = rows(240, 9_000, principal="again", input=lambda i: [i // 4 % 7 * 9, i // 4 % 60 * 2])
        with only(FirstFeature(), 1e9):
            report = build_baseline([log(tmp_path, calm, same)], spec=SPEC)
        story = told(report)
        assert [count for _, count in story.groups] == sorted((count for _, count in story.groups), reverse=True)
        assert (BehaviourCluster.REPEATS, 1) in story.groups
        assert sum(count for _, count in story.groups) == 41
        assert any(
            line.startswith("m: how the 41 callers with at least 50 different queries use it:") for line in story.lines
        )
        assert story.to_dict()["habits"]["repeats"] == 1

    def test_the_first_line_says_who_taught_it(self, tmp_path: Path) -> None:
        first = next(told(built(tmp_path)).lines)
        assert first == (
            "m: learned from 60 callers and 240 events in less than a day"
            " (to give figures per week, it is counted as one day)"
        )

    @pytest.mark.parametrize("length", [1, 3])
    def test_who_asks_too_little_has_none(self, tmp_path: Path, length: int) -> None:
        story = told(built(tmp_path, 60, queries=length))
        assert story.groups == ()
        assert not any("with at least" in line for line in story.lines)
