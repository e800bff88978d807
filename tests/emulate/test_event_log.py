from datetime import UTC, datetime, timedelta
from threading import Thread

import numpy as np
import pyarrow as pa
import pytest

from caponier.emulate.event_log import Answers, Deployment, ServerLog, events, interleaved, micros
from caponier.records.event import EVENT_SCHEMA

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def answers(rng: np.random.Generator, times: list[int], who: str = "alice") -> Answers:
    n = len(times)
    return Answers(
        time=np.array(times, np.int64),
        input=rng.random((n, 64), dtype=np.float32),
        scores=rng.random((n, 10), dtype=np.float32),
        principal=[who] * n,
        request_id=[f"{who}/{at}" for at in range(n)],
        source_ip=["10.0.0.1"] * n,
        latency_ms=np.ones(n),
    )


def test_events_follow_the_schema(rng: np.random.Generator) -> None:
    table = events(answers(rng, [1, 2, 3]), Deployment())
    assert table.schema == EVENT_SCHEMA
    assert table.num_rows == 3
    table.validate(full=True)


def test_events_say_what_was_asked_and_answered(rng: np.random.Generator) -> None:
    given = answers(rng, [1, 2, 3])
    table = events(given, Deployment("m", "7", "s"))
    assert np.array_equal(np.array(table["input"].to_pylist(), np.float32), given.input)
    assert np.array_equal(np.array(table["scores"].to_pylist(), np.float32), given.scores)
    assert table["label"].to_pylist() == [str(best) for best in given.scores.argmax(axis=1)]
    assert table["input_shape"].to_pylist() == [[64]] * 3
    assert {name: set(table[name].to_pylist()) for name in ("system", "model", "model_version", "operation")} == {
        "system": {"s"},
        "model": {"m"},
        "model_version": {"7"},
        "operation": {"predict"},
    }


def test_events_stand_in_order_of_time(rng: np.random.Generator) -> None:
    given = answers(rng, [30, 10, 20])
    table = events(given, Deployment())
    assert table["request_id"].to_pylist() == ["alice/1", "alice/2", "alice/0"]
    assert table["seq"].to_pylist() == [0, 1, 2]
    assert len(set(table["event_id"].to_pylist())) == 3


def test_events_of_one_moment_keep_their_order(rng: np.random.Generator) -> None:
    table = events(answers(rng, [5] * 200), Deployment())
    assert table["request_id"].to_pylist() == [f"alice/{at}" for at in range(200)]


def test_interleaving_numbers_anew(rng: np.random.Generator) -> None:
    first, second = events(answers(rng, [1, 3]), Deployment()), events(answers(rng, [2, 4], "bob"), Deployment())
    table = interleaved([first, second])
    assert table["principal"].to_pylist() == ["alice", "bob", "alice", "bob"]
    assert table["seq"].to_pylist() == [0, 1, 2, 3]
    assert table.schema == EVENT_SCHEMA


def test_moments_become_microseconds() -> None:
    moment = NOON + timedelta(microseconds=7)
    assert pa.scalar(micros(moment), pa.timestamp("us", tz="UTC")).as_py() == moment


def test_a_log_collects_from_many_threads() -> None:
    log = ServerLog()
    row = {"time": NOON, "model": "m", "operation": "predict"}
    threads = [Thread(target=lambda: [log.record([row, row]) for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.rows()) == 800


def test_a_log_becomes_events() -> None:
    log = ServerLog()
    log.record([{"time": NOON, "model": "m", "operation": "predict", "input": np.ones(2, np.float32), "status": 200}])
    log.record([{"time": NOON - timedelta(seconds=1), "model": "m", "operation": "health"}])
    table = log.table()
    assert table.schema == EVENT_SCHEMA
    assert table["operation"].to_pylist() == ["health", "predict"]
    assert table["input"].to_pylist() == [None, [1, 1]]


def test_an_empty_log_is_an_empty_table() -> None:
    assert ServerLog().table().num_rows == 0


def test_a_deployment_has_names() -> None:
    assert Deployment() == Deployment("digits", "1", "digits")


def test_lengths_must_agree(rng: np.random.Generator) -> None:
    given = answers(rng, [1, 2])
    short = Answers(given.time, given.input[:1], given.scores, ["a"] * 2, ["b"] * 2, ["c"] * 2, given.latency_ms)
    with pytest.raises(pa.ArrowInvalid):
        events(short, Deployment()).validate(full=True)
