import json
import re
from pathlib import Path
from typing import Any

import pytest

from app.inference.baseline.test_story import CALM
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.story import Story, stories
from caponier.app.workspace.workspace import create_workspace
from caponier.detect.calibration.baseline import Baseline, ModelBaseline
from caponier.detect.traffic_profile import profile
from cli.command import Ran, run

BRIGHT: dict[str, Any] = CALM | {"input": lambda i: [i % 7 + 90, (i * 37) % 127]}
HOW = ("--range", "0,127")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    # Four different queries are enough to know a caller by.
    monkeypatch.setattr(profile, "WINDOW", 4)


@pytest.fixture
def caponier(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def command(*arguments: object) -> Ran:
        with only(FirstFeature(), 1e9):
            return run(capsys, *arguments)

    log(tmp_path, users(60, **CALM))
    return command


def section() -> ModelBaseline:
    """Return the one section of the baseline that was built."""
    (built,) = Baseline.load(Path("b")).models
    return built


def story() -> Story:
    """Return what it tells."""
    with only(FirstFeature(), 1e9):
        (told,) = stories(Baseline.load(Path("b")))
    return told


class TestBuild:
    def test_it_says_who_taught_it_and_where_thresholds_lie(self, caponier: Any) -> None:
        ran = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        assert (ran.code, ran.out) == (0, "")
        assert set(story().lines) <= set(ran.err.splitlines())
        assert not set(story().details) & set(ran.err.splitlines())
        assert any("60 " in line and "first_feature" not in line for line in story().lines)
        assert "next: caponier scan inference LOG --baseline b" in ran.err

    def test_verbose_says_what_each_detector_goes_by_and_who_stands_nearest(self, caponier: Any) -> None:
        ran = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--verbose")
        (detail,) = (line for line in ran.err.splitlines() if line.startswith("m: first_feature raises a finding from"))
        assert re.search(r"\b100 \b.*\breach 6\b.*principal u\d", detail)

    def test_the_share_is_the_given_one_before_the_workspaces(self, caponier: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path).write_text("[detect]\nalpha = 0.004\n")
        given = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--alpha", "0.02")
        assert (given.code, section().alpha, "2%" in story().promise) == (0, 0.02, True)
        usual = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        assert (usual.code, section().alpha, story().asked_for) == (0, 0.004, 249)
        assert f"m: {story().promise}" in usual.err

    def test_what_means_nothing_any_more_is_accepted_and_told(self, caponier: Any) -> None:
        plain = caponier("baseline", "build", "log.jsonl", "--out", "a", *HOW)
        ran = caponier(
            "baseline", "build", "log.jsonl", "--out", "b", *HOW, "--horizon", 4, "--alert-budget", "2 per week"
        )
        assert ran.code == plain.code == 0
        assert "deprecated: --horizon means nothing any more: every caller is judged at its age" in ran.err
        assert "deprecated: --alert-budget means nothing any more" in ran.err
        assert "deprecated" not in plain.err
        assert [line for line in ran.err.splitlines() if not line.startswith(("deprecated", "next"))] == [
            line for line in plain.err.splitlines() if not line.startswith("next")
        ]
        help_text = caponier("baseline", "build", "--help").out
        assert "--horizon" not in help_text
        assert "--alert-budget" not in help_text

    def test_a_picture_is_drawn(self, caponier: Any) -> None:
        assert caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--picture", "b.svg").code == 0
        assert Path("b.svg").read_text().startswith("<svg")

    @pytest.mark.parametrize(
        ("option", "value"), [("--picture", "nowhere/b.svg"), ("--alpha", "1"), ("--alpha", "0"), ("--alpha", "few")]
    )
    def test_a_wrong_request_is_2(self, option: str, value: str, caponier: Any) -> None:
        assert caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, option, value).code == 2


class TestShow:
    def test_it_tells_the_same_without_names(self, caponier: Any) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        ran = caponier("baseline", "show", "b", "--verbose", "--picture", "b.svg")
        assert {*story().lines, *story().details} <= set(ran.err.splitlines())
        assert re.search(r"m: first_feature .*\breach 6\n", ran.err)
        assert "principal u" not in ran.err
        assert Path("b.svg").read_text().startswith("<svg")

    def test_json_holds_habits_promise_and_thresholds(self, caponier: Any) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--alpha", "0.02")
        (section,) = json.loads(caponier("baseline", "show", "b", "--format", "json").out)
        assert section["habits"] == {"different": 60}
        assert section["alpha"] == 0.02
        assert section["days"] == 1.0
        assert section["self_tested"] is False
        assert section["expected_per_week"] == pytest.approx(0.02 * 60 * 7)
        detector = section["detectors"]["first_feature"]
        assert detector["threshold"] > 6
        assert (detector["basis"], detector["benign"], detector["age"], detector["off"]) == ("ranks", 60, 100, None)

    def test_the_old_budget_is_accepted_and_told(self, caponier: Any) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        ran = caponier("baseline", "show", "b", "--alert-budget", "0.02")
        assert ran.code == 0
        assert "deprecated: --alert-budget means nothing any more" in ran.err


class TestStale:
    def test_a_scan_says_so_in_words_and_in_its_document(self, caponier: Any, tmp_path: Path) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        log(tmp_path, users(40, begin=5000, **BRIGHT), name="today.jsonl")
        ran = caponier("scan", "inference", "today.jsonl", "--baseline", "b", "--format", "json")
        assert "note: m: the baseline is stale" in ran.err
        document = json.loads(ran.out)
        (fit,) = document["baselines"]
        assert (fit["model"], fit["stale"], fit["callers"]) == ("m", True, 40)
        assert all("stale_baseline" in finding["evidence"]["facts"] for finding in document["findings"])

    def test_few_callers_are_null(self, caponier: Any, tmp_path: Path) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        log(tmp_path, rows(9, 5000, **CALM), name="today.jsonl")
        document = json.loads(caponier("scan", "inference", "today.jsonl", "--baseline", "b", "--format", "json").out)
        assert document["baselines"][0]["stale"] is None
