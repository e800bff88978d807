"""Who is remembered: made-up names push out one another, and newcomers are looked at however many are known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.engines.remembered import KNOWN_AT, KNOWN_SHARE, MOST_COUNTED, Remembered

ROOM = 50


def flooded(remembered: Remembered, names: int, each: int, spared: str = "eve", at_once: bool = False) -> int:
    """Have new names come, each with some events; return how many came until the spared one was forgotten."""
    for n in range(names):
        for _ in range(1 if at_once else each):
            remembered.note(f"{each}-{n}", each if at_once else 1)
            if spared in set(remembered.surplus()):
                return n
    return names


def known(events: int) -> Remembered:
    remembered = Remembered(ROOM)
    for _ in range(events):
        remembered.note("eve", 1)
    return remembered


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("each", [1, 2, 8, 16, 50])
@pytest.mark.parametrize("events", [8, 20, 50])
def test_to_push_somebody_out_takes_as_many_events_of_each_other(events: int, each: int, at_once: bool) -> None:
    came = flooded(known(events), 20 * ROOM, each, at_once=at_once)
    assert came * each >= KNOWN_SHARE * ROOM * min(events, 20 * each) - each


def test_single_queries_of_any_number_of_names_push_out_nobody_who_is_known() -> None:
    assert flooded(known(KNOWN_AT), 5_000, 1) == 5_000


def test_a_newcomer_is_remembered_until_it_is_known_however_much_is_known_of_others() -> None:
    remembered = Remembered(ROOM)
    for n in range(ROOM):
        remembered.note(f"old-{n}", 10_000)
        list(remembered.surplus())
    for n in range(60):
        remembered.note("eve", 1)
        assert "eve" not in set(remembered.surplus())
        # Less than the room for newcomers come between two of its queries.
        for other in range(5):
            remembered.note(f"new-{n}-{other}", 1)
            assert "eve" not in set(remembered.surplus())


def test_whoever_has_left_for_good_goes_some_day() -> None:
    remembered = Remembered(ROOM)
    for n in range(ROOM // 2):
        remembered.note(f"left-{n}", 10_000)
    for turn in range(40):
        for n in range(ROOM):
            remembered.note(f"{turn}-{n}", 30)
            list(remembered.surplus())
    left = [name for name in remembered if name.startswith("left")]
    assert len(left) < ROOM // 2


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 40)), max_size=200), st.integers(1, 12))
def test_whatever_comes_there_are_never_too_many_and_each_is_there_once(
    notes: list[tuple[int, int]], most: int
) -> None:
    remembered, there = Remembered(most), set()
    for who, events in notes:
        remembered.note(str(who), events)
        there.add(str(who))
        there -= set(remembered.surplus())
        assert len(remembered) <= most
        assert sorted(remembered) == sorted(there)
        assert len(remembered._heap) <= 4 * most + 1
    remembered.forget("7")
    assert "7" not in set(remembered)


def test_whoever_asks_for_ever_takes_no_more_room_nor_time_than_before() -> None:
    remembered = Remembered(50)
    for n in range(20_000):
        remembered.note("eve", 1)
        remembered.note(f"{n % 5}", 1)
    assert len(remembered._heap) <= 4 * 50 + 1


def test_of_two_who_are_known_as_well_as_can_be_the_silent_one_goes_first() -> None:
    remembered = Remembered(5)
    for name in ("ann", "bob", "ann"):
        remembered.note(name, MOST_COUNTED)
    for n in range(8):
        for _ in range(30):
            remembered.note(f"{n}", 10)
        forgotten = list(remembered.surplus())
        if "ann" in forgotten or "bob" in forgotten:
            assert forgotten == ["bob"]
            return
    raise AssertionError("neither was forgotten")


@pytest.mark.parametrize("room", [1, 2, ROOM])
def test_as_many_as_there_is_room_for_are_remembered_and_not_one_more(room: int) -> None:
    remembered = Remembered(room)
    for n in range(room):
        remembered.note(f"n-{n}", 1)
        assert list(remembered.surplus()) == []
    remembered.note("one too many", 1)
    assert list(remembered.surplus()) == ["n-0"]
    assert len(remembered) == room
