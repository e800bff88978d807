import json
from pathlib import Path
from typing import Any

import pytest

from app.inference.baseline.test_story import CALM
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.workspace.workspace import create_workspace
from cli.command import Ran, run

BRIGHT: dict[str, Any] = CALM | {"input": lambda i: [i % 7 + 90, (i * 37) % 127]}
HOW = ("--horizon", 4, "--range", "0,127")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)


@pytest.fixture
def caponier(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def command(*arguments: object) -> Ran:
        with only(FirstFeature(), 1e9):
            return run(capsys, *arguments)

    log(tmp_path, users(60, **CALM))
    return command


class TestBuild:
    def test_it_says_who_taught_it_and_where_thresholds_lie(self, caponier: Any) -> None:
        ran = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        assert (ran.code, ran.out) == (0, "")
        assert "m: of those who asked 4 different things or more, 60 ask different things" in ran.err
        assert "m: first_feature alerts above" in ran.err
        assert "the nearest: principal u" in ran.err

    def test_the_budget_is_the_given_one_before_the_workspaces(self, caponier: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path).write_text('[detect]\nalert_budget = "0.004"\n')
        given = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--alert-budget", "0.02")
        assert "first_feature alerts above 6 queries (a promise)" in given.err
        usual = caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        assert "An alert budget of 0.004 asks for 1 in 250: an estimate" in usual.err

    def test_a_picture_is_drawn(self, caponier: Any) -> None:
        assert caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, "--picture", "b.svg").code == 0
        assert Path("b.svg").read_text().startswith("<svg")

    @pytest.mark.parametrize(("option", "value"), [("--picture", "nowhere/b.svg"), ("--alert-budget", "often")])
    def test_a_wrong_request_is_2(self, option: str, value: str, caponier: Any) -> None:
        assert caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW, option, value).code == 2


class TestShow:
    def test_it_tells_the_same_without_names(self, caponier: Any) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        ran = caponier("baseline", "show", "b", "--alert-budget", "0.02", "--picture", "b.svg")
        assert "m: first_feature alerts above 6 queries (a promise); benign principals reach 6; back-test" in ran.err
        assert "principal u" not in ran.err
        assert Path("b.svg").read_text().startswith("<svg")

    def test_json_holds_habits_and_thresholds(self, caponier: Any) -> None:
        caponier("baseline", "build", "log.jsonl", "--out", "b", *HOW)
        ran = caponier("baseline", "show", "b", "--format", "json", "--alert-budget", "0.02")
        (section,) = json.loads(ran.out)
        assert section["habits"] == {"different": 60}
        detector = section["detectors"]["first_feature"]
        assert (detector["threshold"], detector["basis"], detector["promise_needs"]) == (6.0, "promise", 49)


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
