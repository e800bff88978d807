"""Clients of a model server: one key, one connection that is kept, and an account of what was asked."""

from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import orjson

from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.caller.wire import REFUSALS, Reply
from caponier.emulate.images import CLASSES, Images
from caponier.errors import CaponierError, InputError
from caponier.formats.closing import Closing

_SCHEMES: Final = {"http": HTTPConnection, "https": HTTPSConnection}


class RemoteError(CaponierError):
    """The server cannot be reached, or its answer is of no use."""


class Connection:
    """A connection to a server that is kept, under one key. Not for several threads at once.

    Args:
        url: The server, such as `http://127.0.0.1:8080`; what stands before it answers just the same.
        key: Sent as `Authorization: Bearer <key>`; None sends none.
        timeout: Seconds to wait for an answer.
        user_agent: How the client calls itself.

    Raises:
        InputError: If the address is none of HTTP.
    """

    def __init__(self, url: str, key: str | None, timeout: float, user_agent: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or parts.hostname is None:
            raise InputError("The address of a model server must begin with http:// or https://", where=url)
        self.url = url
        self._root = parts.path.rstrip("/")
        self._connection = _SCHEMES[parts.scheme](parts.hostname, parts.port, timeout=timeout)
        self._headers = {"content-type": "application/json", "user-agent": user_agent}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request; once more if the server had closed the kept connection meanwhile.

        Raises:
            RemoteError: If the server cannot be reached.
        """
        try:
            if self._connection.sock is None:
                return self._exchange(method, path, body)
            try:
                return self._exchange(method, path, body)
            except (RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()
                return self._exchange(method, path, body)
        except (OSError, HTTPException) as failure:
            self.close()
            raise RemoteError(f"The server cannot be reached: {failure}", where=self.url) from failure

    def _exchange(self, method: str, path: str, body: bytes | None) -> Reply:
        self._connection.request(method, self._root + path, body, self._headers)
        response = self._connection.getresponse()
        return Reply(response.status, response.read())


class RemoteWire(Closing):
    """A wire to a server over HTTP; its time is the real one, and nobody waits.

    Args:
        url: The server.
        key: Sent as `Authorization: Bearer <key>`; None sends none.
        timeout: Seconds to wait for an answer.
        user_agent: How the client calls itself.
    """

    def __init__(self, url: str, key: str | None, timeout: float = 10.0, user_agent: str = "curl/8.5.0") -> None:
        self._connection = Connection(url, key, timeout, user_agent)

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request; see `caponier.emulate.caller.wire.Wire`.

        Raises:
            RemoteError: If the server cannot be reached.
        """
        return self._connection.send(method, path, body)

    def wait(self, seconds: float) -> None:
        """Go on at once."""


class RemoteModel(Closing):
    """A model behind the Open Inference Protocol, asked with one key. Not for several threads at once.

    Args:
        url: The server, such as `http://127.0.0.1:8080`; what stands before it answers just the same.
        key: Sent as `Authorization: Bearer <key>`; None sends none.
        model: Name of the model.
        version: Version of the model; the served one by default.
        timeout: Seconds to wait for an answer.
        user_agent: How the client calls itself.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        model: str = "digits",
        version: str | None = None,
        timeout: float = 10.0,
        user_agent: str = "python-client/1.0",
    ) -> None:
        self.requests = 0
        self.queries = 0
        self._where = url
        self._connection = Connection(url, key, timeout, user_agent)
        chosen = f"/versions/{version}" if version else ""
        self._path = f"/v2/models/{model}{chosen}/infer"

    def close(self) -> None:
        """End the connection; the next request opens another."""
        self._connection.close()

    def predict_proba(self, rows: Images, batch: int | None = None) -> Images:
        """Ask for rows (n, 64) and return scores (n, 10).

        Args:
            rows: What to ask.
            batch: Most rows a request; all in one request by default.

        Raises:
            RefusedError: If the server turns the caller away.
            RemoteError: If it cannot be reached, or answers anything else.
        """
        step = batch or max(len(rows), 1)
        return np.concatenate([self._ask(rows[at : at + step]) for at in range(0, len(rows), step)])

    def _ask(self, rows: Images) -> Images:
        tensor = {"name": "input", "shape": list(rows.shape), "datatype": "FP32", "data": _flat(rows)}
        document = {"id": str(self.requests), "inputs": [tensor]}
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        reply = self._connection.send("POST", self._path, body)
        if reply.status in REFUSALS:
            said = f"The server refused the request ({reply.status}): {_reason(reply.body)}"
            raise RefusedError(said, where=self._where)
        if not reply.good:
            raise RemoteError(f"The server answered {reply.status}: {_reason(reply.body)}", where=self._where)
        self.requests += 1
        self.queries += len(rows)
        return self._scores(reply.body, len(rows))

    def _scores(self, body: bytes, n: int) -> Images:
        """Read scores (n, 10); of an answer without them, make the labels' own."""
        try:
            outputs = {tensor["name"]: tensor for tensor in orjson.loads(body)["outputs"]}
            if "probabilities" in outputs:
                return np.array(outputs["probabilities"]["data"], np.float32).reshape(n, -1)
            return np.eye(CLASSES, dtype=np.float32)[np.array(outputs["label"]["data"], np.int64)]
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError) as broken:
            raise RemoteError("The server's answer does not follow the protocol", where=self._where) from broken


def _flat(rows: Images) -> Images:
    return np.ascontiguousarray(rows, np.float32).reshape(-1)


def _reason(body: bytes) -> Any:
    try:
        return orjson.loads(body)["error"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace")
