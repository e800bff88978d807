"""What a detector runs with: ranks, a limit of a cold start, or not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.inference.event_files import SPREAD, FirstFeature, log, only, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.plan import DetectionSettings, Diagnostics, ModelDetection, levels_of, plan_for
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline, ModelBaseline, Warm
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.detector import Subject
from caponier.engines.plan import COLD_LEVEL, DAY_US
from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from outputs.held_output import HeldOutputs

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
COLD = 100.0


class Floored(FirstFeature):
    """Says nothing up to twenty."""

    floor = 20


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> ModelBaseline:
    with only(FirstFeature(), COLD):
        file = log(tmp_path_factory.mktemp("benign"), users(60, model_version="1", **SPREAD))
        (made,) = build_baseline([file], spec=SPEC).baseline.models
    return made


def planned(
    section: ModelBaseline | None,
    cold: float | None = COLD,
    version: str | None = "1",
    detector: FirstFeature | None = None,
) -> tuple[ModelDetection | None, Diagnostics]:
    remarks = Diagnostics()
    with only(detector or FirstFeature(), cold):
        terms = DetectionSettings.of(None, Baseline((section,)) if section else None)
        encoder = Encoder.fit(SPEC, np.zeros((1, 2), np.float32))
        return plan_for(remarks, "m", version, encoder, terms.detectors, terms), remarks


def test_with_enough_benign_callers_a_detector_is_ranked(section: ModelBaseline) -> None:
    case, remarks = planned(section)
    assert case is not None
    line = case.line("first_feature")
    assert line.ranks is section.detectors["first_feature"].ranks
    assert case.plan.levels == levels_of(section) == {Subject.PRINCIPAL: section.tails[Subject.PRINCIPAL].level(0.01)}
    assert case.plan.tails is section.tails
    assert case.plan.span == section.span == DAY_US
    assert case.sure
    assert (remarks.notes, remarks.skipped) == ([], [])


def test_the_share_of_the_baseline_counts(section: ModelBaseline) -> None:
    levels = [levels_of(replace(section, alpha=alpha))[Subject.PRINCIPAL] for alpha in (0.001, 0.01, 0.1)]
    assert levels == sorted(levels, reverse=True)
    assert len(set(levels)) == 3


@pytest.mark.parametrize(
    ("least", "floor", "limit"), [(0.0, 0, 0.0), (33.0, 0, 33.0), (0.0, 20, 20.0), (33.0, 20, 33.0)]
)
def test_up_to_its_floor_and_what_a_later_version_reached_nothing_counts(
    section: ModelBaseline, least: float, floor: int, limit: float
) -> None:
    learned = {name: replace(one, least=least) for name, one in section.detectors.items()}
    case, _ = planned(replace(section, detectors=learned), detector=Floored() if floor else FirstFeature())
    assert case is not None
    assert case.line("first_feature").limit == limit


def test_a_detector_that_is_off_does_not_run_and_it_is_said_why(section: ModelBaseline) -> None:
    learned = {name: replace(one, off="cannot tell jbda here") for name, one in section.detectors.items()}
    case, remarks = planned(replace(section, detectors=learned))
    assert case is None
    assert remarks.skipped == []
    assert remarks.notes == ["m: first_feature is off: it cannot tell jbda here"]


def test_with_too_few_it_starts_cold_or_not_at_all(tmp_path: Path, held: HeldOutputs) -> None:
    with only(FirstFeature(), COLD):
        (few,) = build_baseline([log(tmp_path, users(FEWEST - 1, **SPREAD))], spec=SPEC).baseline.models
    case, remarks = planned(few, version=None)
    assert case is not None
    assert (case.line("first_feature").ranks, case.line("first_feature").limit) == (None, COLD)
    notes = remarks.notes
    case, remarks = planned(few, cold=None, version=None)
    assert case is None
    held.check("plan/few-callers", "\n".join([*notes, *map(str, remarks.skipped)]))


def test_without_a_baseline_it_starts_cold(held: HeldOutputs) -> None:
    case, remarks = planned(None)
    assert case is not None
    assert case.plan.level == COLD_LEVEL
    assert case.plan.tail is None
    held.check("plan/no-baseline", "\n".join(remarks.notes))


def test_another_state_version_counts_for_nothing(section: ModelBaseline, held: HeldOutputs) -> None:
    learned = {name: replace(one, version=one.version + 1) for name, one in section.detectors.items()}
    case, remarks = planned(replace(section, detectors=learned))
    assert case is not None
    assert case.line("first_feature").ranks is None
    held.check("plan/other-version-of-a-detector", "\n".join(remarks.notes))


@pytest.mark.parametrize(("version", "word"), [("2", "version 2"), (None, "version unknown")])
def test_a_log_of_another_version_is_told_and_one_that_is_known_is_no_promise(
    section: ModelBaseline, version: str | None, word: str
) -> None:
    case, remarks = planned(section, version=version)
    assert case is not None
    assert case.sure is (version is None)
    assert f"most events of {word}; build one for it, --from this one" in remarks.notes[0]


def test_a_warm_start_promises_nothing(section: ModelBaseline) -> None:
    case, remarks = planned(replace(section, warm=Warm("0", 7)))
    assert case is not None
    assert not case.sure
    assert remarks.notes == ["m: ranks are those of version 0, since only 7 callers are of this version"]


class TestTerms:
    def test_the_budget_is_the_given_one_the_workspaces_or_the_usual(self, tmp_path: Path) -> None:
        file = create_workspace(tmp_path)
        file.write_text('[detect]\nalert_budget = "1 per day"\n')
        home = require_workspace(file)
        assert DetectionSettings.of(None).budget == AlertBudget(per_week=2.0)
        assert DetectionSettings.of(home).budget == AlertBudget(per_week=7.0)
        assert DetectionSettings.of(home, budget=AlertBudget(bound=0.1)).budget == AlertBudget(bound=0.1)

    def test_a_baseline_of_the_inventory_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        file = create_workspace(tmp_path)
        file.write_text('[[model]]\nname = "m"\nbaseline = "gone.safetensors"\n')
        with pytest.raises(InputError, match=r"gone\.safetensors"):
            DetectionSettings.of(require_workspace(file))
