"""A wire to a model service without a server or sockets, with a time of its own: days pass in a moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.caller.wire import Reply
from caponier.emulate.event_log import Deployment
from caponier.emulate.victims.service import Available, ModelService, Record

ANSWERED_IN: Final = timedelta(milliseconds=20)
"""How long a request takes in simulated time, so that no two of a caller have the same moment."""


class LocalWire:
    """Asks a service in this process; who asks is known by the key itself.

    Args:
        predict: The model, rows (n, 64) to class scores (n, c).
        deployment: Names that the events carry.
        record: Takes the events of each request.
        key: Sent with every request, and the principal of its events.
        begin: When the first request is sent, if nobody waits before.
        available: In which moments the model works.
        address: From where it is asked.
    """

    def __init__(
        self,
        predict: Predict,
        deployment: Deployment,
        record: Record,
        key: str,
        begin: datetime,
        available: Available = lambda _: True,
        address: str = "203.0.113.7",
    ) -> None:
        self.now = begin
        self._headers = [(b"authorization", f"Bearer {key}".encode()), (b"user-agent", b"curl/8.5.0")]
        self._address = address
        self._service = ModelService(
            predict, deployment, record, lambda given: given, clock=lambda: self.now, available=available
        )

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request; see `caponier.emulate.caller.wire.Wire`."""
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body or b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path.partition("?")[0],
            "headers": self._headers,
            "client": (self._address, 0),
        }
        # Nothing in the service ever waits for anything, so that no event loop is needed.
        _finish(self._service(scope, receive, send).__await__())
        self.now += ANSWERED_IN
        return Reply(sent[0]["status"], b"".join(message.get("body", b"") for message in sent))

    def wait(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.now += timedelta(seconds=seconds)


def _finish(steps: Iterator[Any]) -> None:
    for _ in steps:
        raise RuntimeError("the service waits for something outside of it")
