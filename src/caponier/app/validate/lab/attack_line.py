"""The line to a victim: a model server on the loopback address, and what was recorded of the requests to it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.victims.client import RemoteModel, RemoteWire
from caponier.emulate.victims.server import serve
from caponier.telemetry.principals import principal_of


@dataclass(frozen=True, eq=False)
class Recorded:
    """Something that stands before a server and records what passes: where to ask, and what it has recorded."""

    url: str
    events: Callable[[], pa.Table]
    """In order of time; complete once it was left."""


Proxy: TypeAlias = Callable[[str], AbstractContextManager[Recorded]]
"""Stands before the server at a URL until the block is left."""


@dataclass(frozen=True, eq=False)
class AttackEndpoint:
    """Where a victim is asked."""

    url: str
    deployment: Deployment
    salt: bytes
    events: Callable[[], pa.Table]
    """What was recorded, in order of time; complete once the line was left."""

    def enter(self, key: str) -> RemoteModel:
        """Open a connection with a key."""
        return RemoteModel(self.url, key, self.deployment.model)

    def wire(self, key: str) -> RemoteWire:
        """Open a connection with a key for requests of any kind."""
        return RemoteWire(self.url, key)

    def principal(self, key: str) -> str:
        """Return the principal that events of a key carry."""
        return str(principal_of(key, self.salt))


@contextmanager
def open_line(
    predict: Predict, deployment: Deployment, salt: bytes, proxy: Proxy | None = None
) -> Iterator[AttackEndpoint]:
    """Serve a victim until the block is left.

    Args:
        predict: The victim, images (n, 64) to scores (n, 10).
        deployment: Names that the events carry.
        salt: For the hash of keys.
        proxy: Stands before the server and records in its place.
    """
    log = ServerLog()
    with serve(
        predict,
        record=log.record if proxy is None else lambda _: None,
        principal_of=lambda credential: principal_of(credential, salt),
        deployment=deployment,
    ) as server:
        if proxy is None:
            yield AttackEndpoint(server.url, deployment, salt, log.table)
            return
        with proxy(server.url) as recorded:
            yield AttackEndpoint(recorded.url, deployment, salt, recorded.events)
