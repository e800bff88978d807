import numpy as np

from caponier.emulate.controls.clients.augmenter import Augmenter
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests, rows


def test_views_stay_close_to_their_photo(pool: Images) -> None:
    sent = rows(Augmenter(views=(4, 4)), pool, 500).reshape(100, 5, -1)
    views = np.linalg.norm(sent[:, 1:] - sent[:, :1], axis=2)
    others = np.linalg.norm(sent[1:, 0] - sent[:-1, 0], axis=1)
    assert np.median(views) < np.median(others)
    assert views.min() > 0.05


def test_one_view_a_request(pool: Images) -> None:
    assert {len(request) for request in requests(Augmenter(), pool)} == {1}
