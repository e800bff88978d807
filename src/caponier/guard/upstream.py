"""A model server elsewhere, as an ASGI application: what it is asked goes there, and its answer comes back."""

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from caponier.errors import InputError
from caponier.extras import needs
from caponier.guard.bodies import Receive, read
from caponier.guard.call import call_of
from caponier.guard.middleware import BODY_LIMIT, WAITED, Message, Scope, Send, answer, header_text

if TYPE_CHECKING:
    import aiohttp

HOP_BY_HOP: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te",
     b"trailer", b"transfer-encoding", b"upgrade")
)  # fmt: skip
"""Headers that belong to one connection (RFC 9110, section 7.6.1), and those that `Connection` names besides."""
REPLACED: Final = frozenset((b"content-length", b"accept-encoding", b"expect"))
"""Headers of a request that are written anew."""
LEFT_OUT: Final = HOP_BY_HOP | REPLACED
DIVERTING: Final = frozenset(
    (b"x-original-url", b"x-rewrite-url", b"x-http-method-override", b"x-http-method", b"x-method-override",
     b"range", b"if-range")
)  # fmt: skip
"""Headers by which some frameworks go in place of the path and the method in the first line, and those that ask for a
part of an answer: they are left out, for what was asked and answered is what was read here."""
AT_ONCE: Final = 64 * 1024
"""Answers up to this size are passed on in one piece; larger ones, and streams, as they come."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
CONNECT_S: Final = 5.0
KEEP_ALIVE_S: Final = 4.0
"""Shorter than what model servers use, so that few connections are closed under a request."""


class Upstream:
    """Passes HTTP requests on to a model server.

    Args:
        url: The model server, such as `http://127.0.0.1:8080`; it may have a path.
        timeout: Seconds of silence after which it is given up.
        body_limit: Most bytes of a request.
        on_failure: Told when it cannot be reached or is given up.

    Raises:
        InputError: If the address is none.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        body_limit: int = BODY_LIMIT,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        with needs("serve", "The guard"):
            from yarl import URL
        parts = URL(url)
        if parts.scheme not in ("http", "https") or not parts.host or parts.query_string or parts.fragment:
            raise InputError("the address of a model server is http:// or https:// and a host", where=url)
        self._url, self._timeout, self._on_failure = url.rstrip("/"), timeout, on_failure
        self._limit = body_limit
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._session = self._opened()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _opened(self) -> "aiohttp.ClientSession":
        with needs("serve", "The guard"):
            import aiohttp
        return aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=self._timeout),
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            # One caller's cookies are no other's.
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        )

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        import aiohttp

        target = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        if not target.startswith("/") or "#" in target:
            # Behind the address of the model server, such a target would name another server or another path.
            await answer(send, 400, {"error": "the target of the request is no path"})
            return
        if scope["method"] == "CONNECT" or not scope["method"].isupper():
            # Written in capitals, as it is passed on, it would be another method; and nobody here is a tunnel.
            await answer(send, 400, {"error": "the method of the request is none that is passed on"})
            return
        if _CONTROL.search(b"\t".join(part for header in scope["headers"] for part in header)):
            # Some servers end a header there, and read another one behind it.
            await answer(send, 400, {"error": "a header holds a character that none may hold"})
            return
        query = f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else ""
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._ask(scope, f"{self._url}{target}{query}", await read(receive, self._limit), sending)
        except (aiohttp.ClientError, TimeoutError) as failed:
            self._on_failure(failed)
            if started:
                # The caller must see that the answer is cut off.
                raise
            late = isinstance(failed, TimeoutError)
            status, how = (504, "does not answer") if late else (502, "cannot be reached")
            await answer(send, status, {"error": f"the model server {how}"})

    async def _ask(self, scope: Scope, url: str, body: bytes, send: Send) -> None:
        import aiohttp
        from yarl import URL

        if self._session is None:
            self._session = self._opened()
        method, headers = scope["method"], _asked(scope)
        # Encoded already: decoding and encoding again could make another resource of it.
        address = URL(url, encoded=True)
        tried = False
        while True:
            try:
                request = self._session.request(
                    method, address, headers=headers, data=body or None, allow_redirects=False
                )
                async with request as response:
                    if not 200 <= response.status < 600:
                        raise aiohttp.ClientPayloadError("a status that means nothing at the end of an answer")
                    await _passed_on(response, _Timed(send, scope))
                return
            except aiohttp.ServerDisconnectedError:
                # The connection was closed while it was idle. To ask a model twice changes nothing.
                if tried or method != "POST" or not call_of(method, scope["path"]).asks:
                    raise
                tried = True


def _asked(scope: Scope) -> list[tuple[str, str]]:
    given = scope["headers"]
    gone = _hop_by_hop(given, LEFT_OUT)
    # They are written as UTF-8.
    headers = [
        (name.decode("latin-1"), header_text(value))
        for name, value in given
        if name not in gone and name.replace(b"_", b"-") not in DIVERTING
    ]
    # Only what can be unpacked here, too: nobody may hide the model's answers from the record.
    gzip = any(name == b"accept-encoding" and b"gzip" in value.lower() for name, value in given)
    headers.append(("accept-encoding", "gzip" if gzip else "identity"))
    client = scope.get("client")
    if client:
        headers.append(("x-forwarded-for", client[0]))
    return headers


def _hop_by_hop(headers: Any, always: frozenset[bytes]) -> frozenset[bytes]:
    """Return headers that are not passed on: those that never are, and what `Connection` names."""
    named = [value for name, value in headers if name.lower() == b"connection"]
    # Most messages name none, and to make the set anew for each takes as long as to look through it.
    return always.union(part.strip().lower() for value in named for part in value.split(b",")) if named else always


class _Timed:
    """Notes, when the last part of an answer is there, how long that took."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send, self._scope, self._begun = send, scope, time.perf_counter()

    async def __call__(self, message: Message) -> None:
        self._scope[WAITED] = time.perf_counter() - self._begun
        await self._send(message)


async def _passed_on(response: "aiohttp.ClientResponse", send: Send) -> None:
    gone = _hop_by_hop(response.raw_headers, HOP_BY_HOP)
    headers = [(name.lower(), value) for name, value in response.raw_headers if name.lower() not in gone]
    start = {"type": "http.response.start", "status": response.status, "headers": headers}
    size = response.content_length
    if size is not None and size <= AT_ONCE:
        body = await response.read()
        await send(start)
        await send({"type": "http.response.body", "body": body})
        return
    await send(start)
    async for part in response.content.iter_any():
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
