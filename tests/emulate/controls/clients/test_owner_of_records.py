from typing import cast

import numpy as np

from caponier.emulate.controls.clients.owner_of_records import OWN, RECORDS, OwnerOfRecords
from caponier.emulate.images import Images
from emulate.controls.clients.asked import rows


def test_a_few_records_come_back_exactly(pool: Images) -> None:
    known = {image.tobytes() for image in pool}
    exact = [row.tobytes() for row in rows(OwnerOfRecords(), pool) if row.tobytes() in known]
    assert len(set(exact)) == OWN
    assert len(exact) > 2 * OWN


def test_records_are_among_those_that_customers_may_own(pool: Images) -> None:
    ownable = {image.tobytes() for image in pool[:RECORDS]}
    others = {image.tobytes() for image in pool[RECORDS:]}
    asked = {row.tobytes() for row in rows(OwnerOfRecords(), pool)}
    assert asked & ownable
    assert not asked & others


def test_owners_differ(pool: Images) -> None:
    owned = []
    for seed in range(2):
        requests = OwnerOfRecords(share=1).requests(pool, np.random.default_rng(seed))
        owned.append({next(requests).tobytes() for _ in range(60)})
    assert owned[0] != owned[1]


class LowestDraw:
    """A generator that always draws the lowest number."""

    def __init__(self) -> None:
        self._drawn = np.random.default_rng(0)

    def random(self, *shape: object) -> object:
        return np.zeros(*shape) if shape else 0.0

    def __getattr__(self, name: str) -> object:
        return getattr(self._drawn, name)


def test_who_never_asks_for_own_records_does_not_with_the_lowest_draw(pool: Images) -> None:
    requests = OwnerOfRecords(share=0.0).requests(pool, cast(np.random.Generator, LowestDraw()))
    assert next(requests).tobytes() not in {image.tobytes() for image in pool[:RECORDS]}
