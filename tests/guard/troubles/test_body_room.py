"""Memory for bodies, shared among those who send them."""

import asyncio
from functools import partial
from threading import Lock
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard.body_room import BodyReader, BodyRoom, NoRoomError
from caponier.telemetry.body_limits import LIMITS
from guard.test_spooled import exchange


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
    assert not reader._waiting


def test_a_body_that_cannot_be_read_keeps_no_other_waiting() -> None:
    def fail() -> None:
        raise ValueError

    async def read_both(reader: BodyReader) -> tuple[object, object]:
        return await asyncio.gather(reader("eve", fail), reader("eve", lambda: 1), return_exceptions=True)

    failed, read = asyncio.run(read_both(BodyReader()))
    assert isinstance(failed, ValueError)
    assert read == 1


def test_who_has_had_little_time_lately_is_next_and_small_bodies_before_large_ones() -> None:
    order: list[str] = []

    def read(who: str, seconds: float) -> None:
        sleep(seconds)
        order.append(who)

    async def read_all(reader: BodyReader) -> None:
        async def send(who: str, times: int, seconds: float, size: int) -> None:
            for _ in range(times):
                await reader(who, partial(read, who, seconds), size)

        eves = [asyncio.create_task(send(f"eve-{n}", 4, 0.005, 8_000_000)) for n in range(20)]
        await asyncio.sleep(0.02)
        await send("ada", 1, 0.001, 1_000_000)
        first = len(order)
        while len(set(order)) < 21:
            await asyncio.sleep(0.001)
        before = len(order)
        await send("bob", 1, 0.001, 8_000_000)
        assert first <= 10, "before all those who have not had their turn with a larger one"
        assert len(order) - before <= 4, "who comes late does not wait for those who have had theirs"
        await asyncio.gather(*eves)

    asyncio.run(read_all(BodyReader()))
    assert len(order) == 82


def test_what_is_packed_counts_as_much_as_it_may_unpack_to() -> None:
    plain, packed = exchange(body=bytes(100)), exchange(body=bytes(100), headers={b"content-encoding": b"gzip"})
    assert plain.bulk == 100
    assert packed.bulk == LIMITS.expanded


def test_who_hangs_up_while_waiting_is_left_out_and_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.guard.body_room.MOST_KNOWN", 3)
    monkeypatch.setattr("caponier.guard.body_room.LITTLE_S", 1.0)
    order: list[int] = []

    async def read_all(reader: BodyReader) -> None:
        tasks = [asyncio.create_task(reader(f"who-{n}", partial(order.append, n))) for n in range(1, 9)]
        slow = asyncio.create_task(reader("slow", partial(sleep, 0.03)))
        await asyncio.sleep(0)
        tasks[5].cancel()
        slow.cancel()
        await asyncio.gather(*tasks, slow, return_exceptions=True)
        await reader("who-9", partial(order.append, 9))
        assert len(reader._had) <= 4

    asyncio.run(read_all(BodyReader()))
    assert sorted(order) == [1, 2, 3, 4, 5, 7, 8, 9]
