import gc
from collections.abc import Iterator

import pytest

from lasting import SELDOM, lasting


@pytest.fixture(autouse=True)
def searching() -> Iterator[None]:
    before, frozen, usual = gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()
    yield
    gc.set_threshold(*usual)
    if not frozen:
        gc.unfreeze()
    (gc.enable if before else gc.disable)()


def test_what_came_within_is_not_looked_at_again() -> None:
    gc.enable()
    frozen = gc.get_freeze_count()
    with lasting():
        assert not gc.isenabled()
        kept = [[n] for n in range(1_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= frozen + len(kept)


def test_who_searched_for_none_before_does_not_begin_to() -> None:
    gc.disable()
    with lasting():
        pass
    assert not gc.isenabled()


def test_a_search_goes_on_where_something_breaks() -> None:
    gc.enable()
    with pytest.raises(ZeroDivisionError), lasting():
        _ = 1 / 0
    assert gc.isenabled()


def test_from_then_on_it_is_searched_for_seldom() -> None:
    gc.set_threshold(700, 10, 10)
    with lasting():
        pass
    assert gc.get_threshold() == SELDOM
