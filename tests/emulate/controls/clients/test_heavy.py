import numpy as np

from caponier.emulate.controls.clients.heavy import Heavy
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests


def test_a_request_holds_16_to_32_rows(pool: Images) -> None:
    sizes = [len(request) for request in requests(Heavy(), pool, 2000)]
    assert min(sizes[:-1]) >= 16
    assert max(sizes) <= 32
    assert len(set(sizes)) > 8


def test_the_last_request_is_cut_to_the_number(pool: Images) -> None:
    assert np.concatenate(requests(Heavy(), pool, 100)).shape[0] == 100
