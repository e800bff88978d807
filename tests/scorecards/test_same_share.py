"""What is found at another rule's share of benign callers: the order of callers, and where the level lies in it."""

import numpy as np
import pytest
from bench.machinery.same_share import found_at_share, strengths

from caponier.detect.calibration.judging import Gathered, Ranking
from caponier.detect.events.distance_shape import detector as shape
from caponier.detect.events.novelty import detector as novelty
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.spool import SEPARATOR
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder

KNOWN = {"a": 9_000, "b": 4_000, "c": 4_000, "d": 0, "thief": 5_000, "spy": 4_000, "ghost": 0}
BENIGN, ATTACKERS = ("a", "b", "c", "d"), ("thief", "spy", "ghost")


class TestFoundAtShare:
    @pytest.mark.parametrize(("flagged", "found"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (9, 2)])
    def test_no_more_benign_callers_pass_than_are_said(self, flagged: int, found: int) -> None:
        """Of b and c, who are alike, both pass or none; and whoever is silent is found by no rule."""
        assert found_at_share(KNOWN, BENIGN, ATTACKERS, flagged) == found

    def test_more_flagged_never_finds_less(self) -> None:
        rng = np.random.default_rng(1)
        known = {f"u{at}": int(value) for at, value in enumerate(rng.integers(0, 40, 60))}
        benign, attackers = list(known)[:40], list(known)[40:]
        found = [found_at_share(known, benign, attackers, flagged) for flagged in range(42)]
        assert found == sorted(found)

    def test_whoever_was_not_scored_is_silent(self) -> None:
        assert found_at_share({"thief": 1}, ["a"], ["thief", "nobody"], 0) == 1
        assert found_at_share({}, [], [], 0) == 0


def gathered(scores: dict[str, list[int]]) -> Gathered:
    found = Gathered()
    for who, line in scores.items():
        found.add(
            [f"principal{SEPARATOR}{who}"],
            np.array(line, np.int64),
            np.arange(1, len(line) + 1),
            np.zeros(len(line), np.int64),
        )
    return found


USUAL = {f"u{at}": [at % 7] * 40 for at in range(60)}
RANKS = Ranking.of({"novelty": gathered(USUAL), "distance_shape": gathered(USUAL)}).ranks


class TestStrengths:
    def plan(self, limit: float = 0.0) -> Plan:
        encoder = Encoder(FeatureSpec(kind="numeric", shape=(2,)), np.zeros((2, 2), np.float32))
        lines = [CalibratedDetector(one, {}, limit, RANKS[one.name]) for one in (novelty, shape)]
        return Plan("m", encoder, tuple(lines))

    def test_callers_come_in_the_order_of_what_all_detectors_say(self) -> None:
        one = gathered({"usual": [3] * 20, "odd": [40] * 20, "odd twice": [40] * 20})
        other = gathered({"usual": [3] * 20, "odd": [3] * 20, "odd twice": [40] * 20})
        found = strengths(self.plan(), {"novelty": one, "distance_shape": other})
        assert 0 < found["usual"] < found["odd"] < found["odd twice"]

    def test_up_to_its_limit_a_score_says_nothing(self) -> None:
        one = gathered({"odd": [40] * 20, "odder": [41] * 20})
        found = strengths(self.plan(40.0), {"novelty": one, "distance_shape": gathered({})})
        assert found["odd"] == 0 < found["odder"]
