from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caponier.emulate.attacker.membership import FEWEST, Inquiry, Verdicts, auc_of
from caponier.emulate.campaign import MeteredModel
from caponier.emulate.campaigns.label_only_membership import CAMPAIGN as LABEL_ONLY
from caponier.emulate.campaigns.membership_inference import CAMPAIGN as THRESHOLD
from caponier.emulate.campaigns.shadow_membership import CAMPAIGN as SHADOW
from caponier.emulate.images import Images
from caponier.emulate.outcome import Stop
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool, load_digits_split

ALL = (THRESHOLD, LABEL_ONLY, SHADOW)


@pytest.mark.slow
@pytest.mark.parametrize("campaign", ALL, ids=lambda campaign: campaign.name)
@pytest.mark.parametrize("kind", ["forest", "mlp"])
def test_both_victims_leak_to_every_kind_of_attacker(campaign: Any, kind: Kind) -> None:
    """What the detection is measured on must be an attack that works: by its own measure, on victims of both kinds."""
    for seed in range(3):
        chosen = replace(campaign, kind=kind, wrong=0.4)
        stage = chosen.stage(load_digits_split(seed), seed)
        outcome = chosen.run(stage.victim.predict_proba, stage, seed=seed)
        assert stage.victim.kind == kind
        assert outcome.measure["candidates"] >= FEWEST
        assert outcome.measure["auc"] >= 0.7
        assert outcome.success


@pytest.mark.parametrize(
    ("values", "member", "auc"),
    [([3, 2, 1], [1, 0, 0], 1.0), ([1, 2, 3], [1, 0, 0], 0.0), ([1, 1], [1, 0], 0.5), ([2, 1, 3], [1, 0, 0], 0.5)],
)
def test_the_auc_counts_pairs(values: list[float], member: list[int], auc: float) -> None:
    assert auc_of(np.array(values, float), np.array(member, bool)) == auc


@pytest.mark.parametrize("member", [[True, True], [False, False], []])
def test_without_both_kinds_there_is_no_auc(member: list[bool]) -> None:
    assert auc_of(np.ones(len(member)), np.array(member, bool)) == 0.5


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_labels_are_wrong_as_often_as_was_asked_for_members_and_others(split: DigitsSplit, wrong: float) -> None:
    truth = {image.tobytes(): label for pool in (split.train, split.attackers) for image, label in pairs(pool)}
    stage = Inquiry(wrong=wrong).staged(split, 0)
    right = np.array([truth[image.tobytes()] == label for image, label in pairs(stage.held)])
    for kind in (stage.member, ~stage.member):
        assert abs(1 - right[kind].mean() - wrong) < 0.15 * bool(wrong) + 1e-9


def test_what_the_attacker_owns_besides_stands_behind_the_candidates(split: DigitsSplit) -> None:
    without, held = Inquiry().staged(split, 0), Inquiry().staged(split, 0, holding=True)
    n = Inquiry().candidates
    assert len(without.held) == n
    assert np.array_equal(held.held.images[:n], without.held.images)
    assert len(held.held) == n + len(split.attackers) - n // 2
    assert not held.member[n:].any()
    everybody = {image.tobytes() for image in held.held.images}
    assert len(everybody & {image.tobytes() for image in held.training.images}) == n // 2


@pytest.mark.parametrize("answered", [0, FEWEST - 1, FEWEST])
def test_a_verdict_needs_enough_candidates(split: DigitsSplit, answered: int) -> None:
    stage = Inquiry().staged(split, 0)
    places = np.arange(len(stage.held))
    found = Verdicts(places, [float(stage.member[at]) for at in places[:answered]])
    line = MeteredModel(stage.victim.predict_proba, 1)
    outcome = found.outcome("any", Inquiry(), stage, line, Stop.FINISHED)
    assert outcome.measure["candidates"] == answered
    assert outcome.success == (answered >= FEWEST)


def pairs(pool: Pool) -> Iterator[tuple[Images, int]]:
    return zip(pool.images, pool.labels.tolist(), strict=True)
