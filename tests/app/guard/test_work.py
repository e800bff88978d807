"""The queue between the server and the guard's work."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.app.guard import work as guard_work
from caponier.app.guard.backlog import ExchangeQueue
from caponier.app.guard.run import Guard
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.guard.call import Call
from caponier.guard.exchange import Caller, Exchange
from caponier.guard.settings import GuardSettings
from caponier.records.finding import Finding
from caponier.telemetry import inference_body
from respond.made import finding


def exchange(body: bytes = b"") -> Exchange:
    return Exchange(
        Call("predict" if body else "metadata", "m"),
        Caller("k", None, None),
        None,
        datetime.now(UTC),
        {},
        body=body,
        status=200,
    )


def test_a_queue_is_bounded_by_length_and_by_bytes() -> None:
    queue = ExchangeQueue(length=3, size=10_000)
    assert [queue.put(exchange()) for _ in range(4)] == [True, True, True, False]
    queue.take()
    queue.take()
    assert not queue.put(exchange(b"x" * 9_000))
    assert queue.put(exchange(b"x" * 4_000))
    queue.take()
    queue.take()
    assert not queue
    assert queue.put(exchange(b"x" * 7_000)), "what was taken makes room"


def guard_in(folder: Path, told: list[str]) -> Guard:
    create_workspace(folder)
    workspace = load_workspace(folder)
    assert workspace is not None
    return Guard(workspace, GuardSettings(upstream="http://127.0.0.1:9"), tell=told.append)


def test_one_request_that_cannot_be_recorded_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    work = guard_in(tmp_path, told).work
    stamp = work.order.stamp

    def sometimes(rows: list[dict[str, object]]) -> None:
        if rows[0]["status"] == 500:
            raise RuntimeError("secret of a caller")
        stamp(rows)

    monkeypatch.setattr(work.order, "stamp", sometimes)
    bad = exchange()
    bad.status = 500
    for one in (exchange(), bad, bad, exchange()):
        work.record(one)
    work.start()
    work.close()
    assert (work.metrics.total("events"), work.metrics.total("lost_events")) == (2, 2)
    assert told == ["warning: event: RuntimeError; the guard goes on, and counts how often this happens"]


def test_many_large_requests_are_not_held_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = guard_in(tmp_path, []).work
    held: list[int] = []
    write = work.log.write

    def written(rows: list[dict[str, object]]) -> None:
        held.append(len(rows))
        write(rows)

    monkeypatch.setattr(work.log, "write", written)
    monkeypatch.setattr(guard_work, "MOST_ROWS", 100)
    monkeypatch.setattr(guard_work, "MOST_NUMBERS", 300)
    for body in [b'{"instances":[' + b"1," * 59 + b"1]}"] * 4 + [b'{"instances":[[' + b"1," * 199 + b"1]]}"] * 4:
        work.record(exchange(body))
    work.start()
    work.close()
    assert [n for n in held if n] == [120, 120, 2, 2]
    assert work.metrics.total("events") == 244


def test_what_is_unread_is_counted(tmp_path: Path) -> None:
    work = guard_in(tmp_path, []).work
    work.record(exchange(b'{"instances":[' + b"1," * 10_000 + b"1]}"))
    answered = exchange(b'{"instances":[1]}')
    answered.answer_too_large = True
    work.record(answered)
    work.start()
    work.close()
    assert 'unread_total{part="request"} 1' in work.metrics.text()
    assert 'unread_total{part="answer"} 1' in work.metrics.text()
    assert work.metrics.total("unreadable") == 1
    assert work.metrics.total("events") == 2


def test_closing_finishes_what_was_begun(tmp_path: Path) -> None:
    work = guard_in(tmp_path, []).work
    for _ in range(1_000):
        work.record(exchange())
    work.start()
    work.close()
    assert work.metrics.total("events") == 1_000
    assert not work.backlog


def test_an_event_that_cannot_be_written_costs_the_log_no_other_and_detection_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    work = guard_in(tmp_path, told).work
    write, fed = work.log.write, []

    def sometimes(rows: list[dict[str, object]]) -> None:
        if any(row["status"] == 500 for row in rows):
            raise TypeError("secret of a caller")
        write(rows)

    monkeypatch.setattr(work.log, "write", sometimes)
    monkeypatch.setattr(work.live, "by_caller", lambda rows: fed.extend(rows) or [])
    bad = exchange()
    bad.status = 500
    for one in (exchange(), bad, exchange()):
        work.record(one)
    work.start()
    work.close()
    assert (work.metrics.total("events"), work.metrics.total("lost_events")) == (2, 1)
    assert len(fed) == 3
    assert told == ["warning: event log: TypeError; the guard goes on, and counts how often this happens"]


def test_findings_that_cannot_be_made_or_passed_on_silence_nothing_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    work = guard_in(tmp_path, told).work
    fed: list[object] = []
    taken: list[object] = []

    def feed(rows: list[dict[str, object]]) -> list[Finding]:
        if not rows:
            return []
        fed.append(rows)
        if len(fed) == 1:
            raise RuntimeError("secret of a caller")
        return [finding(len(fed), "eve")]

    def take(found: list[Finding], _: list[Finding]) -> None:
        taken.append(found)
        if len(taken) == 1:
            raise RuntimeError("secret of a caller")

    monkeypatch.setattr(guard_work, "MOST_ROWS", 1)
    monkeypatch.setattr(work.live, "by_caller", feed)
    monkeypatch.setattr(work.response, "take", take)
    work._look([exchange() for _ in range(4)])
    work.log.close()
    assert (len(fed), len(taken)) == (4, 3)
    assert work.metrics.total("events") == 4
    assert [line.split(";")[0] for line in told] == [
        "warning: detection: RuntimeError",
        "warning: response: RuntimeError",
    ]


@pytest.mark.parametrize(("most", "seconds"), [(1, 3_600.0), (10_000, 0.0), (10_000, 3_600.0)])
def test_what_many_callers_ask_together_is_looked_at_by_number_by_time_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, seconds: float
) -> None:
    work = guard_in(tmp_path, []).work
    waiting: list[object] = []
    looked: list[int] = []
    taken: list[Finding] = []

    def by_cell() -> list[Finding]:
        looked.append(len(waiting))
        waiting.clear()
        return [finding(len(looked), "eve")]

    monkeypatch.setattr(type(work.live), "waiting", property(lambda _: len(waiting)))
    monkeypatch.setattr(work.live, "by_caller", lambda rows: waiting.extend(rows) or [])
    monkeypatch.setattr(work.live, "by_cell", by_cell)
    monkeypatch.setattr(work.response, "take", lambda found, _: taken.extend(found))
    monkeypatch.setattr(guard_work, "MOST_TOGETHER", most)
    monkeypatch.setattr(guard_work, "TOGETHER_S", seconds)
    work._together_at = time.monotonic()
    for _ in range(2):
        work.record(exchange())
        work._work()
    assert len(looked) == (0 if most == 10_000 and seconds else 2)
    work.start()
    work.close()
    assert sum(looked) == 2
    assert len(taken) == len(looked)


@pytest.mark.parametrize(("part", "kept"), [("answer", [1.0]), ("asked", None)])
def test_nothing_in_an_answer_costs_the_question_nor_in_a_question_the_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, kept: list[float] | None
) -> None:
    class OddError(Exception):
        """Nothing that anybody has thought of."""

    def odd(*_: object) -> None:
        raise OddError

    told: list[str] = []
    work = guard_in(tmp_path, told).work
    odd_with_something = {"answer": lambda body, _: odd() if body else inference_body.Answer(), "asked": odd}
    monkeypatch.setattr(inference_body, part, odd_with_something[part])
    asked = exchange(b'{"instances":[1]}')
    asked.answer = b'{"predictions":[1]}'
    (row,) = work._events(asked)
    assert (row["input"].tolist() if kept else row.get("input")) == kept
    assert "OddError" in told[0]
