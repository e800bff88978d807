"""Teach a model to withstand small changes of its input, into a new file, and attack both."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from caponier.app.progress import Progress, Silent
from caponier.app.remediate.pinned_test_set import Figures
from caponier.app.remediate.retrained_model import Material, RetrainedModel, Retraining, retrain, share
from caponier.detect.networks.network import Network
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.records.remediation import RemediationKind
from caponier.remediate.adversarial_training import Ball, hardened, withstood

ROBUST: Final = "robust_accuracy"
"""Name of the figure that says how many rows are answered rightly however they are moved."""
WIDER: Final = "robust_accuracy_wider"
"""The same, half as far again as the model was taught."""
HALF_AGAIN: Final = 1.5
MOST_ATTACKED: Final = 500
WEAK: Final = 0.5
"""Share of rightly answered rows that the attack must turn before the repair, for it to be worth a repair."""


@dataclass(frozen=True)
class RobustnessRepair(Retraining):
    """What the user asks for."""

    epsilon: float = field(kw_only=True)
    """How far a feature may be moved."""
    lessons: int = field(default=3_000, kw_only=True)


def remediate_robustness(
    path: Path, asked: RobustnessRepair, *, workspace: Workspace | None = None, progress: Progress | None = None
) -> RetrainedModel:
    """Teach a model adversarially, into a new file, and let both be attacked by somebody who knows their weights.

    Raises:
        InputError: If an input cannot be used, or the output exists; then nothing was written.
    """
    if not 0 < asked.epsilon < float("inf") or asked.lessons < 1:
        seen = f"--epsilon is {asked.epsilon}, --lessons {asked.lessons}"
        raise InputError(f"both must be finite and more than 0: {seen}")
    material, watch = Material.read(path, asked, workspace), progress or Silent()
    rows = material.rows
    ball = Ball(asked.epsilon, float(rows.x.min()), float(rows.x.max()))
    if asked.epsilon >= ball.high - ball.low:
        what = (
            f"with --epsilon {asked.epsilon} any row can become any other: all values lie in {ball.low} to {ball.high}"
        )
        raise InputError(what, where=str(asked.rows), hint="Take a small part of that range, such as a tenth.")
    wider = Ball(HALF_AGAIN * asked.epsilon, ball.low, ball.high)
    step = max(1, -(-len(material.test.x) // MOST_ATTACKED))
    x, labels = material.test.x[::step], material.test.labels[::step]
    details: dict[str, Any] = {"epsilon": asked.epsilon, "lessons": asked.lessons, "attacked": len(x)}

    def measure(network: Network) -> Figures:
        return {
            "accuracy": material.accuracy(network),
            ROBUST: share(withstood(network, x, labels, ball, seed=asked.seed)),
            WIDER: share(withstood(network, x, labels, wider, seed=asked.seed)),
        }

    def teach(network: Network) -> Network:
        return hardened(network, rows.x, rows.labels, ball, asked.lessons, seed=asked.seed)

    return retrain(
        material, asked, RemediationKind.ROBUSTNESS, teach, measure, _against, details,
        workspace=workspace, progress=watch,
    )  # fmt: skip


def _against(before: Figures, after: Figures) -> list[str]:
    was, now = _turned(before), _turned(after)
    if was < WEAK:
        return [
            f"the attack turns only {was:.0%} of the rows that the old model answers rightly; there is little to repair"
        ]
    if now > was / 2:
        return [f"this did not help enough: the attack turns {now:.0%} of the rightly answered rows; it was {was:.0%}"]
    return []


def _turned(figures: Figures) -> float:
    """Return the share of rightly answered rows that the attack turns."""
    return 1 - figures[ROBUST] / figures["accuracy"] if figures["accuracy"] else 0.0
