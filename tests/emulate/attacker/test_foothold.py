import numpy as np
import pytest

from caponier.emulate.attacker.foothold import NOISE_TRIALS, bisect, foothold
from caponier.emulate.caller.oracle import Oracle
from caponier.emulate.images import Images
from caponier.emulate.victims.digits import Pool, Victim
from caponier.errors import InputError


def about(victim: Victim, targets: Pool) -> Oracle:
    return Oracle(victim.predict_proba, targets.images[0], int(targets.labels[0]), budget=500)


def stubborn(rows: Images) -> Images:
    return np.eye(2, dtype=np.float32)[np.zeros(len(rows), int)]


def test_noise_that_is_misread(victim: Victim, targets: Pool, rng: np.random.Generator) -> None:
    oracle = about(victim, targets)
    found = foothold(oracle, rng, None)
    assert found is not None
    assert victim.answers(found[None])[0] != targets.labels[0]
    assert oracle.queries < 20


def test_the_seed_fixes_the_noise(victim: Victim, targets: Pool) -> None:
    first, second = (foothold(about(victim, targets), np.random.default_rng(5), None) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_model_that_never_errs_gives_no_foothold(targets: Pool, rng: np.random.Generator) -> None:
    oracle = Oracle(stubborn, targets.images[0], 0, budget=500)
    assert foothold(oracle, rng, None) is None
    assert oracle.queries == NOISE_TRIALS


def test_a_foreign_image_is_taken_as_it_is(victim: Victim, targets: Pool, rng: np.random.Generator) -> None:
    foreign = targets.images[targets.labels != targets.labels[0]][0]
    oracle = about(victim, targets)
    assert foothold(oracle, rng, foreign) is foreign
    assert oracle.queries == 1


def test_a_start_that_fools_nobody_is_refused(victim: Victim, targets: Pool, rng: np.random.Generator) -> None:
    with pytest.raises(InputError, match="starting image"):
        foothold(about(victim, targets), rng, targets.images[0])


def test_bisection_ends_at_the_boundary(victim: Victim, targets: Pool) -> None:
    foreign = targets.images[targets.labels != targets.labels[0]][0]
    oracle = about(victim, targets)
    edge = bisect(oracle, foreign)
    inside = (0.99 * edge + 0.01 * targets.images[0]).astype(np.float32)
    assert oracle.queries == 10
    assert victim.answers(edge[None])[0] != targets.labels[0]
    assert victim.answers(inside[None])[0] == targets.labels[0]
