import pytest

from caponier.detect.log import LogHit
from caponier.detect.sigma.windows import CAP, EVIDENCE, Arrival, EventCount, InOrder, Together, ValueCount, Window


def arrival(id_: str, slot: int = 0, value: str | int | None = None, time: int = 0) -> Arrival:
    return Arrival(id_, slot, value, (LogHit(time, id_, None, None, None, (), "log", 1),))


def fill(window: Window, *moments: tuple[int, Arrival]) -> Window:
    for time, one in moments:
        window.add(time, [one])
    return window


def test_event_count_forgets_what_is_older() -> None:
    window = fill(EventCount(), (1, arrival("a")), (2, arrival("b")), (3, arrival("c")))
    assert window.value(2) == 2
    assert [hit.event_id for hit in window.evidence()] == ["b", "c"]


def test_an_event_that_two_rules_matched_counts_once() -> None:
    window = EventCount()
    window.add(1, [arrival("a", 0), arrival("a", 1)])
    assert window.value(0) == 1


def test_value_count_keeps_the_last_of_each() -> None:
    window = fill(
        ValueCount(), (1, arrival("a", value="x")), (2, arrival("b", value="y")), (3, arrival("c", value="x"))
    )
    assert window.value(0) == 2
    assert {hit.event_id for hit in window.evidence()} == {"b", "c"}
    assert window.value(3) == 1


def test_an_event_without_the_value_counts_nothing() -> None:
    assert fill(ValueCount(), (1, arrival("a"))).value(0) == 0


@pytest.mark.parametrize("window", [EventCount(), ValueCount()])
def test_a_flood_is_bounded(window: Window) -> None:
    for n in range(CAP + 500):
        window.add(n, [arrival(f"e{n}", value=n, time=n)])
    assert window.value(0) == CAP == window.size
    assert len(window.evidence()) == EVIDENCE
    assert window.evidence()[-1].event_id == f"e{CAP + 499}"


def test_together_counts_rules_not_events() -> None:
    window = fill(Together(3), (1, arrival("a", 0)), (2, arrival("b", 1)), (3, arrival("c", 1)))
    assert window.value(0) == 2
    assert [hit.event_id for hit in window.evidence()] == ["a", "c"]
    assert window.value(2) == 1
    assert window.size == 1


def test_in_order_keeps_the_chain_that_began_last() -> None:
    window = fill(InOrder(2), (1, arrival("a", 0, time=1)), (5, arrival("b", 0, time=5)), (6, arrival("c", 1, time=6)))
    assert window.value(4) == 2
    assert [hit.event_id for hit in window.evidence()] == ["b", "c"]


def test_in_order_does_not_take_them_the_other_way_round() -> None:
    window = fill(InOrder(2), (1, arrival("a", 1)), (2, arrival("b", 0)))
    assert window.value(0) == 1


def test_in_order_a_chain_that_began_too_early_does_not_count() -> None:
    window = fill(InOrder(3), (1, arrival("a", 0)), (5, arrival("b", 1)), (9, arrival("c", 2)))
    assert window.value(1) == 3
    assert window.value(2) == 0
    assert window.size == 0
