"""As much of an MLflow server as a rollback asks, with the answers that MLflow 3.17.2 gave, on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

MISSING = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model with name=nope not found"}


@dataclass
class StandIn:
    """One registered model; a test changes what it likes."""

    name: str = "digits"
    aliases: dict[str, str] = field(default_factory=lambda: {"champion": "3"})
    tags: dict[str | None, dict[str, str]] = field(default_factory=lambda: {None: {}, "1": {}, "2": {}, "3": {}})
    """Of the model (None) and of its versions."""
    status: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    scheme: str = "mlflow-artifacts"
    refuses: str = "nothing"
    """Requests whose method and path hold this are refused."""
    asked: list[str] = field(default_factory=list)
    authorization: str | None = None
    address: str = ""

    def __post_init__(self) -> None:
        for version in "123":
            self.files[version] = {"MLmodel": b"flavors", "data/model.skops": f"numbers {version}".encode()}

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        told = orjson.loads(body) if body else query
        asked = f"{method} {parts.path.removeprefix('/api/2.0/')}"
        self.asked.append(asked)
        if self.refuses in asked:
            return 403, b"{}"
        if "mlflow-artifacts" in asked:
            return self._artifacts(asked.removeprefix("GET mlflow-artifacts/artifacts").lstrip("/"), query)
        if told.get("name", self.name) != self.name:
            return 404, orjson.dumps(MISSING)
        return 200, orjson.dumps(self._registry(asked.replace("mlflow/", ""), told))

    def _registry(self, asked: str, told: dict[str, str]) -> dict[str, Any]:
        match asked:
            case "GET registered-models/get":
                aliases = [{"alias": alias, "version": version} for alias, version in self.aliases.items()]
                return {"registered_model": {"name": self.name, "aliases": aliases, "tags": self._pairs(None)}}
            case "GET model-versions/search":
                # A page each, the last version first.
                left = [version for version in "321" if version < told.get("page_token", "9")]
                one = {"name": self.name, "version": left[0], "tags": self._pairs(left[0])}
                one["status"] = self.status.get(left[0], "READY")
                return {"model_versions": [one]} | ({"next_page_token": left[0]} if left[1:] else {})
            case "GET model-versions/get-download-uri":
                return {"artifact_uri": f"{self.scheme}:/0/models/m-{told['version']}/artifacts"}
            case "GET registered-models/alias":
                return {"model_version": {"name": self.name, "version": self.aliases[told["alias"]]}}
            case "POST registered-models/alias":
                self.aliases[told["alias"]] = told["version"]
            case "POST registered-models/set-tag" | "POST model-versions/set-tag":
                self.tags[told.get("version")][told["key"]] = told["value"]
            case "DELETE registered-models/delete-tag" | "DELETE model-versions/delete-tag":
                self.tags[told.get("version")].pop(told["key"], None)
            case _:
                raise AssertionError(asked)
        return {}

    def _pairs(self, version: str | None) -> list[dict[str, str]]:
        return [{"key": key, "value": value} for key, value in self.tags[version].items()]

    def _artifacts(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        where = unquote(path or query["path"]).removeprefix("0/models/m-")
        version, _, below = where.partition("/artifacts")
        files, folder = self.files[version], below.strip("/")
        if path:
            return (200, files[folder]) if folder in files else (404, b"{}")
        inside = [name.removeprefix(folder).lstrip("/") for name in files if name.startswith(folder)]
        steps = {name.split("/")[0] if not name.startswith("..") else name: "/" in name for name in inside}
        return 200, orjson.dumps({"files": [{"path": step, "is_dir": is_dir} for step, is_dir in steps.items()]})


@contextmanager
def serving(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve until the block ends; the address is told in the stand-in."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            stand_in.authorization = self.headers.get("Authorization")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, data = stand_in.answer(self.command, self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self._any()

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        stand_in.address = f"http://127.0.0.1:{server.server_port}"
        yield stand_in
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
