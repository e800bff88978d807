"""What changed from one baseline to the next, in words that a scheduled run may print."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.inference.baseline.test_story import CALM, SPEC, built
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.in_words import ALIKE, changes_in_words
from caponier.detect.calibration.baseline import Baseline
from caponier.records.inventory import FeatureSpec


@pytest.fixture
def old(tmp_path: Path) -> Baseline:
    return built(tmp_path).baseline


def changed(old: Baseline, new: Baseline) -> list[str]:
    with only(FirstFeature(), 1e9):
        return changes_in_words(old, new)


def renamed(one: Baseline, name: str) -> Baseline:
    return Baseline(tuple(replace(section, model=name) for section in one.models))


def test_the_same_traffic_moves_nothing(old: Baseline) -> None:
    assert changed(old, old) == [
        "m: 240 events of 60 callers, before 240 of 60",
        "m: no threshold moved by more than a tenth",
    ]


def test_louder_traffic_raises_a_threshold_and_both_are_told(old: Baseline, tmp_path: Path) -> None:
    loud = built(tmp_path, 60, rows(40 * 4, 5_000, principal=lambda i: f"x{i // 4}", input=lambda i: [60, i % 127]))
    counted, moved = changed(old, loud.baseline)
    assert counted == "m: 400 events of 100 callers, before 240 of 60"
    assert moved.startswith("m: first_feature raises a finding from ")
    now, was = (
        moved.removeprefix("m: first_feature raises a finding from ").removesuffix(" on").split(" on, before from ")
    )
    assert float(now.replace(",", "")) > (1 + ALIKE) * float(was.replace(",", ""))
    assert changed(loud.baseline, old)[1] == f"m: first_feature raises a finding from {was} on, before from {now} on"


def test_a_detector_that_is_switched_off_does_not_run_any_more(old: Baseline) -> None:
    (section,) = old.models
    learned = {name: replace(one, off="cannot tell") for name, one in section.detectors.items()}
    new = Baseline((replace(section, detectors=learned),))
    assert changed(old, new)[1] == "m: first_feature does not run any more"
    assert changed(new, old)[1].startswith("m: first_feature runs now, from ")
    assert changed(new, new)[1] == "m: no threshold moved by more than a tenth"


def test_models_that_come_and_go_are_named(old: Baseline) -> None:
    other = renamed(old, "n")
    assert changed(old, other) == [
        "n: new; there was no baseline of it before",
        "m: gone; nothing was learned of it this time",
    ]
    both = Baseline((*old.models, *other.models))
    told = changed(old, both)
    assert told[0] == "n: new; there was no baseline of it before"
    assert [line.split(":")[0] for line in told[1:]] == ["m", "m"]


def test_inputs_that_are_described_otherwise_are_told_before_any_threshold(old: Baseline, tmp_path: Path) -> None:
    wide = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=255.0)
    assert wide.digest() != SPEC.digest()
    with only(FirstFeature(), 1e9):
        new = build_baseline([log(tmp_path, users(60, **CALM))], spec=wide).baseline
    told = changed(old, new)
    assert told[1] == "m: its input is described otherwise than before; thresholds say nothing of each other"
    assert len(told) == 3


def test_from_nothing_everything_is_new_and_back_gone(old: Baseline) -> None:
    assert changed(Baseline(), old) == ["m: new; there was no baseline of it before"]
    assert changed(old, Baseline()) == ["m: gone; nothing was learned of it this time"]
    assert changed(Baseline(), Baseline()) == []
