"""What docs/explanation/detection.md says is held against the code; its example is run."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.set_aside import APART, FEW
from caponier.app.inference.baseline.story import stories
from caponier.app.inference.findings import FALLBACK
from caponier.app.inference.plan import DEFAULT_BUDGET
from caponier.app.inference.scan import scan_inference
from caponier.detect.batch import IDLE_SECONDS
from caponier.detect.calibration.ages import LATER
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.joint_tail import BELIEVED, UNIT
from caponier.detect.calibration.judging import ALPHA, FEWEST, LONGER
from caponier.detect.detector import Confidence, EventDetector
from caponier.detect.events import iterative_query, novelty
from caponier.detect.registry import event_detectors
from caponier.records.severity import SEVERITY
from caponier.telemetry.features import LEVELS, MAX_FEATURES, POOLED_SIDE
from conftest import ALPHA as GENEROUS
from conftest import World
from laws.runs import findings, middling
from laws.streams import TYPICAL
from laws.test_id_law import id_law
from laws.test_proof_law import flagged_by, proof_law
from laws.test_split_law import split_law, split_law_of_findings

PAGE = (Path(__file__).parents[3] / "docs" / "explanation" / "detection.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())
(EXAMPLE,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def restless() -> EventDetector:
    names: dict[str, EventDetector] = {}
    exec(EXAMPLE, names)
    return names["detector"]


def test_the_example_is_short_and_follows_the_protocol(restless: EventDetector) -> None:
    assert len(EXAMPLE.strip().splitlines()) <= 48
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 40
    assert isinstance(restless, EventDetector)
    assert f'"{event_detectors.group}"' in PAGE


def test_the_example_keeps_the_laws(restless: EventDetector) -> None:
    id_law(restless)
    alone = [(restless, restless.fit(None))]
    for size in (1, 7, 50):
        split_law(alone, TYPICAL, range(size, len(TYPICAL), size))
    split_law_of_findings(alone, TYPICAL)
    assert findings(alone, TYPICAL, middling(alone, TYPICAL), 100)["restless"]


def test_the_example_learns_and_scans(restless: EventDetector, world: World) -> None:
    baseline = build_baseline([world.benign], alpha=GENEROUS, detectors=[restless]).baseline
    report = scan_inference([world.attacked], baseline, detectors=[restless])
    assert not report.skipped
    assert all(re.fullmatch(r"the answer changed \d+ times", finding.summary) for finding in report.findings)
    proof_law(restless, flagged_by(report, "restless"))


@pytest.mark.parametrize("name", event_detectors())
def test_every_detector_has_a_section(name: str) -> None:
    assert f"### `{name}`: " in PAGE
    assert PAGE.count("*Does not see*") == len(event_detectors())


def test_figures_are_those_of_the_code() -> None:
    assert f"flagged, {ALPHA:.0%} by default".replace("%", " %") in WORDS
    assert f"up to {LONGER} times as long" in WORDS
    assert LATER == 3
    assert "up to three times that age" in WORDS
    assert round(1 / math.exp(-BELIEVED / UNIT)) == 20
    assert "one benign caller in twenty or more reaches is ignored" in WORDS
    assert f"fewer than {FEWEST} callers" in WORDS
    assert f"at least {APART:g} times the next highest" in WORDS
    assert f"at most {FEW:.0%} of callers".replace("%", " %") in WORDS
    assert f'alert_budget = "{DEFAULT_BUDGET}"' in WORDS
    assert f"After {IDLE_SECONDS // 86_400} days of silence" in WORDS
    assert f"multiplied by {FALLBACK:g}" in WORDS
    assert f"Up to {MAX_FEATURES:,} features" in WORDS
    assert f"{POOLED_SIDE} \N{MULTIPLICATION SIGN} {POOLED_SIDE} values" in WORDS
    assert f"{LEVELS + 1} levels" in WORDS
    assert WORDS.count(f"the last {novelty.WINDOW} different queries") == 2
    assert novelty.WINDOW == iterative_query.WINDOW
    assert f"the {iterative_query.ODD:.0%} of".replace("%", " %") in WORDS


def test_caps_and_severities_are_those_of_the_code() -> None:
    assert ", ".join(f"{grade} {grade.cap:g}" for grade in Confidence) in WORDS
    for grade, row in SEVERITY.items():
        (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {grade}: ")]
        assert line.split("|")[2:6] == [f" {level} " for level in row]


def test_the_worked_example_is_right(world: World) -> None:
    (section,) = world.baseline.baseline.models
    (story,) = stories(Baseline((replace(section, principals=300, callers_per_week=300 * 7.0, alpha=ALPHA),)))
    assert "300 benign callers in a day are 2,100 in a week" in WORDS
    assert f"about {story.expected:g} findings about benign callers a week" in WORDS
    assert "about 21.0 a week" in story.promise


@pytest.mark.parametrize("word", ["law", "laws", "room", "rooms", "judge", "judged"])
def test_inner_words_stay_inside(word: str) -> None:
    assert not re.search(rf"\b{word}\b", PAGE, re.IGNORECASE)
