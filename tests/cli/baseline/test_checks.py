import json
from pathlib import Path
from typing import Any

import pytest

from app.inference.baseline.test_story import CALM
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.detect.traffic_profile import profile
from cli.command import Ran, run

BRIGHT: dict[str, Any] = CALM | {"input": lambda i: [i % 7 + 90, i % 4 * 30 + i // 4 % 7]}
HOW = ("--range", "0,127")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    # Four different queries are enough to know a caller by.
    monkeypatch.setattr(profile, "WINDOW", 4)


@pytest.fixture
def baseline(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def command(*arguments: object) -> Ran:
        with only(FirstFeature(), 1e9):
            return run(capsys, "baseline", *arguments)

    log(tmp_path, users(60, **CALM))
    assert command("build", "log.jsonl", "--out", "b", *HOW).code == 0
    return command


class TestCheck:
    @pytest.mark.parametrize(
        ("part", "code", "words"),
        [
            (users(40, begin=5000, **CALM), 0, "40 callers"),
            (users(40, begin=5000, **BRIGHT), 1, "stale"),
            (users(9, begin=5000, **CALM), 3, "this log has 9"),
        ],
    )
    def test_the_exit_code_says_what_the_words_say(
        self, part: list[dict[str, Any]], code: int, words: str, baseline: Any, tmp_path: Path
    ) -> None:
        log(tmp_path, part, name="today.jsonl")
        ran = baseline("check", "b", "today.jsonl")
        assert (ran.code, ran.out.startswith("m: "), words in ran.out) == (code, True, True)

    def test_json_into_a_file(self, baseline: Any) -> None:
        assert baseline("check", "b", "log.jsonl", "--json", "--out", "fit.json").code == 0
        (fit,) = json.loads(Path("fit.json").read_text())
        assert (fit["model"], fit["stale"], fit["changes"]) == ("m", False, [])

    def test_rows_that_cannot_be_used_are_3(self, baseline: Any, tmp_path: Path) -> None:
        log(tmp_path, users(40, begin=5000, **CALM), rows(1, 9000, input=[1.0]), name="today.jsonl")
        ran = baseline("check", "b", "today.jsonl", "--rejected", "r.jsonl")
        assert ran.code == 3
        assert "input of the wrong length" in ran.err

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            (["none", "log.jsonl"], "does not exist"),
            (["log.jsonl", "log.jsonl"], "is not a baseline file"),
            (["b", "none"], "does not exist"),
            (["b", "other.jsonl"], "the callers of no model in the logs"),
            (["b", "log.jsonl", "--reader", "morse"], "Readers: auto"),
        ],
    )
    def test_a_wrong_request_is_2(self, arguments: list[str], why: str, baseline: Any, tmp_path: Path) -> None:
        log(tmp_path, users(3, model="n", **CALM), name="other.jsonl")
        ran = baseline("check", *arguments)
        assert ran.code == 2
        assert why in ran.err


class TestCompare:
    def test_thresholds_and_callers_stand_beside_each_other(self, baseline: Any, tmp_path: Path) -> None:
        near = rows(4, 900, principal="near", input=lambda i: [50, i % 4 * 30])
        log(tmp_path, users(60, **CALM), near, name="more.jsonl")
        baseline("build", "more.jsonl", "--out", "c", *HOW)
        ran = baseline("compare", "b", "c")
        assert ran.code == 0
        (row,) = [line for line in ran.out.splitlines() if "first_feature" in line]
        before, now, *reach = [cell.strip() for cell in row.strip("│").split("│")[2:]]
        # Who stands apart raises what benign callers reach to eight times as much, and what it takes by a twentieth.
        assert 6 < float(now) <= 1.05 * float(before)
        assert reach == ["6", "50"]
        assert "m, before: 60 callers, 100% ask a different thing each time" in ran.err
        assert "m, now: 61 callers" in ran.err

    def test_no_model_in_common_is_2(self, baseline: Any, tmp_path: Path) -> None:
        log(tmp_path, users(60, model="n", **CALM), name="other.jsonl")
        baseline("build", "other.jsonl", "--out", "c", *HOW)
        ran = baseline("compare", "b", "c")
        assert ran.code == 2
        assert "no model in common" in ran.err
