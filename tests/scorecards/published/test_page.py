"""The page of all scorecards, from results that are there, short, old or missing."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from bench.machinery.published.figure_words import WORDS, in_words
from bench.machinery.published.page import Page, stored


def result(bench: str, figures: Mapping[str, Any], *, quick: bool = False, **more: Any) -> dict[str, Any]:
    return {
        "bench": bench, "quick": quick, "about": "what was done.", "date": "2026-11-26T05:24:31+00:00",
        "figures": figures, "goals": [], "missed": [], "table": [], "seeds": [1],
        "machine": {"cores": 2, "processor": "a processor", "python": "3.11.7", "kernels": []},
    } | more  # fmt: skip


FILES = {
    "harmful_files": 4, "benign_files": 8, "harmful_unsafe_share": 0.75, "benign_unsafe": 0, "harmful_clean": 0,
    "benign_unknown_share": 0.125, "scanner_1.2_found_share": 0.5, "scanner_1.2_false_alarms": 2,
}  # fmt: skip


def test_a_page_of_no_results_has_no_figures() -> None:
    page = Page({})
    assert not re.findall(r"\d+ %", page.text())
    assert not page.pictures


def test_what_is_shown_is_dated_and_what_is_not_there_is_left_out() -> None:
    page = Page({"artifacts": result("artifacts", FILES)})
    text = page.text()
    assert re.findall(r"^\| artifacts \|.*2026-11-26.*a processor.*full", text, re.MULTILINE)
    assert "## Model files" in text
    assert "## Security logs" not in text
    assert list(page.pictures) == ["scorecard-files.svg"]
    assert "(pictures/scorecard-files.svg)" in text


def test_a_picture_says_the_figures_of_every_tool_in_words_too() -> None:
    page = Page({"artifacts": result("artifacts", FILES)})
    page.text()
    drawn = ElementTree.fromstring(page.pictures["scorecard-files.svg"])
    told = drawn.findtext("{http://www.w3.org/2000/svg}desc") or ""
    own, other = told.split("; ")
    assert re.findall(r"\d+ %", own) == ["75 %", "0 %"]
    assert re.findall(r"\d+ %", other) == ["50 %", "25 %"]


def test_a_missed_goal_of_any_scorecard_is_listed_with_its_figure_and_bound() -> None:
    goal = {"figure": "found_share", "bound": 0.9, "at_least": True}
    missed = result("somewhere", {"found_share": 0.51}, goals=[goal], missed=["found_share"])
    row = next(line for line in Page({"somewhere": missed}).text().splitlines() if "found share" in line)
    assert "51 %" in row
    assert "at least 90 %" in row


def test_what_nobody_had_looked_at_stands_beside_what_was_tuned_on() -> None:
    own = {"found_share": 0.68, "benign_flagged_share": 0.0045, "attackers": 657, "benign": 12_000}
    worst = {"worst_world_found_share": 0.33, "benign_flagged_share_of_worst_world_low": 0.005}
    known = {"abroad": result("abroad", own | worst)}
    held = result(
        "abroad_held_out", {"found_share": 0.5, "benign_flagged_share": 0.017, "attackers": 8, "benign": 4_000}
    )
    assert "1.7 % of 4,000 benign callers" in Page(known | {"abroad_held_out": held}).text()
    assert "Four more systems" not in Page(known).text()


def test_kinds_that_are_seldom_found_are_named_and_stand_first() -> None:
    prefixes = ("", "adaptive_")
    behaviour = result(
        "behaviour",
        {f"{prefix}{name}": 0.5 for prefix in prefixes for name in ("flagged_share", "succeeded_though_refused_share")}
        | {"attackers": 4, "benign_users": 10, "benign_users_flagged": 1, "attackers_flagged_share": 0.5}
        | {"benign_flagged_share_low": 0.0, "benign_flagged_share_high": 0.1}
        | {"attacks_succeeded_though_refused_share": 0.5},
        table=[
            {"who": "easy_one", "victim": "mlp", "number": 2, "flagged": 2, "queries_median": 3.0},
            {"who": "hard_one", "victim": "mlp", "number": 2, "flagged": 0, "queries_median": 300.0},
            {"who": "camera", "number": 10, "flagged": 1},
        ],
    )  # fmt: skip
    page = Page({"behaviour": behaviour})
    text = page.text()
    assert "Of these attacks, fewer than half are found: hard one." in text
    told = page.pictures["scorecard-kinds.svg"]
    assert told.index("hard one") < told.index("easy one")
    assert "camera" not in told
    assert "300" not in told


def test_a_short_run_counts_only_where_there_is_no_full_one(tmp_path: Path) -> None:
    for name, quick in (("a.quick", True), ("a", False), ("b.quick", True)):
        held = result(name.removesuffix(".quick"), {}, quick=quick)
        (tmp_path / f"{name}.json").write_text(json.dumps(held), encoding="utf-8")
    assert {name: one["quick"] for name, one in stored(tmp_path).items()} == {"a": False, "b": True}


def test_other_worlds_are_compared_with_every_rule_that_judged_them() -> None:
    figures = {
        "attackers": 9, "benign": 20, "found_share": 0.4, "benign_flagged_share": 0.0125,
        "worst_world_found_share": 0.3, "benign_flagged_share_of_worst_world_low": 0.005,
        "plain_rule_found_share": 0.3, "plain_rule_benign_flagged_share": 0.05,
    }  # fmt: skip
    page = Page({"abroad": result("abroad", figures)})
    assert "explanation/abroad.md" in page.text()
    assert "plain rule: attackers found 30 %, benign callers flagged 5 %" in page.pictures["scorecard-abroad.svg"]


def test_a_missed_goal_shows_shares_in_percent_and_how_near_it_was() -> None:
    goals = {"found_share": 0.85, "every_share": 1.0, "events_per_second": 50_000, "seen_share": 0.5}
    figures = {"found_share": 0.8455, "every_share": 0.88, "events_per_second": 42_640.0, "seen_share": None}
    one = result("one", figures) | {
        "goals": [{"figure": name, "bound": bound, "at_least": True} for name, bound in goals.items()],
        "missed": list(goals),
    }
    text = Page({"one": one}).text()
    assert "| 84.55 % | at least 85 % |" in text
    assert "| 88 % | 100 % |" in text
    assert "| 42,640 | at least 50,000 |" in text
    assert "no figure was measured: seen share (one)." in text


def test_a_missed_goal_is_told_in_words() -> None:
    missed = [(name, figure) for name, one in stored().items() for figure in one["missed"]]
    assert [both for both in missed if in_words(*both) == both[1].replace("_", " ")] == []


def test_words_are_for_figures_that_have_a_goal() -> None:
    goals = {(name, goal["figure"]) for name, one in stored().items() for goal in one["goals"]}
    assert {(name, figure) for name, words in WORDS.items() for figure in words} <= goals
