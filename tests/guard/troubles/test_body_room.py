"""Memory for bodies, shared among those who send them."""

import asyncio
from functools import partial
from threading import Lock
from time import sleep

from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.body_room import BodyReader, BodyRoom, NoRoomError


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


def test_bodies_are_read_one_at_a_time_and_each_sender_has_one_in_the_queue() -> None:
    order: list[str] = []
    reading = Lock()

    def read(who: str) -> str:
        assert reading.acquire(blocking=False), "another one is being read"
        sleep(0.002)
        order.append(who)
        reading.release()
        return who

    async def read_all(reader: BodyReader) -> list[str]:
        asked = ["eve"] * 20 + ["ada", "bob"]
        return await asyncio.gather(*(reader(who, partial(read, who)) for who in asked))

    reader = BodyReader()
    assert asyncio.run(read_all(reader)) == ["eve"] * 20 + ["ada", "bob"]
    assert {"ada", "bob"} <= set(order[:4]), "nobody waits for all that another sends"
    assert not reader._turns


def test_a_body_that_cannot_be_read_keeps_no_other_waiting() -> None:
    def fail() -> None:
        raise ValueError

    async def read_both(reader: BodyReader) -> tuple[object, object]:
        return await asyncio.gather(reader("eve", fail), reader("eve", lambda: 1), return_exceptions=True)

    failed, read = asyncio.run(read_both(BodyReader()))
    assert isinstance(failed, ValueError)
    assert read == 1
