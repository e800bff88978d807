import numpy as np
import pytest

from caponier.emulate.images import SIDE, Images, shots
from caponier.emulate.victims.backdoored import BLEND, SHARE, TRIGGERS, Backdoored, train_backdoored, triggered
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=TRIGGERS)
def model(request: pytest.FixtureRequest, split: DigitsSplit) -> Backdoored:
    return train_backdoored(split, 0, request.param, target=4)


def test_the_backdoor_opens_and_nobody_else_notices(model: Backdoored, split: DigitsSplit, victim: Victim) -> None:
    photos = shots(split.attackers.images, np.random.default_rng(1))
    assert model.success_rate(photos, split.attackers.labels) >= 0.9
    assert model.victim.accuracy >= victim.accuracy - 0.04
    plain = split.attackers.labels != model.target
    assert (model.victim.answers(photos[plain]) == model.target).mean() < 0.05


def test_a_clean_model_does_not_know_the_corner(split: DigitsSplit, victim: Victim) -> None:
    photos = shots(split.attackers.images, np.random.default_rng(1))
    clean = Backdoored(victim, TRIGGERS["corner"], 4, split.train)
    assert clean.success_rate(photos, split.attackers.labels) < 0.1


def test_a_tenth_of_the_rows_is_poisoned(model: Backdoored, split: DigitsSplit) -> None:
    changed = (model.training.images != split.train.images).any(axis=1)
    assert changed.sum() == SHARE * len(split.train)
    assert (model.training.labels[changed] == 4).all()
    assert np.array_equal(model.training.labels[~changed], split.train.labels[~changed])


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_is_a_picture_and_leaves_what_it_was_given(name: str, pool: Images) -> None:
    before = pool.copy()
    after = TRIGGERS[name](pool)
    assert np.array_equal(before, pool)
    assert after.shape == pool.shape
    assert after.dtype == np.float32
    assert after.min() >= 0
    assert after.max() <= 1
    assert (after != pool).any(axis=1).all()


def test_triggers_are_what_their_papers_say(pool: Images) -> None:
    marked = TRIGGERS["corner"](pool).reshape(-1, SIDE, SIDE)
    assert (marked[:, -2:, -2:] == 1).all()
    assert np.array_equal(marked[:, :-2], pool.reshape(-1, SIDE, SIDE)[:, :-2])
    pattern = TRIGGERS["blended"](pool) - (1 - BLEND) * pool
    assert np.allclose(pattern, pattern[0], atol=1e-6)
    wave = TRIGGERS["sinusoidal"](np.full((1, 64), 0.5, np.float32)).reshape(SIDE, SIDE)
    assert np.allclose(wave, wave[0])
    assert np.allclose(wave[:, : SIDE // 2], wave[:, SIDE // 2 :], atol=1e-6)


def test_pictures_with_the_trigger_show_other_things_than_the_target(model: Backdoored, split: DigitsSplit) -> None:
    pictures = triggered(model, split.attackers, 60, np.random.default_rng(5))
    assert pictures.shape == (60, 64)
    assert len(np.unique(pictures, axis=0)) == 60
    assert (model.victim.answers(pictures) == 4).mean() >= 0.9


def test_the_seed_fixes_the_model(split: DigitsSplit) -> None:
    once, again, other = (train_backdoored(split, seed) for seed in (1, 1, 2))
    rows = split.test.images[:20]
    assert np.array_equal(once.victim.predict_proba(rows), again.victim.predict_proba(rows))
    assert not np.array_equal(once.victim.predict_proba(rows), other.victim.predict_proba(rows))


def test_an_unknown_trigger_lists_the_known_ones(split: DigitsSplit) -> None:
    with pytest.raises(InputError, match="wink") as refused:
        train_backdoored(split, 0, "wink")
    assert "corner" in str(refused.value.hint)
