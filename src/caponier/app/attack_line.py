"""The line to a victim: a model server on the loopback address, and what was recorded of the requests to it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

from caponier.emulate.event_log import Deployment, EventLog
from caponier.emulate.oracle import Predict
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.server import serve
from caponier.telemetry.principals import principal_of

Record: TypeAlias = Callable[[list[dict[str, Any]]], None]
"""Takes the events of one request, one a row, as columns by name."""
PrincipalOf: TypeAlias = Callable[[str | None], str | None]
"""From a credential to the salted hash that stands for it."""
Proxy: TypeAlias = Callable[[str, Record, PrincipalOf], AbstractContextManager[str]]
"""Stands before a server: takes the server's URL, records every request, and gives the URL to ask instead."""


@dataclass(frozen=True, eq=False)
class Line:
    """Where a victim is asked."""

    url: str
    deployment: Deployment
    salt: bytes
    _log: EventLog

    def enter(self, key: str) -> RemoteModel:
        """Open a connection with a key."""
        return RemoteModel(self.url, key, self.deployment.model)

    def principal(self, key: str) -> str:
        """Return the principal that events of a key carry."""
        return str(principal_of(key, self.salt))

    def events(self) -> pa.Table:
        """Return what was recorded, in order of time."""
        return self._log.table()


@contextmanager
def open_line(predict: Predict, deployment: Deployment, salt: bytes, proxy: Proxy | None = None) -> Iterator[Line]:
    """Serve a victim until the block is left.

    Args:
        predict: The victim, images (n, 64) to scores (n, 10).
        deployment: Names that the events carry.
        salt: For the hash of keys.
        proxy: Stands before the server and records in its place.
    """
    log = EventLog()

    def hashed(credential: str | None) -> str | None:
        return principal_of(credential, salt)

    record: Record = log.record if proxy is None else _forget
    with serve(predict, record=record, principal_of=hashed, deployment=deployment) as server:
        if proxy is None:
            yield Line(server.url, deployment, salt, log)
            return
        with proxy(server.url, log.record, hashed) as url:
            yield Line(url, deployment, salt, log)


def _forget(_: list[dict[str, Any]]) -> None:
    """Record nothing: the proxy does."""
