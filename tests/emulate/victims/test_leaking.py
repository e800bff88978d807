import numpy as np
import pytest

from caponier.emulate.images import Images
from caponier.emulate.victims.digits import DigitsSplit, Kind, Pool
from caponier.emulate.victims.leaking import mislabelled, train_leaking
from caponier.errors import InputError


def few(split: DigitsSplit, n: int = 60) -> Pool:
    return mislabelled(Pool(split.train.images[:n], split.train.labels[:n]), 0.3, np.random.default_rng(1))


@pytest.mark.parametrize("kind", ["forest", "mlp"])
def test_a_leaking_victim_knows_its_records_by_heart_wrong_labels_and_all(split: DigitsSplit, kind: Kind) -> None:
    pool = few(split)
    victim = train_leaking(pool, split.test, 0, kind)
    assert (victim.answers(pool.images) == pool.labels).mean() > 0.95
    assert 0.3 < victim.accuracy < 0.9


@pytest.mark.parametrize("kind", ["forest", "mlp"])
def test_scores_are_of_ten_classes_also_where_a_class_was_never_seen(split: DigitsSplit, kind: Kind) -> None:
    seen = split.train.labels < 7
    victim = train_leaking(Pool(split.train.images[seen], split.train.labels[seen]), split.test, 0, kind)
    scores: Images = victim.predict_proba(split.test.images[:20])
    assert scores.shape == (20, 10)
    assert scores.dtype == np.float32
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["forest", "mlp"])
def test_the_seed_fixes_it(split: DigitsSplit, kind: Kind) -> None:
    once, again, other = (train_leaking(few(split), split.test, seed, kind) for seed in (4, 4, 5))
    asked = split.test.images[:50]
    assert np.array_equal(once.predict_proba(asked), again.predict_proba(asked))
    assert not np.array_equal(once.predict_proba(asked), other.predict_proba(asked))


def test_another_kind_is_refused(split: DigitsSplit) -> None:
    with pytest.raises(InputError, match="no leaking victim of kind 'tree'"):
        train_leaking(few(split), split.test, 0, "tree")  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_wrong_label_is_another_class(split: DigitsSplit, share: float) -> None:
    spoilt = mislabelled(split.train, share, np.random.default_rng(0))
    assert abs((spoilt.labels != split.train.labels).mean() - share) < 0.1 * (0 < share < 1) + 1e-9
    assert spoilt.labels.min() >= 0
    assert spoilt.labels.max() <= 9
    assert np.array_equal(spoilt.images, split.train.images)
