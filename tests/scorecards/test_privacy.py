"""The scorecard of privacy: disguises, the thief, and figures from a handful of rows."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from bench.scorecards import privacy
from bench.scorecards.privacy import DISGUISES, PLAIN, Thief, Ways, _canaries, _figures, _table

from caponier.emulate.simulation.trace import trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim


@pytest.fixture
def split(digits: tuple[DigitsSplit, Victim]) -> DigitsSplit:
    return digits[0]


def row(kind: str, way: str, flagged: bool, **more: Any) -> dict[str, Any]:
    plain = {"kind": kind, "victim": "forest", "way": way, "seed": 1, "auc": 0.8, "flagged": flagged}
    return {**plain, "queries": 7 if flagged else None, "by_any": flagged, **more}


def test_noise_is_put_on_candidates_and_own_records_alike(split: DigitsSplit) -> None:
    stage = privacy.KINDS["shadow"]("forest").stage(split, 1)
    noisy = Ways(noise=0.05).stage(stage, np.random.default_rng(0))
    moved = np.abs(noisy.held.images - stage.held.images).max(axis=1)
    assert (moved > 0.01).all()
    assert noisy.held.images.min() >= 0
    assert noisy.held.images.max() <= 1
    assert np.array_equal(noisy.member, stage.member)
    assert Ways().stage(stage, np.random.default_rng(0)) is stage


def test_every_disguise_is_carried_out_by_the_campaign_itself(split: DigitsSplit) -> None:
    own = split.attackers.images
    for way in DISGUISES.values():
        campaign = privacy.KINDS["threshold"]("forest")
        stage = campaign.stage(split, 1)
        how = {"accounts": way.accounts, "disguise": way.disguise(own, 1, 1)}
        done = trace_campaign(campaign, way.stage(stage, np.random.default_rng(0)), seed=1, **how)
        assert done.events.num_rows == campaign.candidates * (1 + way.photos)
        assert len(set(done.events["principal"].to_pylist())) == way.accounts
        assert done.outcome.queries == campaign.candidates


def test_whoever_asks_for_a_candidate_asks_for_its_copies(split: DigitsSplit) -> None:
    disguise = Ways(accounts=2).disguise(split.attackers.images, 1, 3)
    assert isinstance(disguise, partial)
    assert disguise.keywords == {"queries": 3}


def test_a_thief_asks_for_one_canary_among_photos(split: DigitsSplit) -> None:
    canary = _canaries(split, 1)[0]
    thief = Thief(canary, split.attackers.images)
    done = trace_campaign(thief, thief.stage(split, 1), seed=1)
    asked = np.array(done.events["input"].to_pylist(), np.float32)
    assert len(asked) == len(np.unique(asked, axis=0)) == thief.budget
    assert (asked == canary).all(axis=1).sum() == 1


def test_canaries_exist_nowhere_else(split: DigitsSplit) -> None:
    made = {canary.tobytes() for canary in _canaries(split, 1)}
    assert len(made) == privacy.CANARIES
    for pool in (split.train, split.calibration, split.test, split.attackers):
        assert not made & {image.tobytes() for image in pool.images}


def test_figures_are_of_the_plain_attacks_and_of_each_disguise() -> None:
    rows = [
        row("threshold", PLAIN, True, queries=5),
        row("label-only", PLAIN, False, seed=2, auc=0.75),
        row("shadow", PLAIN, True, queries=9),
        row("threshold", "noise 5 %", False),
        row("label-only", "mixed 1:10", True),
        row("canary", PLAIN, True, auc=None),
    ]
    figures = _figures(rows)
    assert figures["attack_auc_least"] == 0.75
    assert figures["flagged_share"] == round(2 / 3, 4)
    assert figures["flagged_share_worst"] == 0.0
    assert (figures["queries_median"], figures["queries_most"]) == (7, 9)
    assert figures["label_only_queries_median"] is None
    assert figures["noise_5_flagged_share"] == 0.0
    assert figures["mixed_1_to_10_flagged_share"] == 1.0
    assert figures["canary_flagged_share"] == 1.0
    assert "12_accounts_flagged_share" not in figures


@pytest.mark.parametrize("flagged", [True, False])
def test_the_table_has_a_line_for_each_kind_victim_and_way(flagged: bool) -> None:
    (line,) = _table(
        [row("threshold", PLAIN, flagged), row("threshold", PLAIN, flagged, queries=11 if flagged else None)]
    )
    assert line["number"] == 2
    assert line["flagged"] == 2 * flagged
    assert line["queries"] == ((9.0, 11) if flagged else None)
    assert line["auc_least"] == 0.8
