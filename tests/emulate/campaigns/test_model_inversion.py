import numpy as np
import pytest

from caponier.emulate.campaigns import model_inversion
from caponier.emulate.campaigns.model_inversion import CAMPAIGN, ModelInversion, _likeness, _smooth
from caponier.emulate.images import Images
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim

ONE = ModelInversion(climbs=1, step=0.05)


def test_a_climb_begins_with_noise_and_takes_small_steps_from_the_best(split: DigitsSplit, victim: Victim) -> None:
    stage = ONE.stage(split, 1, victim)
    traced = trace_campaign(ONE, stage, seed=1)
    asked = np.array(traced.events["input"].to_pylist(), np.float32)
    scores = np.array(traced.events["scores"].to_pylist(), np.float32)
    target = int(np.random.default_rng(1).integers(10))
    assert 0.25 < asked[0].std() < 0.33
    for at in range(1, len(asked)):
        best = asked[scores[:at, target].argmax()]
        assert np.abs(asked[at] - best).max() < 6 * ONE.step
    assert scores[:, target].max() > 0.999
    assert traced.outcome.measure["queries_until_sure"] == np.flatnonzero(scores[:, target] > 0.9)[0] + 1


def test_the_attacker_holds_nothing_but_noise(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 1, victim)
    assert stage.held.images.mean() == pytest.approx(0.5, abs=0.03)
    assert np.abs(np.corrcoef(stage.held.images)[np.triu_indices(CAMPAIGN.climbs, 1)]).mean() < 0.2


def test_a_model_that_never_answers_better_is_given_up(
    split: DigitsSplit, victim: Victim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_inversion, "PATIENCE", 20)
    even = np.full((1, 10), 0.1, np.float32)
    few = ModelInversion(climbs=3)
    outcome = few.run(lambda _: even, few.stage(split, 1, victim), seed=1)
    assert outcome.queries == 60
    assert not outcome.success
    assert outcome.measure["found"] == 0


def test_several_climbs_show_more_than_one(split: DigitsSplit, victim: Victim) -> None:
    alone, together = (
        np.mean(
            [how.run(victim.predict_proba, how.stage(split, s, victim), seed=7).measure["likeness"] for s in range(4)]
        )
        for how in (ONE, ModelInversion(climbs=12))
    )
    assert together > alone


def test_changes_are_smooth() -> None:
    rng = np.random.default_rng(0)
    changes: Images = np.array([_smooth(rng, (8, 8)) for _ in range(100)])
    pictures = changes.reshape(-1, 8, 8)
    beside = np.corrcoef(pictures[:, :, :-1].ravel(), pictures[:, :, 1:].ravel())[0, 1]
    away = np.corrcoef(pictures[:, :, :-3].ravel(), pictures[:, :, 3:].ravel())[0, 1]
    assert beside > 0.3
    assert abs(away) < 0.1
    assert changes.std(axis=1) == pytest.approx(np.ones(100), abs=1e-3)


def test_likeness_is_a_correlation_with_the_mean_image() -> None:
    images = np.random.default_rng(1).random((7, 64), np.float32)
    assert _likeness([images.mean(axis=0)], images) == pytest.approx(1)
    assert _likeness([1 - images.mean(axis=0)], images) == pytest.approx(-1)
    assert _likeness([], images) == 0.0
