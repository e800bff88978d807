import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest

from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.images import Images
from caponier.emulate.victims.client import RemoteError, RemoteModel, RemoteWire
from caponier.emulate.victims.digits import Victim
from caponier.errors import InputError
from emulate.conftest import Served


def test_scores_are_the_models_own(served: Served, victim: Victim, pool: Images) -> None:
    with served.remote() as remote:
        assert np.allclose(remote.predict_proba(pool[:40]), victim.predict_proba(pool[:40]), atol=1e-6)


@pytest.mark.parametrize(("batch", "requests"), [(None, 1), (1, 10), (4, 3), (10, 1), (99, 1)])
def test_rows_go_out_in_batches(served: Served, pool: Images, batch: int | None, requests: int) -> None:
    with served.remote() as remote:
        assert remote.predict_proba(pool[:10], batch).shape == (10, 10)
    assert (remote.requests, remote.queries) == (requests, 10)
    assert len({event["request_id"] for event in served.log.rows()}) == requests


def test_float32_rows_arrive_bit_by_bit(served: Served, rng: np.random.Generator) -> None:
    rows = rng.random((20, 64), dtype=np.float32)
    with served.remote() as remote:
        remote.predict_proba(rows)
    assert np.array_equal([event["input"] for event in served.log.rows()], rows)


@pytest.mark.parametrize("key", [None, "stolen"])
def test_a_caller_without_a_good_key_is_refused(served: Served, pool: Images, key: str | None) -> None:
    with served.remote(key) as remote, pytest.raises(RefusedError, match="401"):
        remote.predict_proba(pool[:1])
    assert remote.queries == 0


def test_an_error_says_what_the_server_said(served: Served) -> None:
    with served.remote() as remote, pytest.raises(RemoteError, match="64 numbers a row"):
        remote.predict_proba(np.zeros((1, 63), np.float32))


def test_an_unknown_model_is_an_error(served: Served, pool: Images) -> None:
    with RemoteModel(served.server.url, "alice", model="other") as remote, pytest.raises(RemoteError, match="404"):
        remote.predict_proba(pool[:1])


def test_a_server_that_is_not_there_is_an_error(pool: Images) -> None:
    with RemoteModel("http://127.0.0.1:9", "alice") as remote, pytest.raises(RemoteError, match="cannot be reached"):
        remote.predict_proba(pool[:1])


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", ""])
def test_an_address_must_be_http(url: str) -> None:
    with pytest.raises(InputError, match="http://"):
        RemoteModel(url, "alice")


class _Scripted(BaseHTTPRequestHandler):
    """Answers what the test says, one answer a connection, which it then closes without notice."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        getattr(self.server, "paths", []).append(self.path)
        status, body = self.server.script
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Scripted) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def asked(server: HTTPServer, pool: Images, times: int = 1) -> Images:
    with RemoteModel(f"http://127.0.0.1:{server.server_port}", "alice") as remote:
        return [remote.predict_proba(pool[:1]) for _ in range(times)][-1]


def outputs(*tensors: dict[str, object]) -> bytes:
    return json.dumps({"outputs": list(tensors)}).encode()


def test_a_kept_connection_that_was_closed_is_opened_again(scripted: HTTPServer, pool: Images) -> None:
    scripted.script = 200, outputs({"name": "probabilities", "data": [0.5, 0.5]})
    assert asked(scripted, pool, times=3).shape == (1, 2)


def test_labels_alone_are_an_answer(scripted: HTTPServer, pool: Images) -> None:
    """What is left when a server withholds its scores."""
    scripted.script = 200, outputs({"name": "label", "data": [7]})
    assert asked(scripted, pool).argmax() == 7


@pytest.mark.parametrize("status", [401, 403, 429])
def test_limits_are_refusals(scripted: HTTPServer, pool: Images, status: int) -> None:
    scripted.script = status, b'{"error": "too many requests"}'
    with pytest.raises(RefusedError, match="too many requests"):
        asked(scripted, pool)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", outputs({"name": "x"}), outputs({"name": "label"})])
def test_an_answer_off_the_protocol_is_an_error(scripted: HTTPServer, pool: Images, body: bytes) -> None:
    scripted.script = 200, body
    with pytest.raises(RemoteError, match="protocol"):
        asked(scripted, pool)


def test_an_error_page_is_shown_in_part(scripted: HTTPServer, pool: Images) -> None:
    scripted.script = 502, b"<html>bad gateway" + b"!" * 1000
    with pytest.raises(RemoteError, match="502: <html>bad gateway") as caught:
        asked(scripted, pool)
    assert len(str(caught.value)) < 400


def test_a_client_may_be_closed_and_used_again(served: Served, pool: Images) -> None:
    remote = served.remote()
    remote.predict_proba(pool[:1])
    remote.close()
    remote.predict_proba(pool[:1])
    remote.close()
    assert remote.requests == 2


def test_a_version_may_be_asked_for(served: Served, pool: Images) -> None:
    with RemoteModel(served.server.url, "alice", version="1") as remote:
        assert remote.predict_proba(pool[:1]).shape == (1, 10)
    with RemoteModel(served.server.url, "alice", version="2") as remote, pytest.raises(RemoteError, match="version"):
        remote.predict_proba(pool[:1])


def test_a_path_before_the_protocols_own_is_kept(scripted: HTTPServer, pool: Images) -> None:
    scripted.script = 200, outputs({"name": "probabilities", "data": [1, 0]})
    scripted.paths = []
    with RemoteModel(f"http://127.0.0.1:{scripted.server_port}/proxy/", "alice") as remote:
        remote.predict_proba(pool[:1])
    assert scripted.paths == ["/proxy/v2/models/digits/infer"]


def test_a_server_that_is_too_slow_is_an_error(pool: Images) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        RemoteModel(f"http://127.0.0.1:{silent.getsockname()[1]}", "alice", timeout=0.1) as remote,
        pytest.raises(RemoteError, match="timed out"),
    ):
        remote.predict_proba(pool[:1])


def test_the_client_says_its_name(served: Served, pool: Images) -> None:
    with RemoteModel(served.server.url, "alice", user_agent="camera/7") as remote:
        remote.predict_proba(pool[:1])
    assert served.log.rows()[0]["user_agent"] == "camera/7"


class TestWire:
    def test_any_request_is_sent_and_any_answer_returned(self, served: Served) -> None:
        with RemoteWire(served.server.url, "alice") as wire:
            assert wire.send("GET", "/v2/models/digits").document()["name"] == "digits"
            assert wire.send("POST", "/v2/models/digits/infer", b"{").status == 400
            assert wire.send("DELETE", "/v2/models/digits").status == 405
            assert wire.send("GET", "/nowhere").status == 404
        assert {row["principal"] for row in served.log.rows()} == {"alice"}

    def test_it_does_not_wait(self, served: Served) -> None:
        with RemoteWire(served.server.url, "alice") as wire:
            wire.wait(1e9)
            assert wire.send("GET", "/v2").good

    def test_without_a_key_it_is_refused(self, served: Served) -> None:
        with RemoteWire(served.server.url, None) as wire:
            assert wire.send("GET", "/v2/models/digits").status == 401

    def test_a_server_that_is_not_there_is_an_error(self) -> None:
        with RemoteWire("http://127.0.0.1:9", "alice") as wire, pytest.raises(RemoteError, match="cannot be reached"):
            wire.send("GET", "/")

    def test_a_kept_connection_that_was_closed_is_opened_again(self, scripted: HTTPServer) -> None:
        scripted.script = 418, b"teapot"
        with RemoteWire(f"http://127.0.0.1:{scripted.server_port}/before/", "alice") as wire:
            scripted.paths = []
            for _ in range(3):
                reply = wire.send("POST", "/x", b"")
        assert (reply.status, reply.body) == (418, b"teapot")
        assert scripted.paths == ["/before/x"] * 3
