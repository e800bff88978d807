from typing import Any

import numpy as np
import pytest

from caponier.emulate.caller.wire import Reply
from caponier.emulate.discovery.family_fingerprint import PROBE, FamilyFingerprint, along, bend, family
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.images import Images
from caponier.emulate.probe import Truth
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.victims.digits import Victim
from caponier.emulate.victims.in_process import LocalWire
from emulate.wires import Scripted

WEIGHTS = np.random.default_rng(1).normal(size=(64, 10)).astype(np.float32) / 4


def softmax(logits: Images) -> Images:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def linear(rows: Images) -> Images:
    return softmax(rows @ WEIGHTS)


def bent(rows: Images) -> Images:
    return softmax(np.maximum(rows @ WEIGHTS - 0.3, 0) @ WEIGHTS[:10])


def stepped(rows: Images) -> Images:
    return softmax(np.round(rows * 4) @ WEIGHTS)


def told(predict: object, seed: int = 0, probe: FamilyFingerprint = PROBE) -> str:
    wire = LocalWire(predict, Deployment(), lambda _: None, "mallory", EPOCH)
    return probe.run(wire, "digits", Truth("network"), seed=seed).found["family"]


@pytest.mark.parametrize(("predict", "name"), [(linear, "linear"), (bent, "network"), (stepped, "trees")])
@pytest.mark.parametrize("seed", range(5))
def test_families_are_told_by_how_scores_move(predict: object, name: str, seed: int) -> None:
    assert told(predict, seed) == name


@pytest.mark.parametrize("predict", [linear, bent, stepped])
def test_the_lines_alone_are_enough(predict: object) -> None:
    assert told(predict, 0, FamilyFingerprint(thorough=0)) == told(predict)


def test_a_real_network_is_named(victim: Victim) -> None:
    wire = LocalWire(victim.predict_proba, Deployment(), lambda _: None, "mallory", EPOCH)
    outcome = PROBE.run(wire, "digits", Truth.of(victim), seed=3)
    assert outcome.success
    assert outcome.measure["bend"] > 0.01
    assert outcome.requests <= PROBE.budget


@pytest.mark.parametrize("predict", [linear, bent, stepped])
def test_rounded_scores_hide_the_family(predict: Any) -> None:
    """What a guard's rounding is for: tiny steps no longer show."""
    assert told(lambda rows: np.round(predict(rows), 2)) == "trees"


def test_it_asks_for_explanations_and_is_refused_some() -> None:
    log = ServerLog()
    wire = LocalWire(bent, Deployment(), log.record, "mallory", EPOCH)
    PROBE.run(wire, "digits", Truth("network"), seed=0)
    seen = {(row["operation"], row["status"]) for row in log.rows()}
    assert {("explain", 200), ("explain", 400), ("predict", 200), ("predict", 400), ("metadata", 200)} <= seen


def test_without_scores_it_names_nothing_right() -> None:
    outcome = PROBE.run(Scripted(lambda *_: Reply(404, b"{}")), "digits", Truth("network"), seed=0)
    assert not outcome.success
    assert outcome.measure == {"still_share": 0.0, "bend": 0.0, "lines": 2}


class TestBend:
    def test_straight_odds_do_not_bend(self) -> None:
        logits = np.linspace(0, 3, 9)[:, None] * np.array([[1.0, -1.0, 0.5]])
        odds = np.exp(logits)
        assert bend(odds / odds.sum(axis=1, keepdims=True)) == pytest.approx(0, abs=1e-9)

    def test_a_kink_bends(self) -> None:
        logits = np.maximum(np.linspace(-1, 1, 9), 0)[:, None] * np.array([[1.0, -1.0]])
        odds = np.exp(logits)
        assert bend(odds / odds.sum(axis=1, keepdims=True)) > 0.05

    @pytest.mark.parametrize(
        "scores", [np.zeros((0, 1)), np.full((2, 3), 0.3), np.full((9, 3), 0.3), np.eye(9), np.full((9, 1), 1.0)]
    )
    def test_where_there_is_nothing_to_see_there_is_no_bend(self, scores: np.ndarray) -> None:
        assert bend(scores) == 0


def test_points_on_a_line_are_at_equal_steps() -> None:
    points = along(np.zeros(4, np.float32), np.ones(4, np.float32), 5)
    assert points[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(
    ("still", "bent", "name"), [(0.9, 0, "trees"), (0.9, 1, "trees"), (0, 1e-5, "linear"), (0.1, 0.2, "network")]
)
def test_the_verdict(still: float, bent: float, name: str) -> None:
    assert family(still, bent) == name
