import http.server
from collections.abc import Iterator
from threading import Thread

import pytest
from tests.remediate.mlflow_stand_in import StandIn, serving

from caponier.errors import InputError
from caponier.remediate.mlflow_server import MlflowServer, is_address


@pytest.fixture
def server() -> Iterator[StandIn]:
    with serving(StandIn()) as stand_in:
        yield stand_in


def test_a_model_is_read_page_by_page_and_sorted_by_number(server: StandIn) -> None:
    server.tags["2"]["caponier.status"] = "quarantined"
    model = MlflowServer(server.address, {}).model("digits")
    assert [one.version for one in model.versions] == ["1", "2", "3"]
    assert model.aliases == {"champion": "3"}
    assert model.version("2").tags == {"caponier.status": "quarantined"}
    with pytest.raises(InputError, match="nope not found"):
        MlflowServer(server.address, {}).model("nope")


def test_credentials_come_from_where_mlflows_own_client_takes_them(server: StandIn) -> None:
    MlflowServer(server.address, {"MLFLOW_TRACKING_TOKEN": "t"}).model("digits")
    assert server.authorization == "Bearer t"
    pair = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "secret"}
    MlflowServer(server.address, pair).model("digits")
    assert server.authorization == "Basic YWRhOnNlY3JldA=="
    assert "secret" not in repr(MlflowServer(server.address, pair))
    server.refuses = "GET"
    with pytest.raises(InputError, match="does not let us") as refused:
        MlflowServer(server.address, pair).model("digits")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("address", ["http://ada:secret@host", "http://", "host:5000", "http://h:x", "http://h?a=b"])
def test_what_is_no_address_is_refused_and_a_password_not_repeated(address: str) -> None:
    with pytest.raises(InputError) as refused:
        MlflowServer(address)
    assert "secret" not in str(refused.value)


def test_an_address_is_told_from_a_path() -> None:
    assert is_address("https://mlflow.example:443/sub")
    assert not is_address("models/")
    assert not is_address("http")


@pytest.mark.parametrize("said", [b"<html>", b"[]", b'{"registered_model": 3}', b'{"model_versions": {}}'])
def test_a_server_of_another_kind_is_told(said: bytes) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        thread = Thread(target=other.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with pytest.raises(InputError, match="MLflow server"):
                MlflowServer(f"http://127.0.0.1:{other.server_port}", {}).model("digits")
        finally:
            other.shutdown()
            thread.join()
    with pytest.raises(InputError, match="cannot be asked"):
        MlflowServer(f"http://127.0.0.1:{other.server_port}", {}).model("digits")
