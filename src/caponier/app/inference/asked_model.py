"""A model server that is asked for scores, to learn more of an input than its log holds."""

from math import prod
from time import sleep
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from caponier.detect.enrichment import Rows
from caponier.emulate.caller.wire import Reply
from caponier.emulate.victims.client import Connection, RemoteError
from caponier.errors import InputError
from caponier.telemetry.inference_body import answer

BATCH: Final = 256
"""Rows in one request."""
TIMEOUT_S: Final = 60.0
PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0)
"""Between further tries while the server is busy."""
BUSY: Final = (429, 503)
TOO_LARGE: Final = 413
STRANGER: Final = (401, 403)
_WRONG: Final = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


class ModelError(InputError):
    """The model cannot be asked."""


class RowsRefusedError(ModelError):
    """The model takes some of these rows for no input."""


class AskedModel:
    """A model behind the Open Inference Protocol (KServe v2). Not for several threads at once.

    Args:
        url: The server, such as `http://127.0.0.1:8080`.
        model: What the server calls the model.
        key: Sent as `Authorization: Bearer <key>`; None sends none.
        batch: Most rows a request; fewer as soon as the server calls one too large.

    Raises:
        ModelError: If the server cannot be reached, or has no such model of one input.
    """

    def __init__(self, url: str, model: str, key: str | None = None, batch: int = BATCH) -> None:
        self._where, self._path, self._batch = f"{url} {model}", f"/v2/models/{model}", batch
        self._connection = Connection(url, key, TIMEOUT_S, "caponier-enrich/1")
        try:
            self._tensor, self._shape = self._described()
        except ModelError:
            self._connection.close()
            raise

    def __enter__(self) -> "AskedModel":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __call__(self, rows: Rows) -> NDArray[np.float64]:
        """Ask for rows (n, d), one at least, and return scores (n, k).

        Raises:
            RowsRefusedError: If the model does not take some row.
            ModelError: If it does not answer otherwise, or answers without scores.
        """
        step = self._batch
        return np.concatenate([self._ask(rows[at : at + step]) for at in range(0, len(rows), step)])

    def _described(self) -> tuple[dict[str, str], list[int]]:
        """Return what the server calls its input and of which type it is, and the shape of one example, if it says."""
        try:
            (tensor,) = self._read(self._send("GET", self._path, None))["inputs"]
            shape = [int(size) for size in tensor["shape"][1:]]
            return {"name": str(tensor["name"]), "datatype": str(tensor["datatype"])}, shape
        except _WRONG as odd:
            raise ModelError("is not described by its server as a model of one input", where=self._where) from odd

    def _ask(self, rows: Rows) -> NDArray[np.float64]:
        n, size = rows.shape
        shape = self._shape if prod(self._shape) == size and min(self._shape, default=1) > 0 else [size]
        data = np.ascontiguousarray(rows, np.float32).reshape(-1)
        document = {"inputs": [{**self._tensor, "shape": [n, *shape], "data": data}]}
        body = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        reply = self._send("POST", f"{self._path}/infer", body)
        if reply.status == TOO_LARGE and n > 1:
            self._batch = min(self._batch, (n + 1) // 2)
            return self(rows)
        try:
            scores = answer(self._read(reply), n).scores
        except _WRONG as odd:
            raise ModelError(f"answers with what cannot be read: {odd}", where=self._where) from odd
        if scores is None:
            raise ModelError("answers without scores", where=self._where, hint="Enriching takes a model's class scores")
        return scores

    def _send(self, method: str, path: str, body: bytes | None) -> Reply:
        try:
            for pause in PAUSES_S:
                reply = self._connection.send(method, path, body)
                if reply.status not in BUSY:
                    return reply
                sleep(pause)
            return self._connection.send(method, path, body)
        except RemoteError as lost:
            raise ModelError(lost.what, where=lost.where, hint="Does --url name a model server that runs?") from lost

    def _read(self, reply: Reply) -> Any:
        if reply.good:
            try:
                return orjson.loads(reply.body)
            except orjson.JSONDecodeError as broken:
                raise ModelError("answers with what is no JSON", where=self._where) from broken
        said = f"the server answered {reply.status}: {reply.body[:200].decode('utf-8', 'replace')}"
        if reply.status in STRANGER:
            raise ModelError(said, where=self._where, hint="Give a key that it knows with --key")
        if reply.status == 404:
            raise ModelError(said, where=self._where, hint="Give --model as the server names it")
        if 400 <= reply.status < 500 and reply.status not in BUSY:
            raise RowsRefusedError(said, where=self._where)
        raise ModelError(said, where=self._where)
