"""An adversarial patch: on many different images a small region decides, and would do so on others.

Somebody prints a patch and holds it into what a camera sees (Brown et al. 2017), or pastes it on what they send. The
enrichment `occlusion` says of each image which answer its regions carry to other images. Parts of honest images do so
now and then, so that single images do not count; many unlike ones with such a region do.
"""

import numpy as np

from caponier.detect.batch import EventBatch
from caponier.detect.detector import Confidence, Counts, Enriched, Explanation, Params, Scores, Signal, State, Subject
from caponier.detect.rarity.signal_rarity import MOST, QUARTERS, STATE, WINDOW, Rarity
from caponier.matrix.technique import TechniqueId

PATCHED = Rarity(Enriched("occlusion", 4))


class LocalPatch:
    """Adds up how seldom regions of benign images decide as much, over a principal's last unlike images."""

    name = "local_patch"
    statistic = "patch_evidence"
    techniques = (
        TechniqueId("atlas", "AML.T0041"),
        TechniqueId("atlas", "AML.T0043"),
        TechniqueId("atlas", "AML.T0015"),
        TechniqueId("amltm-2020", "AMLTM.RECON.04"),
    )
    subject = Subject.PRINCIPAL
    # An event that counts is explained with its figure; repeats are passed over here.
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.INPUT, Signal.BASELINE})
    columns = frozenset({PATCHED.figure})
    state = STATE
    state_version = 1
    floor = 3 * MOST
    suspect = None
    max_confidence = Confidence.MEDIUM
    emulations = ("pasted_patch",)
    controls = ("stickers", "stamps", "occlusions", "random_user", "camera", "one_class")

    def fit(self, benign: EventBatch) -> Params:
        """Learn how much regions of benign images decide."""
        return PATCHED.fit(benign)

    def priors(self) -> tuple[Params, float] | None:
        """How much regions of honest images decide, only a baseline can tell."""
        return None

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Add up the evidence of each principal's last 32 unlike images."""
        return PATCHED.score(params, state, batch)

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say how much the last image's region decides."""
        bits, value = int(events.signals["score"][-1]) / QUARTERS, int(PATCHED.values(events)[-1])
        carried = max(value, 0) / 10**PATCHED.figure.digits
        last = f"; the region of the last image, put on other images, gives its answer a score of {carried:.2f}"
        summary = (
            "One caller sent images in which a small region alone decides the answer, far more often than in benign "
            f"ones{last if value >= 0 else ''} (evidence of the last {WINDOW} unlike images: {bits:g} bits)"
        )
        facts = {"evidence_bits": bits, "window": WINDOW, "carried": carried if value >= 0 else None}
        return Explanation(summary, facts, np.array([len(events) - 1]))


detector = LocalPatch()
