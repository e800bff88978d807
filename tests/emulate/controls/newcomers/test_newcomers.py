"""What holds for every kind of harmless caller."""

import pytest

from caponier.emulate.images import Images
from caponier.emulate.new_client import photos
from caponier.emulate.registry import newcomers
from emulate.wires import kinds, visited

EACH = pytest.mark.parametrize("name", newcomers())


@EACH
def test_it_says_what_it_does(name: str) -> None:
    caller = newcomers()[name]
    assert caller.name == name
    assert len(caller.description) > 30
    assert not caller.description.endswith(".")


@EACH
def test_it_goes_on_until_it_is_stopped(name: str, pool: Images) -> None:
    for requests in (1, 90):
        assert len(kinds(visited(newcomers()[name], pool, requests=requests)[0])) == requests


@EACH
def test_it_asks_about_the_one_model_only(name: str, pool: Images) -> None:
    assert {row["model"] for row in visited(newcomers()[name], pool)[0]} == {"digits"}


@EACH
def test_it_asks_for_more_than_predictions_or_fails(name: str, pool: Images) -> None:
    lines = visited(newcomers()[name], pool, each=3, requests=250)
    assert any(kind != ("predict", 200) for line in lines for kind in kinds(line))


def test_photos_are_new_each_time(pool: Images) -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    assert photos(pool, rng, 3).shape == (3, 64)
    assert not np.array_equal(photos(pool[:1], rng), photos(pool[:1], rng))
