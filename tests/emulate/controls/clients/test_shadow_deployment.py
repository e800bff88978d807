from itertools import islice

import numpy as np

from caponier.emulate.controls.clients.shadow_deployment import MIRRORED, ShadowDeployment
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests, rows


def test_it_sends_what_single_clients_send(pool: Images) -> None:
    """With one client it is that client."""
    rng = np.random.default_rng(11)
    (own,) = np.random.default_rng(11).spawn(1)
    alone = MIRRORED[0].requests(pool, own)
    for mirrored, sent in islice(zip(ShadowDeployment(clients=1).requests(pool, rng), alone, strict=False), 50):
        assert np.array_equal(mirrored, sent)


def test_batches_and_single_photos_come_between_each_other(pool: Images) -> None:
    sizes = [len(request) for request in requests(ShadowDeployment(), pool, 1_000)]
    assert 1 in sizes
    assert max(sizes) >= 16


def test_repeats_and_still_scenes_are_among_them(pool: Images) -> None:
    sent = rows(ShadowDeployment(), pool, 1_000)
    assert len(np.unique(sent, axis=0)) < len(sent)
    apart = np.linalg.norm(sent[:, None] - sent[None, :], axis=2)[np.triu_indices(len(sent), 1)]
    assert np.median(apart) > 5 * np.quantile(apart[apart > 0], 0.001)
