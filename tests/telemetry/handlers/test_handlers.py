"""Handlers that are recorded: their answers and errors stay as they are, and the events say what was asked."""

import asyncio
import logging
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

from caponier.errors import InputError
from caponier.telemetry.handlers import record
from caponier.telemetry.principals import principal_of
from caponier.telemetry.recorder import EventMemory
from telemetry.conftest import reading

KEY = {"X-API-Key": "sk-0123456789"}


class Applicant(BaseModel):
    age: int
    city: str


@dataclass
class Row:
    features: list[float]


def only(handler: Any) -> dict[str, Any]:
    (row,) = handler.events
    return dict(row)


class TestPlainHandlers:
    def test_a_handler_keeps_its_name_its_signature_and_its_answer(self) -> None:
        @record
        def score(inputs: list[float], principal: str | None = None) -> str:
            """Say something."""
            return "high"

        assert score([1.0, 2.0], principal="k-1") == "high"
        assert (score.__name__, score.__doc__) == ("score", "Say something.")
        assert list(signature(score).parameters) == ["inputs", "principal"]
        row = only(score)
        assert (row["model"], row["operation"], row["status"]) == ("score", "predict", 200)
        assert (row["principal"], row["input"].tolist(), row["label"]) == ("k-1", [1.0, 2.0], "high")
        assert row["latency_ms"] >= 0

    @pytest.mark.parametrize(
        ("answer", "labels", "scores"),
        [
            (["a", "b"], ["a", "b"], None),
            (np.array([[0.9, 0.1], [0.2, 0.8]]), ["0", "1"], [[0.9, 0.1], [0.2, 0.8]]),
            (
                {"predictions": ["a", "b"], "probabilities": [[0.9, 0.1], [0.2, 0.8]]},
                ["a", "b"],
                [[0.9, 0.1], [0.2, 0.8]],
            ),
            ({"label": ["a", "b"], "trace": 7}, ["a", "b"], None),
            ({"trace": 7}, [None, None], None),
            ("one for both", [None, None], None),
            (None, [None, None], None),
        ],
    )
    def test_answers_are_one_an_example_or_none(self, answer: Any, labels: list[str], scores: Any) -> None:
        @record
        def score(rows: Any) -> Any:
            return answer

        assert score(np.eye(2)) is answer
        assert [row.get("label") for row in score.events] == labels
        told = [row["scores"] for row in score.events if "scores" in row]
        assert np.allclose(told, scores if scores is not None else np.zeros((0,)))

    @pytest.mark.parametrize(
        ("asked", "raw", "n"),
        [
            ({"age": 7, "city": "Ulm"}, '{"age":7,"city":"Ulm"}', 1),
            (Applicant(age=7, city="Ulm"), '{"age":7,"city":"Ulm"}', 1),
            ("a text", "a text", 1),
            ({"instances": [[1, 2], [3, 4]]}, None, 2),
            (Row([1.0, 2.0]), None, 1),
            ([[1, 2], [3, 4]], None, 2),
        ],
    )
    def test_what_is_asked_is_numbers_or_as_it_came(self, asked: Any, raw: str | None, n: int) -> None:
        @record
        def score(body: Any) -> str:
            return "high"

        score(asked)
        assert len(score.events) == n
        assert score.events[0].get("input_raw") == raw

    def test_arguments_may_be_named_or_picked(self) -> None:
        @record(
            inputs="picture", principal=lambda given: given["user"]["id"], model="digits", version="3", system="post"
        )
        def score(user: dict[str, str], picture: Any) -> str:
            return "7"

        score({"id": "ann"}, np.zeros((1, 2, 2)))
        row = only(score)
        assert (row["principal"], row["model"], row["model_version"], row["system"]) == ("ann", "digits", "3", "post")
        assert row["input_shape"] == [2, 2]
        with pytest.raises(InputError, match="It has: user"):
            record(lambda user: user, inputs="pictrue")

    def test_an_error_is_raised_as_it_was_and_recorded_with_its_status(self) -> None:
        @record
        def score(rows: Any) -> str:
            raise ValueError("no such row")

        with pytest.raises(ValueError, match="no such row"):
            score([1.0])
        assert (only(score)["status"], "label" in only(score)) == (500, False)

    def test_a_log_that_cannot_be_written_costs_no_answer(self, caplog: pytest.LogCaptureFixture) -> None:
        class Full:
            def record(self, rows: object) -> None:
                raise OSError(28, "no space left")

        full: Any = Full()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("caponier.telemetry.handlers.log_at", lambda _: full)
            score = record(lambda rows: "high")
        with caplog.at_level(logging.ERROR, "caponier"):
            assert score([1.0]) == "high"
        assert "was not recorded" in caplog.text

    def test_a_wrong_call_is_the_handlers_own_error(self) -> None:
        score = record(lambda rows: "high")
        with pytest.raises(TypeError, match="missing"):
            score()

    def test_what_is_asked_is_recorded_as_it_came_also_where_a_handler_scales_it_in_place(self) -> None:
        @record
        def score(rows: Any) -> str:
            rows *= 10
            return "high"

        score(np.array([1.0, 2.0]))
        assert only(score)["input"].tolist() == [1.0, 2.0]

    def test_arguments_that_cannot_be_read_cost_no_answer(self) -> None:
        score = record(lambda rows: "high")
        assert score(iter([1.0])) == "high"
        assert [row["label"] for row in score.events] == ["high"]

    def test_a_handler_may_be_async(self) -> None:
        @record
        async def score(rows: Any) -> str:
            await asyncio.sleep(0)
            return "high"

        assert asyncio.run(score([1.0])) == "high"
        assert only(score)["label"] == "high"


def test_fastapi_calls_it_as_it_would_the_handler(tmp_path: Path) -> None:
    app, path = FastAPI(), tmp_path / "events.jsonl"

    @app.post("/score")
    @record(model="fraud", log=path)
    def score(body: Row, request: Request) -> dict[str, Any]:
        if len(body.features) != 2:
            raise HTTPException(422, "two numbers")
        return {"label": "ok", "scores": [0.25, 0.75]}

    async def asked(*features: float) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
            return await client.post("/score", json={"features": features}, headers=KEY)

    assert asyncio.run(asked(1, 2)).json()["label"] == "ok"
    assert asyncio.run(asked(1)).status_code == 422
    first, second = reading(path).rows
    salt = bytes.fromhex((tmp_path / "events.jsonl.salt").read_text())
    assert first["principal"] == second["principal"] == principal_of(KEY["X-API-Key"], salt)
    assert (first["input"], first["label"], first["scores"], first["status"]) == ([1.0, 2.0], "ok", [0.25, 0.75], 200)
    assert (second["status"], second["label"]) == (422, None)
    assert (tmp_path / "events.jsonl.salt").stat().st_mode & 0o077 == 0
    assert "sk-0123456789" not in path.read_text()


def test_who_a_caller_says_it_is_counts_only_where_the_operator_says_so() -> None:
    app = FastAPI()

    @app.get("/claimed")
    @record
    def claimed(request: Request, x: float, principal: str = "") -> str:
        return "ok"

    @app.get("/proven")
    @record(principal="principal")
    def proven(request: Request, x: float, principal: str = "") -> str:
        return "ok"

    async def asked(path: str) -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
            assert (await client.get(path, params={"x": 1, "principal": "somebody-else"})).status_code == 200

    asyncio.run(asked("/claimed"))
    asyncio.run(asked("/proven"))
    assert (only(claimed)["principal"], only(proven)["principal"]) == (None, "somebody-else")


def test_memory_does_not_run_full() -> None:
    memory = EventMemory(most=80)
    for n in range(200):
        memory.record([{"n": n}])
    assert 80 <= len(memory.rows) <= 90
    assert memory.rows[-1] == {"n": 199}


def test_flask_hands_its_request_over_by_itself() -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask(__name__)

    @app.post("/score")
    @record(model="fraud", salt=b"salt")
    def score() -> Any:
        return {"predictions": [str(sum(row)) for row in flask.request.get_json()["instances"]]}, 201

    said = app.test_client().post("/score", json={"instances": [[1, 2], [3, 4]]}, headers=KEY)
    assert said.status_code == 201
    assert [row["label"] for row in score.events] == ["3", "7"]
    assert {row["principal"] for row in score.events} == {principal_of(KEY["X-API-Key"], b"salt")}
    assert {row["status"] for row in score.events} == {201}
