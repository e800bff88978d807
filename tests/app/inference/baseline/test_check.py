from dataclasses import replace
from pathlib import Path

import pytest

from app.inference.baseline.test_story import CALM, SPEC, built
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.check import check_baseline, compare_baselines
from caponier.detect.calibration.baseline import Baseline
from caponier.errors import InputError


def test_callers_of_the_log_that_taught_it_fit(tmp_path: Path) -> None:
    with only(FirstFeature(), 1e9):
        file = log(tmp_path, users(60, 60, input=lambda i: [i % 7, i % 127]))
        report = build_baseline([file], spec=SPEC)
    (fit,) = check_baseline(report.baseline, [tmp_path / "log.jsonl"])
    assert (fit.section.model, fit.drift.stale, fit.drift.callers, fit.drift.known) == ("m", False, 60, 60)


def test_models_that_it_does_not_know_are_passed_over(tmp_path: Path) -> None:
    report = built(tmp_path)
    both = log(tmp_path, users(30, begin=900, **CALM), users(30, begin=900, model="n", **CALM), name="both.jsonl")
    assert [fit.section.model for fit in check_baseline(report.baseline, [both])] == ["m"]


def test_inputs_of_another_length_are_refused(tmp_path: Path) -> None:
    report = built(tmp_path)
    other = log(tmp_path, rows(9, input=[1.0, 2.0, 3.0]), name="other.jsonl")
    with pytest.raises(InputError, match="said to take 2 values"):
        check_baseline(report.baseline, [other])


def test_a_baseline_from_before_there_were_profiles_cannot_be_checked(tmp_path: Path) -> None:
    (section,) = built(tmp_path).baseline.models
    with pytest.raises(InputError, match="callers of no model"):
        check_baseline(Baseline((replace(section, profile=None),)), [tmp_path / "log.jsonl"])


def test_a_detector_of_one_baseline_alone_stands_beside_nothing(tmp_path: Path) -> None:
    report = built(tmp_path)
    (section,) = report.baseline.models
    with only(FirstFeature(), 1e9):
        (compared,) = compare_baselines(Baseline((replace(section, detectors={}),)), report.baseline)
    (difference,) = compared.differences
    assert (difference.detector, difference.old) == ("first_feature", None)
    assert difference.new is not None


def test_the_newest_sections_are_compared(tmp_path: Path) -> None:
    report = built(tmp_path)
    (section,) = report.baseline.models
    older = replace(section, version="0", created="2020-01-01T00:00:00Z")
    with only(FirstFeature(), 1e9):
        (compared,) = compare_baselines(Baseline((older, section)), report.baseline)
    assert compared.old.section is section


def test_no_model_in_common_is_refused(tmp_path: Path) -> None:
    report = built(tmp_path)
    with only(FirstFeature(), 1e9):
        file = log(tmp_path, users(60, model="n", **CALM), name="n.jsonl")
        other = build_baseline([file], spec=SPEC).baseline
        with pytest.raises(InputError, match="no model in common"):
            compare_baselines(report.baseline, other)
