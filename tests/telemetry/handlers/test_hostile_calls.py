"""Calls that somebody made to break the recording, and arguments that must never be logged."""

import asyncio
from typing import Any

import numpy as np
import pytest

from caponier.telemetry.handlers import record
from caponier.telemetry.recorder import EventMemory, queries_of

HUGE = 10**400


def only(handler: Any) -> dict[str, Any]:
    (row,) = handler.events
    return dict(row)


def test_a_whole_number_without_end_costs_neither_the_answer_nor_the_event() -> None:
    @record
    def score(features: list[int]) -> str:
        return "low"

    assert score([HUGE, -HUGE, 1]) == "low"
    assert only(score)["input"].tolist() == [np.inf, -np.inf, 1]
    assert queries_of([[HUGE, 2]])[0]["input"].tolist() == [np.inf, 2]


@pytest.mark.parametrize("failure", [ZeroDivisionError(), RuntimeError(), AssertionError(), RecursionError()], ids=repr)
def test_whatever_a_function_that_picks_raises_the_handler_answers(failure: Exception) -> None:
    def pick(_: Any) -> Any:
        raise failure

    @record(inputs=pick, principal=pick)
    def score(features: list[float]) -> str:
        return "low"

    assert score([1.0]) == "low"


def test_an_answer_in_an_odd_form_does_not_cost_the_question() -> None:
    @record
    def score(features: list[float]) -> dict[str, Any]:
        return {"label": "a", "scores": ["high", "low"]}

    score([1.0, 2.0])
    assert (only(score)["input"].tolist(), only(score).get("label")) == ([1.0, 2.0], None)


@pytest.mark.parametrize("name", ["token", "api_key", "authorization", "password", "session_id"])
def test_a_credential_among_the_arguments_is_not_logged_as_what_is_asked(name: str) -> None:
    made: dict[str, Any] = {}
    exec(f"def score({name}, payload): return 'low'\ndef bare({name}): return 'low'", made)
    score, bare = record(made["score"]), record(made["bare"])
    score("s3cret", {"age": 3.0})
    bare("s3cret")
    assert "s3cret" not in repr([score.events, bare.events])
    assert "age" in only(score)["input_raw"]


def test_a_method_is_recorded_by_its_data_and_not_by_its_object() -> None:
    class Server:
        @record
        def score(self, row: list[float]) -> str:
            return "low"

    Server().score([4.0])
    assert only(Server.score)["input"].tolist() == [4.0]


def test_a_pair_of_a_label_and_a_number_is_no_status() -> None:
    @record
    def score(features: list[float]) -> tuple[str, int]:
        return "cat", 3

    score([1.0])
    assert (only(score)["status"], only(score)["label"]) == (200, "cat")


def test_a_call_that_was_cut_off_is_none_that_was_answered() -> None:
    @record
    async def score(features: list[float]) -> str:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(score([1.0]))
    assert only(score)["status"] == 500


def test_long_inputs_do_not_fill_the_memory() -> None:
    memory = EventMemory(most_bytes=4_000)
    held = memory.rows
    for n in range(50):
        memory.record([{"n": n, "input": np.zeros(100, np.float32)}])
    assert [row["n"] for row in held] == list(range(50 - len(held), 50))
    assert 9 <= len(held) <= 12
    memory.record([{"n": 50, "input_raw": "x" * 9_000}])
    assert held == []
