"""The guard's own paths, under `/-/`: they never reach the model server."""

import ipaddress
from collections.abc import Callable, Sequence

from caponier.guard.bodies import Receive
from caponier.guard.call import path_of
from caponier.guard.metrics import Metrics
from caponier.guard.middleware import App, Scope, Send, answer
from caponier.guard.settings import LOOPBACK, Network


class OwnPaths:
    """An ASGI application that answers `/-/healthz` and `/-/metrics`, and passes everything else on.

    Args:
        app: Takes everything else.
        metrics: What `/-/metrics` tells.
        metrics_from: Who may ask for it; for everybody else there is nothing at that path.
        detection: Says how detection is.
    """

    def __init__(
        self,
        app: App,
        metrics: Metrics,
        metrics_from: Sequence[Network] = LOOPBACK,
        detection: Callable[[], str] = lambda: "ok",
    ) -> None:
        self._app, self._metrics, self._from, self._detection = app, metrics, metrics_from, detection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        path = path_of(scope) if scope["type"] == "http" else ""
        if not path.startswith("/-/"):
            await self._app(scope, receive, send)
        elif path == "/-/healthz":
            await answer(send, 200, {"status": "ok", "detection": self._detection()})
        elif path == "/-/metrics" and self._may_ask(scope):
            await _text(send, self._metrics.text())
        else:
            await answer(send, 404, {"error": "there is nothing at this path"})

    def _may_ask(self, scope: Scope) -> bool:
        try:
            address = ipaddress.ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        return any(address in network for network in self._from)


async def _text(send: Send, text: str) -> None:
    body = text.encode()
    kind = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
    headers = [kind, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
