"""Backdoored networks beside clean ones of the same kind: found from weights, found by search, and shut again.

The models are trained by `bench.machinery.poisoning.backdoored_models` on packaged digits; none of them was used to
work out a detector. A backdoor whose attack does not succeed is shown and not judged. What stage 1 would do with a
limit that is fitted to one half of the models is reported on the other half.
"""

from time import process_time
from typing import Any, Final

import numpy as np
import torch

from bench.machinery.measured import say
from bench.machinery.mnist import SIDE, Pool, photos, pools
from bench.machinery.poisoning.backdoored_models import Trained, measured, models
from bench.machinery.scorecard import Goal, Scorecard
from caponier.detect.model import ModelAnalysis, ReadModel, Samples
from caponier.detect.models import trigger_search, weight_outlier
from caponier.detect.networks.architecture import assemble
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import read_contents
from caponier.remediate.unlearning import Method, repaired

OPEN: Final = 0.9
MANY, FEW = 100, 10
SEARCHED: Final = 40
ROWS, REPAIR_ROWS = 100, 300
SHUT: Final = 0.05


def run(quick: bool) -> Scorecard:
    """Judge and repair models; quick: ten clean and ten backdoored ones."""
    torch.set_num_threads(1)
    count = FEW if quick else MANY
    rows = [_one(trained, at < 2 * SEARCHED) for at, trained in enumerate(models(count))]
    figures = _figures(rows)
    goals = (
        Goal("weights_found", 0.95, at_least=True),
        Goal("weights_false", 0.02, at_least=False),
        Goal("weights_ms_median", 10.0, at_least=False),
        Goal("search_found", 0.95, at_least=True),
        Goal("search_false", 0.02, at_least=False),
        Goal("search_seconds_median", 10.0, at_least=False),
        Goal("attack_left_worst", SHUT, at_least=False),
        Goal("accuracy_lost_most", 0.02, at_least=False),
        Goal("repair_seconds_most", 120.0, at_least=False),
    )
    about = (
        f"{count} clean and {count} backdoored networks (a convolutional one, a perceptron) on packaged digits of 28 x "
        f"28; patches, blended patterns and waves at 5 and 10 % of the rows, any target. Stage 1 sees no rows, stage 2 "
        f"{ROWS} clean ones, the repair {REPAIR_ROWS}. Seconds are of the processor's time."
    )
    causes = {
        "weights_found": "a class that a patch or a wave opens in a perceptron is no easier to reach than others",
        "search_found": "waves, and blended patterns in a perceptron, cost more than what opens clean classes",
        "accuracy_lost_most": "what opens the class and is unlearned holds strokes that the class itself is known by",
    }
    return Scorecard("models", about, figures, goals, (500,), rows, causes)


def _one(trained: Trained, searched: bool) -> dict[str, Any]:
    say(trained.name)
    _, usual, others, _ = pools(trained.seed)
    seen = photos(usual.images, np.random.default_rng(9))
    data = memoryview(trained.path.read_bytes())
    samples = Samples(seen[:ROWS], usual.labels[:ROWS], (SIDE, SIDE))
    network = assemble(read_contents(data, trained.name), samples.shape, samples.x, samples.labels, trained.name)
    blind = ReadModel(network, None, SIDE * SIDE)
    weight_outlier.detector.analyse(blind)
    judged = not trained.backdoored or trained.success >= OPEN
    row: dict[str, Any] = {
        "model": trained.name, "attack": trained.trigger, "share": trained.share, "target": trained.target,
        "accuracy": trained.accuracy, "success": trained.success, "judged": judged,
    }  # fmt: skip
    row |= _said("weights", *_timed(weight_outlier.detector, blind), trained)
    if searched:
        row |= _said("search", *_timed(trigger_search.detector, ReadModel(network, samples, SIDE * SIDE)), trained)
    if trained.backdoored and trained.success >= OPEN:
        row |= _repaired(
            trained,
            network,
            Samples(seen[ROWS : ROWS + REPAIR_ROWS], usual.labels[ROWS : ROWS + REPAIR_ROWS]),
            others,
            row,
        )
    return row


def _timed(detector: Any, model: ReadModel) -> tuple[ModelAnalysis, float]:
    began = process_time()
    return detector.analyse(model), process_time() - began


def _said(stage: str, analysis: ModelAnalysis, seconds: float, trained: Trained) -> dict[str, Any]:
    right = trained.backdoored and analysis.target == trained.target
    return {
        f"{stage}_score": analysis.score, f"{stage}_flagged": analysis.flagged, f"{stage}_right_class": right,
        f"{stage}_seconds": round(seconds, 4), f"{stage}_costs": analysis.facts.get("costs"),
    }  # fmt: skip


def _repaired(trained: Trained, network: Network, rows: Samples, others: Pool, row: dict[str, Any]) -> dict[str, Any]:
    costs = row.get("search_costs") or {}
    natural = {
        form: min(
            (cost for label, cost in costs.get(form, {}).items() if cost and label != str(trained.target)), default=9e9
        )
        for form in ("patch", "overlay")
    }
    found: dict[str, Any] = {}
    for method in Method:
        began = process_time()
        new = repaired(network, rows.x, rows.labels, trained.target, method, picture=True, natural=natural)
        accuracy, success = measured(new.scores, others, trained.put_on, trained.target)
        found |= {f"{method.value}_accuracy": accuracy, f"{method.value}_success": success,
                  f"{method.value}_seconds": round(process_time() - began, 1)}  # fmt: skip
    return found


def _figures(rows: list[dict[str, Any]]) -> dict[str, Any]:
    clean = [row for row in rows if row["attack"] == "none"]
    bad = [row for row in rows if row["attack"] != "none" and row["judged"]]
    figures: dict[str, Any] = {
        "clean_models": len(clean),
        "backdoored_models": len([row for row in rows if row["attack"] != "none"]),
        "backdoored_models_judged": len(bad),
    }
    for stage in ("weights", "search"):
        seen = [row for row in rows if f"{stage}_score" in row]
        figures[f"{stage}_found"] = _share([row for row in bad if row in seen], f"{stage}_flagged")
        figures[f"{stage}_false"] = _share([row for row in clean if row in seen], f"{stage}_flagged")
        figures[f"{stage}_class_right_of_found"] = _share(
            [row for row in bad if row.get(f"{stage}_flagged")], f"{stage}_right_class"
        )
        for kind in sorted({row["attack"] for row in bad}):
            for shape in ("conv", "mlp"):
                part = [row for row in bad if row["attack"] == kind and row["model"].startswith(shape) and row in seen]
                figures[f"{stage}_found_{shape}_{kind}"] = (
                    f"{sum(row[f'{stage}_flagged'] for row in part)} of {len(part)}"
                )
        middle = float(np.median([row[f"{stage}_seconds"] for row in seen]))
        figures |= (
            {"weights_ms_median": round(1e3 * middle, 2)}
            if stage == "weights"
            else {"search_seconds_median": round(middle, 2)}
        )
    figures |= _fitted(clean, bad)
    figures["attack_before_least"] = min(row["success"] for row in bad)
    figures["attack_left_worst"] = max(row["unlearn_success"] for row in bad)
    figures["shut"] = f"{sum(row['unlearn_success'] <= SHUT for row in bad)} of {len(bad)}"
    figures["accuracy_lost_most"] = round(max(row["accuracy"] - row["unlearn_accuracy"] for row in bad), 4)
    figures["repair_seconds_most"] = max(row["unlearn_seconds"] for row in bad)
    for method in (Method.FINE_TUNE, Method.FINE_PRUNE):
        figures[f"attack_left_median_{method.value}"] = float(
            np.median([row[f"{method.value}_success"] for row in bad])
        )
    return figures


def _fitted(clean: list[dict[str, Any]], bad: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what stage 1 does on one half of the models, with the highest clean score of the other as its limit."""
    halves = [(clean[half::2], bad[half::2]) for half in (0, 1)]
    limit = max(row["weights_score"] for row in halves[0][0])
    return {
        "weights_fitted_limit": round(limit, 3),
        "weights_fitted_found": f"{sum(row['weights_score'] > limit for row in halves[1][1])} of {len(halves[1][1])}",
        "weights_fitted_false": f"{sum(row['weights_score'] > limit for row in halves[1][0])} of {len(halves[1][0])}",
    }


def _share(rows: list[dict[str, Any]], name: str) -> float | None:
    return round(sum(bool(row[name]) for row in rows) / len(rows), 4) if rows else None
