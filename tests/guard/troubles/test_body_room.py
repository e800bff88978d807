"""Memory for bodies, shared among those who send them."""

from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.body_room import BodyRoom, NoRoomError


def taken(room: BodyRoom, who: str, step: int = 1) -> int:
    """Take until there is no room."""
    n = 0
    while True:
        try:
            room.take(who, step)
        except NoRoomError:
            return n
        n += step


def test_one_alone_has_half_of_it_and_two_have_a_third_each() -> None:
    room = BodyRoom(1_200)
    assert taken(room, "eve") == 600
    assert taken(room, "mallory") == 300
    assert taken(room, "ada") == 150, "there is something left for whoever comes"
    room.give_back("eve", 600)
    assert taken(room, "ada") == 300
    room.give_back("mallory", 300)
    room.give_back("ada", 450)
    assert room.held == 0
    assert taken(room, "eve") == 600


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 50)), max_size=60))
def test_there_is_never_more_than_that(asks: list[tuple[str, int]]) -> None:
    room, held = BodyRoom(100), []
    for who, size in asks:
        try:
            room.take(who, size)
            held.append((who, size))
        except NoRoomError:
            if held:
                room.give_back(*held.pop(0))
        assert room.held == sum(size for _, size in held) <= 100
