import numpy as np

from caponier.emulate.controls.clients.batch_scoring import BatchScoring
from caponier.emulate.images import Images
from emulate.controls.clients.asked import requests, rows


def test_large_requests_without_a_pause(pool: Images, rng: np.random.Generator) -> None:
    assert {len(request) for request in requests(BatchScoring(), pool, 640)} == {64}
    assert BatchScoring().pace.gaps(100, rng).max() < 1


def test_no_two_rows_agree(pool: Images) -> None:
    asked = rows(BatchScoring(), pool)
    assert len(np.unique(asked, axis=0)) == len(asked)
