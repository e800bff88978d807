"""What guards may write, and clocks may say, without a stream ending, losing or doubling anything."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from bench.machinery.many_machines.stream_in_process import Follower

from app.stream.conftest import BEGIN, event, lines
from caponier.app.stream import stream as streams
from caponier.app.stream.checkpoint import Checkpoint
from caponier.app.stream.stream import MOST_REASONS, OTHERS
from caponier.engines.state_table import StateTable
from caponier.errors import CaponierError
from caponier.records.inventory import Workspace


@pytest.fixture
def follower(home: Workspace, tmp_path: Path) -> Callable[..., Follower]:
    Path(home.lake).mkdir(exist_ok=True)
    return lambda **options: Follower(home, tmp_path / "c", **options)


def append(home: Workspace, name: str, data: bytes) -> Path:
    file = Path(home.lake) / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as out:
        out.write(data)
    return file


def at(second: float, who: str = "c", **more: Any) -> dict[str, Any]:
    return event(BEGIN + int(second * 1_000), who, [0.1, 0.2, second % 97 / 97], event_id=f"{who}-{second}", **more)


def test_an_empty_lake_is_followed_until_something_comes(home: Workspace, follower: Callable[..., Follower]) -> None:
    first = follower()
    first.drain()
    assert (first.stream.position.events, first.stream.position.waiting) == (0, ())
    append(home, "a.jsonl", b"")
    append(home, "b.jsonl", b"\n\n \n")
    first.drain()
    append(home, "a.jsonl", lines([at(0), at(1)]))
    first.drain()
    assert first.stream.position.events == 2
    assert first.stream.position.batch == 2


GARBAGE = [
    b"{",
    b"null",
    b"7",
    b'"x"',
    b"\x00\x01\x02",
    b"\xff\xfe{",
    b"{}",
    b'{"time": "never"}',
    b'{"time": 1e300, "model": "m", "principal": "c", "input": [0.1, 0.2, 0.3]}',
    b'{"time": -9223372036854775808, "model": "m", "principal": "c", "input": [0.1, 0.2, 0.3]}',
    b"[" * 5_000,
    b"x" * 100_000,
]


def test_no_line_ends_a_stream_and_good_ones_beside_it_count(
    home: Workspace, follower: Callable[..., Follower]
) -> None:
    said: list[str] = []
    content = b"".join(bad + b"\n" + lines([at(number)]) for number, bad in enumerate(GARBAGE))
    append(home, "a.jsonl", content)
    one = follower(tell=said.append)
    one.drain()
    position = one.stream.position
    assert position.events == len(GARBAGE)
    told = [line for line in said if line.startswith("rejected: a.jsonl:")]
    assert [int(line.split(":")[2]) for line in told] == [2 * number + 1 for number in range(len(GARBAGE))]


NAMES = ["é☂𝄞", "a/b:c\\d", "principal\x1eprincipal\x1ex", "\x1e", "\x1f\x00", "None", "null", "x" * 1_000, "[/red]"]


def test_a_name_is_only_a_name(home: Workspace, follower: Callable[..., Follower]) -> None:
    """Each is kept under its own, recalled under its own, and taken for nobody else."""

    def events(begin: int, end: int) -> bytes:
        return lines(
            [
                {**at(second + number / 1_000, who), "event_id": f"{number}-{second}"}
                for second in range(begin, end)
                for number, who in enumerate(NAMES)
            ]
        )

    append(home, "a.jsonl", events(0, 4))
    follower().drain()
    append(home, "a.jsonl", events(4, 8))
    one = follower()
    one.drain()
    assert one.stream.position.events == 8 * len(NAMES)
    assert not one.stream.position.left_out
    rings = set()
    for names in one.stream.position.files.values():
        table = StateTable(one.checkpoint.state, names)
        for key in table._where:
            memory = table.recall(key)
            if memory is not None and key.startswith("m\x1eprincipal\x1e"):
                rings.add(tuple(memory.ring.ids))
    assert rings == {tuple(f"{number}-{second}" for second in range(8)) for number in range(len(NAMES))}


def test_made_up_models_fill_no_checkpoint(home: Workspace, follower: Callable[..., Follower]) -> None:
    count = 3 * MOST_REASONS
    append(home, "a.jsonl", lines([at(number) | {"model": f"made-up-{number}"} for number in range(count)]))
    one = follower()
    one.drain()
    left_out = one.stream.position.left_out
    assert len(left_out) <= MOST_REASONS + 1
    assert sum(left_out.values()) == count
    assert left_out[OTHERS] >= count - MOST_REASONS
    append(home, "a.jsonl", lines([at(1_000) | {"model": "made-up-0"}]))
    one.drain()
    assert one.stream.position.left_out["made-up-0 is not watched"] == 2


@pytest.mark.parametrize("cut", [1, 20, -2, -1])
def test_a_line_that_is_written_in_two_parts_is_one(
    cut: int, home: Workspace, follower: Callable[..., Follower]
) -> None:
    whole = lines([at(0)])
    append(home, "a.jsonl", whole[:cut])
    one = follower()
    one.drain()
    assert one.stream.position.events == 0
    append(home, "a.jsonl", whole[cut:] + lines([at(1)]))
    one.drain()
    assert one.stream.position.events == 2
    assert not one.stream.position.left_out


def test_a_line_that_stayed_torn_is_told_once(home: Workspace, follower: Callable[..., Follower]) -> None:
    file = append(home, "a.jsonl", lines([at(0)]) + lines([at(1)])[:30])
    os.utime(file, (BEGIN / 1_000, BEGIN / 1_000))
    one = follower()
    one.drain()
    one.drain()
    assert one.stream.position.events == 1
    assert sum(one.stream.position.left_out.values()) == 1


class TestFilesThatGo:
    def test_a_file_that_vanishes_takes_nothing_with_it(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        file = append(home, "a.jsonl", lines([at(second) for second in range(10)]))
        one = follower()
        one.look()
        file.unlink()
        append(home, "b.jsonl", lines([at(20, "d")]))
        one.drain()
        assert one.stream.position.events == 11

    def test_one_that_comes_again_under_its_name_is_another(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        file = append(home, "a.jsonl", lines([at(second) for second in range(10)]))
        one = follower()
        one.drain()
        file.unlink()
        one.drain()
        append(home, "a.jsonl", lines([at(second) for second in range(20, 23)]))
        one.drain()
        assert one.stream.position.events == 13
        assert not one.stream.position.left_out

    def test_what_is_erased_from_it_is_not_told_as_broken(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        file = append(home, "a.jsonl", lines([at(second, f"c{second % 2}") for second in range(10)]))
        one = follower()
        one.drain()
        file.write_bytes(lines([at(second, "c1") for second in range(1, 10, 2)]))
        one.drain()
        append(home, "a.jsonl", lines([at(20, "c1")]))
        one.drain()
        assert one.stream.position.events == 11
        assert not one.stream.position.left_out


class TestOrder:
    def test_whatever_the_order_of_batches_rows_are_looked_at_in_time(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        """Three guards, of which the last to be read is the first in time, within what may be late."""
        one = follower(lateness=60.0)
        for begin in (20, 10, 0):
            append(home, f"g{begin}.jsonl", lines([at(second) for second in range(begin, begin + 10)]))
            one.look()
        assert one.stream.position.events == 0
        one.stream.flush(one.engine, at_once=True)
        assert one.stream.position.events == 30
        assert not one.stream.position.left_out

    def test_guards_that_write_the_same_event_are_counted_once(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        for guard in range(3):
            append(home, f"g{guard}.jsonl", lines([at(second) for second in range(5)]))
        one = follower()
        one.drain()
        assert one.stream.position.left_out == {"duplicate": 10}

    def test_the_same_again_after_its_look_is_late_and_not_looked_at(
        self, home: Workspace, follower: Callable[..., Follower]
    ) -> None:
        append(home, "a.jsonl", lines([at(second) for second in range(5)]))
        one = follower()
        one.drain()
        append(home, "b.jsonl", lines([at(second) for second in range(5)]))
        one.drain()
        assert one.stream.position.left_out == {"late": 5}
        assert one.stream.position.events == 5

    @pytest.mark.parametrize("days", [-20_000, 400])
    def test_a_clock_of_the_present_that_jumps_releases_nothing_twice(
        self, days: int, home: Workspace, follower: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        append(home, "a.jsonl", lines([at(second) for second in range(10)]))
        one = follower()
        one.look()
        before = one.stream.position.released
        jumped = int((datetime.now(UTC).timestamp() + days * 86_400) * 1_000_000)
        monkeypatch.setattr(streams, "_now", lambda: jumped)
        append(home, "a.jsonl", lines([at(second) for second in range(10, 20)]))
        one.look()
        one.stream.flush(one.engine, at_once=True)
        assert one.stream.position.released >= before
        monkeypatch.undo()
        one.drain()
        assert one.stream.position.events == 20
        assert not one.stream.position.left_out


class TestAgain:
    def test_a_batch_that_failed_counts_its_bad_lines_once(
        self, home: Workspace, follower: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        append(home, "a.jsonl", b"{\n" + lines([at(0), at(1)]))
        one = follower()

        def full(*_: object) -> None:
            raise CaponierError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(one.engine, "looked", full)
            for _ in range(3):
                with pytest.raises(CaponierError, match="the disk is full"):
                    one.look()
        assert one.stream.position.step == 0
        one.drain()
        assert sum(one.stream.position.left_out.values()) == 1
        assert one.stream.position.events == 2

    def test_a_look_at_what_waits_that_was_cut_off_is_done_again(
        self, home: Workspace, follower: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class KilledError(BaseException):
            pass

        def killed(*_: object) -> None:
            raise KilledError

        append(home, "a.jsonl", lines([at(second) for second in range(10)]))
        one = follower()
        one.look()
        waited = one.stream.position.waiting
        with monkeypatch.context() as patched:
            patched.setattr(Checkpoint, "write", killed)
            with pytest.raises(KilledError):
                one.stream.flush(one.engine, at_once=True)
        after = follower()
        assert tuple(after.stream.position.waiting) == waited
        named = {*waited, *(name for names in after.stream.position.files.values() for name in names)}
        assert {path.name for path in after.checkpoint.state.iterdir()} == named
        assert after.stream.flush(after.engine, at_once=True)
        assert after.stream.position.events == 10
        assert not after.stream.flush(after.engine, at_once=True), "nothing waits any more"

    def test_every_batch_may_come_twice(self, home: Workspace, follower: Callable[..., Follower]) -> None:
        one = follower()
        for begin in range(0, 30, 10):
            append(home, "a.jsonl", lines([at(second) for second in range(begin, begin + 10)]))
            one.look()
            before = orjson.dumps(one.stream.position)
            for batch in range(one.stream.position.batch + 1):
                one.again(batch)
            assert orjson.dumps(one.stream.position) == before
        one.stream.flush(one.engine, at_once=True)
        assert one.stream.position.events == 30
        assert not one.stream.position.left_out
