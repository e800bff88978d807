"""Callers who come through proxies of ours: their addresses are told by those, and by nobody else."""

from collections.abc import Sequence

from caponier.guard.bodies import Receive
from caponier.guard.middleware import App, Scope, Send
from caponier.guard.proven import PEER, is_within
from caponier.guard.settings import Network
from caponier.telemetry.client_address import client_address


class BehindProxies:
    """An ASGI application that learns who asks from `X-Forwarded-For`, where a trusted proxy wrote it.

    Which address the connection itself is from is noted besides.

    Args:
        app: What answers.
        proxies: Whose word counts.
    """

    def __init__(self, app: App, proxies: Sequence[Network]) -> None:
        self._app, self._proxies = app, tuple(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] == "http":
            peer = scope[PEER] = (scope.get("client") or ("",))[0]
            if is_within(peer, self._proxies):
                told = (value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for")
                address = client_address(told, self._proxies)
                if address is not None:
                    scope["client"] = (address, 0)
        await self._app(scope, receive, send)
