import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest

from caponier.app.inference import asked_model
from caponier.app.inference.asked_model import AskedModel, ModelError, RowsRefusedError
from caponier.emulate.event_log import ServerLog
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from caponier.errors import InputError

Reply = tuple[int, Any]
DESCRIBED = {"inputs": [{"name": "pixels", "datatype": "FP64", "shape": [-1, 1, 2]}]}
HALVES = {"outputs": [{"name": "p", "shape": [1, 2], "datatype": "FP32", "data": [0.25, 0.75]}]}


@contextmanager
def answering(
    *answers: tuple[int, Any], described: tuple[int, Any] = (200, DESCRIBED)
) -> Iterator[tuple[str, list[Any]]]:
    """Serve a description, then one answer after the other and the last for ever; give the URL and the bodies asked."""
    asked: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(*described)

        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(*answers[min(len(asked), len(answers)) - 1])

        def _answer(self, status: int, document: Any) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


ROW = np.array([[0.5, 1.0]], np.float32)


def test_a_real_server_answers_as_the_model_does(digits: tuple[DigitsSplit, Victim]) -> None:
    split, victim = digits
    log = ServerLog()
    with (
        serve(victim.predict_proba, record=log.record, principal_of=lambda key: key) as server,
        AskedModel(server.url, "digits", "k", batch=7) as asked,
    ):
        scores = asked(split.test.images[:20])
    assert np.allclose(scores, victim.predict_proba(split.test.images[:20]), atol=1e-6)


def test_it_asks_with_the_servers_own_name_type_and_shape() -> None:
    with answering((200, HALVES)) as (url, bodies), AskedModel(url, "m") as asked:
        assert asked(ROW).tolist() == [[0.25, 0.75]]
    assert bodies == [{"inputs": [{"name": "pixels", "datatype": "FP64", "shape": [1, 1, 2], "data": [0.5, 1.0]}]}]


def test_rows_that_do_not_fit_the_description_are_asked_for_flat() -> None:
    with answering((200, HALVES)) as (url, bodies), AskedModel(url, "m") as asked:
        asked(np.ones((1, 3), np.float32))
    assert bodies[0]["inputs"][0]["shape"] == [1, 3]


def test_a_model_of_one_number_a_row_is_asked_as_it_is_described() -> None:
    one = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}]}
    with answering((200, HALVES), described=(200, one)) as (url, bodies), AskedModel(url, "m") as asked:
        asked(np.full((1, 1), 0.5, np.float32))
    assert bodies[0]["inputs"][0] == {"name": "x", "datatype": "FP32", "shape": [1], "data": [0.5]}


def test_a_description_without_room_for_a_number_is_not_taken_at_its_word() -> None:
    none = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 0, 3]}]}
    with answering((200, HALVES), described=(200, none)) as (url, bodies), AskedModel(url, "m") as asked:
        asked(np.ones((1, 0), np.float32))
    assert bodies[0]["inputs"][0]["shape"] == [1, 0]


def test_a_request_that_is_too_large_is_halved() -> None:
    halves = {"outputs": [{"name": "p", "shape": [2, 2], "datatype": "FP32", "data": [0.25, 0.75, 0.5, 0.5]}]}
    with answering((413, {}), (200, halves)) as (url, bodies), AskedModel(url, "m") as asked:
        assert asked(np.tile(ROW, (4, 1))).shape == (4, 2)
    assert [body["inputs"][0]["shape"][0] for body in bodies] == [4, 2, 2]


def test_a_busy_server_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(asked_model, "sleep", pauses.append)
    with answering((429, {}), (503, {}), (200, HALVES)) as (url, _), AskedModel(url, "m") as asked:
        assert asked(ROW).shape == (1, 2)
    assert pauses == [1.0, 2.0]


def test_a_server_that_stays_busy_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked_model, "sleep", lambda _: None)
    with (
        answering((429, {})) as (url, bodies),
        AskedModel(url, "m") as asked,
        pytest.raises(ModelError, match="answered 429"),
    ):
        asked(ROW)
    assert len(bodies) == 5


def test_rows_that_the_model_does_not_take_are_told_from_a_model_that_fails() -> None:
    with answering((400, {"error": "no"}), (500, {"error": "oh"})) as (url, _), AskedModel(url, "m") as asked:
        with pytest.raises(RowsRefusedError, match="answered 400"):
            asked(ROW)
        with pytest.raises(ModelError, match="answered 500") as failed:
            asked(ROW)
    assert not isinstance(failed.value, RowsRefusedError)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"no json", "no JSON"),
        ({"outputs": []}, "cannot be read"),
        ({"outputs": [{"name": "label", "shape": [1], "datatype": "INT64", "data": [3]}]}, "without scores"),
    ],
)
def test_an_answer_of_no_use_is_an_error(reply: Any, says: str) -> None:
    with answering((200, reply)) as (url, _), AskedModel(url, "m") as asked, pytest.raises(ModelError, match=says):
        asked(ROW)


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ((401, {"error": "who?"}), "--key"),
        ((404, {"error": "what?"}), "--model"),
        ((200, {"inputs": []}), "one input"),
        ((200, {"inputs": [DESCRIBED["inputs"][0]] * 2}), "one input"),
        ((200, []), "one input"),
    ],
)
def test_a_model_that_cannot_be_asked_is_an_error_at_once(described: Reply, says: str) -> None:
    with answering((200, HALVES), described=described) as (url, _), pytest.raises(ModelError, match=says):
        AskedModel(url, "m")


def test_a_server_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9.*\n.*--url"):
        AskedModel("http://127.0.0.1:9", "m")


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="http://"):
        AskedModel("ftp://127.0.0.1", "m")
