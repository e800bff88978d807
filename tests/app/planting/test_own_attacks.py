from dataclasses import replace

import numpy as np
import pytest

from app.planting.own_logs import answer, inputs
from caponier.app.planting.own_attacks import FLOOD, AttackTarget, _strange, carry_out, kinds, never
from caponier.app.planting.own_model import InputScale, OwnModel, Rows
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.campaigns.flood import Flood
from caponier.emulate.registry import probes
from caponier.records.inventory import FeatureSpec

FEW = 40


def table_target() -> AttackTarget:
    asked = inputs(300)
    scale = InputScale.of(FeatureSpec(kind="numeric", shape=(3,)), asked)
    return AttackTarget(OwnModel(scale, answer, ("stays", "leaves"), 1.0), scale.unit(asked), FEW)


def image_target(*shape: int) -> AttackTarget:
    rng = np.random.default_rng(0)
    size = int(np.prod(shape))
    pixels = np.clip(rng.random((300, size)) * rng.random((300, 1)), 0, 1).astype(np.float32)
    scale = InputScale.of(FeatureSpec(kind="image", shape=shape, minimum=0.0, maximum=1.0), pixels)
    weights = rng.standard_normal((size, 4)).astype(np.float32)

    def told(rows: Rows) -> Rows:
        odds = np.exp((rows - 0.3) @ weights)
        scores: Rows = odds / odds.sum(axis=1, keepdims=True)
        return scores

    return AttackTarget(OwnModel(scale, told, ("a", "b", "c", "d"), 1.0), pixels, FEW)


def test_tables_are_spared_what_needs_images_and_it_is_said() -> None:
    known, skipped = kinds(table_target())
    assert {"boundary", "hop_skip_jump", "nes", "simba", "jbda", "knockoff", "model_inversion"} <= known.keys()
    reasons = {skip.what: skip.reason for skip in skipped}
    assert reasons["square"] == reasons["adaptive"] == "needs images"
    assert not known.keys() & reasons.keys()


def test_what_no_log_can_show_is_told_apart() -> None:
    known, skipped = kinds(table_target())
    reasons = {skip.what: skip.reason for skip in never()}
    assert "trained on" in reasons["membership_inference"]
    assert "what a query costs" in reasons["sponge"]
    assert all("more of a server" in reasons[name] for name in probes())
    assert not reasons.keys() & {*known, *(skip.what for skip in skipped)}


def test_whoever_is_turned_away_is_no_attacker_to_plant() -> None:
    target = table_target()
    asked = []

    def tired(rows: Rows) -> Rows:
        asked.append(len(rows))
        if len(asked) > 5:
            raise RefusedError("enough")
        return answer(rows)

    run = kinds(target)[0]["nes"]
    with pytest.raises(RefusedError, match="enough"):
        carry_out("nes", run, replace(target, model=replace(target.model, answer=tired)), 3)


def test_images_are_spared_what_is_made_for_others() -> None:
    reasons = {skip.what: skip.reason for skip in kinds(image_target(4, 12))[1]}
    assert "as wide as they are high" in reasons["square"]
    assert "8 x 8" in reasons["adaptive"]
    assert {"square", "adaptive"} <= kinds(image_target(8, 8))[0].keys()


QUICK = ("boundary", "flood", "hop_skip_jump", "knockoff", "model_inversion", "nes", "simba")
"""Those that train no copy on the way."""


@pytest.mark.parametrize(
    ("target", "chosen"),
    [(table_target(), (*QUICK, "jbda")), (image_target(6, 6, 3), (*QUICK, "square"))],
    ids=["table", "colour"],
)
def test_every_attack_keeps_to_its_queries_and_to_what_can_be_sent(
    target: AttackTarget, chosen: tuple[str, ...]
) -> None:
    known, _ = kinds(target)
    for kind in chosen:
        run = carry_out(kind, known[kind], target, 3)
        assert run.kind == kind
        n = len(run.inputs)
        assert 0 < n <= (FLOOD if kind == "flood" else FEW), kind
        assert run.inputs.shape == (n, target.natural.shape[1])
        assert run.scores.shape == (n, target.model.classes)
        assert np.isfinite(run.inputs).all()
        assert np.array_equal(run.scores[:1], target.model.answer(run.inputs[:1]))
        whole = run.inputs[:, target.model.scale.whole.nonzero()[0]]
        assert np.array_equal(whole, np.rint(whole))
        assert run.gap_s == (Flood.gap_s if kind == "flood" else None)


def test_a_seed_fixes_an_attack() -> None:
    target = table_target()
    run = kinds(target)[0]["nes"]
    first, again, other = (carry_out("nes", run, target, seed).inputs for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:1], other[:1])


@pytest.mark.parametrize(
    "target", [table_target(), image_target(8, 8), image_target(12, 12)], ids=["table", "digits", "image"]
)
def test_strangers_have_rows_of_another_kind(target: AttackTarget) -> None:
    rows = _strange(target, 0)
    assert rows.shape == (FEW, target.natural.shape[1])
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert not {row.tobytes() for row in rows} & {row.tobytes() for row in target.natural}
