from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from caponier.matrix.technique import TechniqueId
from caponier.records.trial import Trial

TRIAL = Trial(
    trial_id="v-1-000",
    detector="flood",
    techniques=(TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),),
    emulation="flood",
    control="burst",
    target="digits-mlp",
    caponier_version="1.0",
    time=datetime(2026, 1, 5, 12, tzinfo=UTC),
    attack_succeeded=True,
    detected=True,
    control_silent=True,
    figures={"seconds": 1.5},
)


def test_the_json_form_comes_back_as_it_was() -> None:
    assert Trial.from_dict(TRIAL.to_dict()) == TRIAL


@pytest.mark.parametrize("one", ["attack_succeeded", "detected", "control_silent"])
def test_a_trial_passes_only_if_all_three_hold(one: str) -> None:
    assert TRIAL.passed
    assert not replace(TRIAL, **{one: False}).passed  # type: ignore[arg-type]


def test_only_a_successful_attack_can_be_missed() -> None:
    assert replace(TRIAL, detected=False).missed
    assert not replace(TRIAL, detected=False, attack_succeeded=False).missed


@pytest.mark.parametrize(
    "change", [{"time": "2026-01-05T12:00:00"}, {"time": "yesterday"}, {"detected": "true"}, {"detected": 1}]
)
def test_a_value_without_meaning_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Trial.from_dict(TRIAL.to_dict() | change)
