"""Campaigns whose pictures are all made beforehand: they are sent, and the answers are counted."""

from typing import Final

import numpy as np

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import Campaign, CampaignOutcome, CampaignStage, MeteredModel, exam_of
from caponier.emulate.emulation import carried_out
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim

GAP_S: Final = 20.0


def prepared(pictures: Images, target: int, victim: Victim, training: Pool, split: DigitsSplit) -> CampaignStage:
    """Return a stage on which the attacker holds pictures (n, 64) that are to get an answer, none of them learned."""
    return CampaignStage(
        victim=victim,
        training=training,
        held=Pool(pictures, np.full(len(pictures), target, np.int64)),
        member=np.zeros(len(pictures), bool),
        exam=exam_of(split.test, victim),
    )


def send(
    campaign: Campaign, predict: Predict, stage: CampaignStage, enough: float, *, seed: int, budget: int | None
) -> CampaignOutcome:
    """Send the pictures that a stage holds, in any order.

    Args:
        campaign: Whose pictures they are.
        predict: Asks the model.
        stage: From `prepared`.
        enough: Share of all pictures that must get the answer that stands with them.
        seed: Fixes the order.
        budget: Most queries; the campaign's own by default.
    """
    line, got = MeteredModel(predict, campaign.budget if budget is None else budget), 0

    def steps() -> None:
        nonlocal got
        for place in np.random.default_rng(seed).permutation(len(stage.held)):
            got += int(line.ask(stage.held.images[place]).argmax()) == stage.held.labels[place]

    stop = carried_out(steps)
    share = got / len(stage.held)
    return line.outcome(
        campaign.name, campaign.techniques, stop, success=bool(share >= enough), measure={"success_rate": share}
    )
