import numpy as np

from caponier.emulate.campaigns.flood import CAMPAIGN
from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim


def test_it_repeats_a_handful_of_images(split: DigitsSplit, victim: Victim) -> None:
    outcome = CAMPAIGN.run(victim.predict_proba, CAMPAIGN.stage(split, 0, victim), seed=0)
    assert outcome.queries == CAMPAIGN.budget
    assert outcome.unique_queries == CAMPAIGN.images


def test_more_than_a_hundred_requests_a_second(split: DigitsSplit, victim: Victim) -> None:
    events = trace_campaign(CAMPAIGN, CAMPAIGN.stage(split, 0, victim), seed=0).events
    times = events["time"].to_pylist()
    assert len(times) / (times[-1] - times[0]).total_seconds() > 100


def test_a_flood_that_is_cut_off_is_no_success(split: DigitsSplit, victim: Victim) -> None:
    stage = CAMPAIGN.stage(split, 0, victim)
    left = iter(range(100))

    def predict(rows: np.ndarray) -> np.ndarray:
        if next(left, None) is None:
            from caponier.emulate.caller.oracle import RefusedError

            raise RefusedError("too many requests")
        return victim.predict_proba(rows)

    outcome = CAMPAIGN.run(predict, stage, seed=0)
    assert outcome.measure["answered"] == 100 / CAMPAIGN.budget
    assert not outcome.success
