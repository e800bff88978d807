import numpy as np

from caponier.emulate.controls.clients.burst import STACK, Burst
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests


def test_a_stack_goes_out_within_seconds(rng: np.random.Generator) -> None:
    gaps = Burst().pace.gaps(3 * STACK, rng).reshape(3, STACK)
    assert gaps[:, 1:].sum(axis=1).max() < 5
    assert gaps[:, 0].min() > 60


def test_one_form_a_request(pool: Images) -> None:
    assert {len(request) for request in requests(Burst(), pool, 120)} == {1}
