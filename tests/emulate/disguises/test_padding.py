from functools import partial

import numpy as np

from caponier.emulate.disguises.padding import Duplicates, Natural
from caponier.emulate.registry import attacks
from caponier.emulate.simulation.trace import trace
from caponier.emulate.victims.digits import Pool, Victim


def test_every_query_is_sent_again_byte_for_byte(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    plain = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1)
    padded = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1, disguise=Duplicates)
    rows, twice = (np.array(left.events["input"].to_pylist(), np.float32) for left in (plain, padded))
    assert np.array_equal(twice, np.repeat(rows, 4, axis=0))
    assert padded.outcome.queries == plain.outcome.queries


def test_a_photo_follows_every_query(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    disguise = partial(Natural, images=targets.images[100:], seed=3)
    plain = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1)
    mixed = trace(attacks.one("simba"), victim.predict_proba, image, label, seed=1, disguise=disguise)
    rows = np.array(mixed.events["input"].to_pylist(), np.float32)
    assert np.array_equal(rows[::2], np.array(plain.events["input"].to_pylist(), np.float32))
    apart = np.linalg.norm(rows[1::2, None] - targets.images[None, 100:], axis=2).min(axis=1)
    assert np.median(apart) < 0.5
    assert len(np.unique(rows[1::2], axis=0)) == len(rows[1::2])


def test_the_seed_fixes_the_photos(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    one, again, other = (
        trace(
            attacks.one("square"),
            victim.predict_proba,
            image,
            label,
            seed=1,
            disguise=partial(Natural, images=targets.images[100:], seed=seed),
        )
        .events["input"]
        .to_pylist()
        for seed in (3, 3, 4)
    )
    assert one == again != other


def test_as_many_photos_follow_as_are_wanted(victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    disguise = partial(Natural, images=targets.images[100:], seed=3, photos=4)
    plain = trace(attacks.one("square"), victim.predict_proba, image, label, seed=1)
    mixed = trace(attacks.one("square"), victim.predict_proba, image, label, seed=1, disguise=disguise)
    rows = np.array(mixed.events["input"].to_pylist(), np.float32)
    assert np.array_equal(rows[::5], np.array(plain.events["input"].to_pylist(), np.float32))
