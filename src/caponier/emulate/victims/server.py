"""A model server on the loopback address: it picks a free port, and stops when its block is left."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from time import monotonic, sleep
from typing import Any

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.event_log import Deployment
from caponier.emulate.victims.service import BODY_LIMIT, ModelService, PrincipalOf, Record
from caponier.errors import CaponierError
from caponier.extras import needs

HOST = "127.0.0.1"
START_S = 10.0
GRACE_S = 2


@dataclass(frozen=True)
class ModelServer:
    """A server that is running.

    Args:
        url: Where, without a path, such as `http://127.0.0.1:49152`.
        deployment: What it serves.
    """

    url: str
    deployment: Deployment


@contextmanager
def serve(
    predict: Predict,
    *,
    record: Record,
    principal_of: PrincipalOf,
    deployment: Deployment | None = None,
    body_limit: int = BODY_LIMIT,
) -> Iterator[ModelServer]:
    """Serve a model over the Open Inference Protocol (KServe v2) until the block is left.

    Args:
        predict: Rows (n, 64) to class scores (n, 10).
        record: Takes the events of each request, one dict a row; called in the server's thread.
        principal_of: From the key of `Authorization: Bearer <key>` (None if there is none) to who asks; None answers
            401.
        deployment: Names of model, version and system; `digits`, version 1, by default.
        body_limit: Most bytes of a body; larger ones get 413.

    Raises:
        CaponierError: If the server does not start.
    """
    deployment = deployment or Deployment()
    service = ModelService(predict, deployment, record, principal_of, body_limit)
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol; with it, answers take 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind((HOST, 0))
        server = _uvicorn(service)
        thread = Thread(target=server.run, args=([listener],), name="caponier-victim", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield ModelServer(f"http://{HOST}:{listener.getsockname()[1]}", deployment)
        finally:
            server.should_exit = True
            thread.join(START_S)


def _uvicorn(service: ModelService) -> Any:
    with needs("emulate", "The model server"):
        import uvicorn
    config = uvicorn.Config(
        service,
        access_log=False,
        lifespan="off",
        log_config=None,
        log_level="error",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=60,
        ws="none",
    )
    return uvicorn.Server(config)


def _await_start(server: Any, thread: Thread) -> None:
    deadline = monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or monotonic() > deadline:
            raise CaponierError("The model server did not start", hint="Run it again; nothing was changed")
        sleep(0.005)
