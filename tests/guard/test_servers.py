"""What each model server reads, and how it is known."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from caponier.guard.call import call_of
from caponier.guard.servers import READS, Probed, probe, why_not_read
from guard.loopback import serving
from guard.upstreams import body_of, lifespan


class Pretender:
    """Answers some paths as a model server would."""

    def __init__(self, answers: dict[str, tuple[int, bytes]], key: str | None = None) -> None:
        self._answers, self._key = answers, key
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        self.bodies.append(await body_of(receive))
        status, body = self._answers.get(scope["path"], (404, b"{}"))
        if scope["method"] == "POST" and self._key:
            shown = dict(scope["headers"]).get(b"authorization", b"").decode()
            status, body = (400, b"{}") if shown == self._key else (401, b"{}")
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body})


def v2(name: str, **others: tuple[int, bytes]) -> dict[str, tuple[int, bytes]]:
    answers = {"/v2": (200, orjson.dumps({"name": name, "version": "1"})), "/v2/models/m/infer": (400, b"{}")}
    return answers | {path.replace("__", "/"): said for path, said in others.items()}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (v2("mlserver"), "mlserver"),
        (v2("MLServer"), "mlserver"),
        (v2("triton"), "triton"),
        (v2("kserve-lgb"), "kserve-v2"),
        # One that knows both protocols says so nowhere, and answers questions about its models in both.
        (v2("kserve", __v1__models=(200, b'{"models": ["m"]}')), "kserve"),
        (v2("kserve", __v1__models=(200, b'{"models": []}')), "kserve"),
        (v2("kserve", __v1__models=(404, b'{"detail": "Not Found"}')), "kserve-v2"),
        (v2("catch-all", __v1__models=(200, b"<html>")), "kserve-v2"),
        (v2("catch-all", __v1__models=(200, b'{"name": "catch-all"}')), "kserve-v2"),
        (v2("mlserver", __v1__models=(200, b'{"models": ["m"]}')), "mlserver"),
        ({"/v2": (200, b"<html>")}, None),
        ({"/ping": (200, b'{"status": "Healthy"}'), "/predictions/m": (400, b"{}")}, "torchserve"),
        ({"/ping": (200, b"\n"), "/version": (200, b"2.22.0"), "/invocations": (400, b"")}, "mlflow"),
        ({"/ping": (200, b"pong"), "/version": (200, b'{"v": 1}')}, None),
        ({"/ping": (200, b"pong")}, None),
        ({}, None),
    ],
)
def test_a_model_server_is_known_by_what_it_says(answers: dict[str, tuple[int, bytes]], expected: str | None) -> None:
    with serving(Pretender(answers)) as url:
        assert probe(url).server == expected
        assert probe(url, "m") == Probed(expected, None if expected is None else False)  # type: ignore[arg-type]


def test_a_server_of_version_one_and_two_is_known_by_the_state_of_the_model_alone() -> None:
    """Such as OpenVINO's, which has no list of its models at that path."""
    state = {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}
    with serving(Pretender(v2("OpenVINO Model Server", __v1__models__m=(200, orjson.dumps(state))))) as url:
        assert probe(url, "m").server == "kserve"
        assert probe(url, "other").server == probe(url).server == "kserve-v2"


def test_whether_a_made_up_key_is_turned_away_is_seen_and_no_input_is_sent() -> None:
    app = Pretender(v2("mlserver"), key="Bearer good")
    with serving(app) as url:
        assert probe(url, "m").asks_for_keys is True
        assert probe(url, "other").asks_for_keys is True
    assert set(app.bodies) == {b"", b"{}"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9/x"])
def test_a_server_that_is_not_there_is_not_known(url: str) -> None:
    assert probe(url, "m") == Probed()


ROWS: dict[str, Callable[[], dict[str, Any]]] = {
    "inputs": lambda: {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]},
    "instances": lambda: {"instances": [[1]]},
    "dataframe_split": lambda: {"dataframe_split": {"data": [[1]]}},
    "dataframe_records": lambda: {"dataframe_records": [{"a": 1}]},
}


@pytest.mark.parametrize(
    ("server", "path", "keys"),
    [
        ("mlserver", "/v2/models/m/infer", ["inputs"]),
        ("mlserver", "/invocations", list(ROWS)),
        ("mlserver", "/predictions/m", []),
        ("triton", "/v2/models/m/versions/1/infer", ["inputs"]),
        ("triton", "/invocations", []),
        ("kserve-v2", "/v1/models/m:predict", []),
        ("kserve", "/v1/models/m:predict", ["inputs", "instances"]),
        ("kserve", "/v1/models/m:explain", ["inputs", "instances"]),
        ("kserve", "/v2/models/m/infer", ["inputs"]),
        ("kserve", "/invocations", []),
        ("torchserve", "/predictions/m/2", list(ROWS)),
        ("torchserve", "/models/m/invoke", list(ROWS)),
        ("torchserve", "/v1/models/m:predict", ["instances"]),
        ("mlflow", "/invocations", list(ROWS)),
        ("mlflow", "/v2/models/m/infer", []),
        (None, "/v2/models/m/infer", list(ROWS)),
    ],
)
def test_rows_count_where_the_server_takes_them_from(server: str | None, path: str, keys: list[str]) -> None:
    call = call_of("POST", path)
    assert call.asks
    read = [name for name, body in ROWS.items() if why_not_read(server, call, body()) is None]
    assert read == keys


def test_what_holds_no_rows_is_no_matter_of_the_server() -> None:
    assert why_not_read("mlserver", call_of("POST", "/v2/models/m/infer"), {"id": "1"}) is None


def test_every_server_has_a_path_on_which_it_is_asked() -> None:
    assert all(READS.values())
