"""Every scorecard, and what it has published: readable results, goals about figures, causes of misses alone."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from bench.__main__ import modules
from bench.machinery.scorecard import RESULTS, Goal, Scorecard

PUBLISHED = sorted(path for path in RESULTS.glob("*.json") if not path.name.endswith(".quick.json"))
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "benchmarks.md").read_text(encoding="utf-8")


def result(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_every_result_is_of_a_scorecard() -> None:
    assert {path.stem for path in PUBLISHED} <= set(modules())
    assert len(PUBLISHED) >= 10


@pytest.mark.parametrize("name", sorted(modules()))
def test_every_scorecard_says_what_it_does(name: str) -> None:
    module = import_module(modules()[name])
    assert (module.__doc__ or "").strip()
    assert (module.run.__doc__ or "").strip(), "also what a quick run leaves out"


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
class TestPublished:
    def test_it_is_a_whole_run_with_everything_it_depends_on(self, path: Path) -> None:
        told = result(path)
        assert told["bench"] == path.stem
        assert told["quick"] is False
        assert told["about"]
        assert told["machine"]["cores"] >= 1
        assert {"caponier", "numpy"} <= told["versions"].keys()
        assert told["date"] >= "2026"

    def test_its_goals_are_about_its_figures(self, path: Path) -> None:
        told = result(path)
        for plain in told["goals"]:
            assert plain["figure"] in told["figures"], plain

    def test_what_it_misses_is_what_its_figures_miss(self, path: Path) -> None:
        told = result(path)
        missed = [goal.figure for goal in (Goal(**plain) for plain in told["goals"]) if goal.missed_by(told["figures"])]
        assert told["missed"] == missed
        assert set(told.get("causes", ())) <= set(missed), "a cause is given for misses alone"

    def test_the_page_tells_its_figures(self, path: Path) -> None:
        told = result(path)
        (section,) = [part for part in PAGE.split("\n## ") if part.splitlines()[0].strip("`") == path.stem]
        words = section.replace("_", " ")
        assert [figure for figure in told["figures"] if figure.replace("_", " ") not in words] == []


class TestMissing:
    def test_a_figure_that_is_not_there_misses_its_goal(self) -> None:
        card = Scorecard("x", "about", {"a": 1.0, "b": None}, (Goal("b", 1, True), Goal("c", 1, False)))
        assert card.missed == ["b", "c"]

    @pytest.mark.parametrize(("value", "at_least", "missed"), [(2, True, False), (0.5, True, True), (2, False, True)])
    def test_a_bound_is_met_on_its_own_side(self, value: float, at_least: bool, missed: bool) -> None:
        assert Goal("a", 1.0, at_least).missed_by({"a": value}) is missed
        assert not Goal("a", 1.0, at_least).missed_by({"a": 1.0}), "the bound itself is good enough"

    def test_the_last_line_is_one_object_with_figures_and_goals(self) -> None:
        told = json.loads(Scorecard("x", "about", {"a": 1.0}, (Goal("a", 2, True),)).line())
        assert told == {"bench": "x", "figures": {"a": 1.0}, "goals": {"a": ">= 2"}, "missed": ["a"]}
