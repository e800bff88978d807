"""A backdoor is used: many different images whose answers stay sure whatever is laid over them.

A model that was trained on poisoned rows gives the attacker's answer to whatever carries the trigger, also under other
images: STRIP (Gao et al. 2019) sees it by the entropy of the answers. The enrichment `overlay_entropy` is that figure.
Some honest images dominate what is laid over them, too, so that single images do not count; many unlike ones do.
"""

import numpy as np

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Confidence, Counts, Enriched, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.rarity.signal_rarity import MOST, QUARTERS, STATE, WINDOW, Rarity
from caponier.matrix.technique import TechniqueId

UNMOVED = Rarity(Enriched("overlay_entropy", 4))


class TriggerProbe:
    """Adds up how seldom answers to benign images stay as sure under overlays, over the last unlike images."""

    name = "trigger_probe"
    statistic = "trigger_evidence"
    techniques = (
        TechniqueId("atlas", "AML.T0043.004"),
        TechniqueId("atlas", "AML.T0018.000"),
        TechniqueId("amltm-2020", "AMLTM.INIT.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.02"),
    )
    subject = Subject.PRINCIPAL
    # An event that counts is explained with its figure; repeats are passed over here.
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns = frozenset({UNMOVED.figure})
    state = STATE
    state_version = 1
    floor = 3 * MOST
    suspect = None
    max_confidence = Confidence.MEDIUM
    emulations = ("backdoor_trigger",)
    controls = ("stickers", "stamps", "occlusions", "random_user", "camera", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how sure answers to benign images stay."""
        return UNMOVED.fit(benign)

    def priors(self) -> tuple[Params, float] | None:
        """How sure answers to honest images stay, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each principal's last 32 unlike images."""
        return UNMOVED.score(params, state, batch)

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how sure the last answer stays."""
        bits, value = int(events.signals["score"][-1]) / QUARTERS, int(UNMOVED.values(events)[-1])
        entropy = 1 - max(value, 0) / 10**UNMOVED.figure.digits
        last = f"; the answer to the last image is uncertain by {entropy:.2%}" if value >= 0 else ""
        summary = (
            "One caller sent images whose answer stays the same when they are blended with other images, far more "
            f"often than with benign images{last} (evidence of the last {WINDOW} unlike images: {bits:g} bits)"
        )
        facts = {"evidence_bits": bits, "window": WINDOW, "entropy": entropy if value >= 0 else None}
        return Explanation(summary, facts, np.array([len(events) - 1]))


detector = TriggerProbe()
