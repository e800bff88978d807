"""The guard as ASGI middleware: in front of any ASGI application that answers inference requests.

What a request may do is decided by a function that is handed in, and so is where its events go; this knows no store, no
detector and no clock but the wall's. A failure of either never takes the model down, unless the operator chose to fail
closed.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from functools import partial
from typing import Any, Final

import orjson

from caponier.errors import CaponierError
from caponier.guard.bodies import BodyTooLargeError, GoneError, Receive, read
from caponier.guard.body_room import SMALL, BodyReader, BodyRoom, NoRoomError
from caponier.guard.call import NAME_LIMIT, Call, call_of, path_of
from caponier.guard.events import queries_of
from caponier.guard.exchange import ARRIVED, Caller, Exchange
from caponier.guard.framing import MOST_HEADERS, why_hidden, why_misframed
from caponier.guard.parameters import have_room
from caponier.guard.proven import ProvenCallers
from caponier.guard.query_reader import QueryReader
from caponier.guard.question import DECIDING, repeated
from caponier.guard.rounding import rounded_answer
from caponier.guard.verdict import PASS, REFUSE, GuardVerdict, Measure
from caponier.telemetry.body_limits import LIMITS, BodyLimits
from caponier.telemetry.credentials import header_name, shown

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Decide = Callable[[Caller, Call, Callable[[], int]], GuardVerdict]
"""What is to be done with a request, asked before it goes to the model, in the server's thread: it must be quick. The
last argument tells how many examples the request holds."""
Record = Callable[[Exchange], None]
"""Takes an exchange after its answer has left, in the server's thread."""
Keep = Callable[[Exchange], None]
"""Takes an exchange before the last byte of its answer leaves, in the server's thread; it raises where it cannot."""
PrincipalOf = Callable[[str], str | None]
"""From a credential to the salted hash that stands for it."""

BODY_LIMIT: Final = 64 * 2**20
BODIES_LIMIT: Final = 512 * 2**20
CREDENTIALS: Final = ("authorization", "x-api-key")
SESSION: Final = "x-on-behalf-of"
WAITED: Final = "caponier.waited"
"""In the scope: seconds for which the application waited for a model server elsewhere."""
BODY_S: Final = 60.0
HOLD_S: Final = 20.0
"""Shorter than most clients wait for an answer."""
LOOK_S: Final = 0.25
"""Between two looks whether a request is still to be held."""
MOST_HELD: Final = 200
"""Requests that are kept waiting at once, with their bodies; others get 503 at once."""
ALWAYS_READ: Final = (*DECIDING, b"user-agent", b"host", b"content-length", b"x-forwarded-for")
"""Headers that the guard goes by whatever the operator has named besides."""
CLOSING: Final = ((b"connection", b"close"),)
"""Where what is still to come of a request is not read."""
GONE: Final = 499
"""Recorded as the status where the caller hung up before the end of the request."""


class Middleware:
    """An ASGI application that guards another one.

    Args:
        app: What answers: a service in this process, or `guard.upstream.Upstream`.
        decide: Decides about each request but those about health; see `guard.decisions.Decisions`.
        record: Takes each finished exchange; see `guard.events.events_of`.
        principal_of: Hashes credentials.
        keep: Puts each exchange where it survives this process, before the last byte of its answer leaves; where that
            fails, the answer leaves all the same, but for `fail_closed` in enforce mode.
        judge_s: Seconds for which an answer waits until detection has looked at it, in enforce mode; 0 is not at all.
        doubted_s: The same for answers that are doubted; detection does not hurry for them.
        doubts: Tells that of a request: something was found of its caller, or too much of him was not looked at yet.
        blocks: Tells whether a caller is to be refused by now; then the answer that waited is withheld.
        enforce: Carry verdicts out, and refuse what shows credentials that could be taken for several or for none;
            otherwise nothing is changed.
        fail_closed: Refuse a request when `decide` fails or detection is behind, instead of letting it pass; for all
            models, or told for each.
        is_well: Tells whether detection looks at what passes in time.
        is_crowding: Tells whether it is a caller's own load that keeps detection from the others: where a request is
            refused when detection is behind, he is refused before that, and they are not.
        body_limit: Most bytes of a request; of an answer no more than that is recorded.
        body_s: Seconds in which the body of a request has to be there.
        bodies_limit: Most bytes of large requests that are under way at once.
        limits: What reading a body may cost; beyond them it passes unread.
        size_of: From a model to the number of values in one input; None where that is not known.
        credentials: Headers in which callers may show who they are; two credentials that differ name nobody.
        session: Header that names whom a caller acts for.
        session_alone: Whether it counts also where a caller shows no credential: he could write another one into it
            with every query.
        hold_s: Seconds for which a request is kept waiting that is to be held.
        model: What is asked where the path of a query names no model.
        names: From a model as it is written in a path to the one that is meant; see `guard.model_names`.
        proven: Tells who has proven to be whom; by default nobody has.
        counts_as: Tells in enforce mode as whom a caller counts who calls himself something; by default as that.
        reader: Says in enforce mode which requests cannot be read as the model server reads them: they are refused.
        on_failure: Told of each exception that was survived.
    """

    def __init__(
        self,
        app: App,
        *,
        decide: Decide,
        record: Record,
        principal_of: PrincipalOf,
        keep: Keep = lambda _: None,
        judge_s: float = 0.0,
        doubted_s: float = 0.0,
        doubts: Callable[[Exchange], bool] = lambda _: False,
        blocks: Callable[[Caller, Call], bool] = lambda *_: False,
        enforce: bool = False,
        fail_closed: bool | Callable[[str | None], bool] = False,
        is_well: Callable[[], bool] = lambda: True,
        is_crowding: Callable[[Caller], bool] = lambda _: False,
        body_limit: int = BODY_LIMIT,
        body_s: float = BODY_S,
        bodies_limit: int = BODIES_LIMIT,
        limits: BodyLimits = LIMITS,
        size_of: Callable[[str | None], int | None] = lambda _: None,
        credentials: Iterable[str] = CREDENTIALS,
        session: str = SESSION,
        session_alone: bool = False,
        hold_s: float = HOLD_S,
        model: str | None = None,
        names: Callable[[str], str] = lambda name: name,
        proven: ProvenCallers | None = None,
        counts_as: Callable[[Caller, Call], Caller] = lambda caller, _: caller,
        reader: QueryReader | None = None,
        on_failure: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._app = app
        self._decide, self._record, self._principal_of = decide, record, principal_of
        self._keep, self._blocks, self._counts_as = keep, blocks, counts_as
        self._judge_s, self._doubted_s, self._doubts = judge_s, max(judge_s, doubted_s), doubts
        self._enforce, self._is_well, self._is_crowding = enforce, is_well, is_crowding
        self._closed = fail_closed if callable(fail_closed) else lambda _: bool(fail_closed)
        self._limit, self._limits, self._on_failure = body_limit, limits, on_failure
        self._credentials = tuple(header_name(name.lower()) for name in credentials)
        self._shown_in = frozenset(name.encode("latin-1", "replace") for name in self._credentials)
        self._hold_s, self._held, self._body_s = hold_s, 0, body_s
        # One request alone may always be as large as it may be.
        self._room, self._aside = BodyRoom(max(bodies_limit, 2 * body_limit)), BodyReader()
        self._proven, self._reader, self._names = proven, reader, names
        self._session, self._size_of, self._model = session.lower().encode(), size_of, model
        self._session_alone = session_alone
        read = (name.decode() for name in ALWAYS_READ)
        self._goes_by = frozenset([*read, *self._credentials, header_name(session.lower())]) - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        few = scope["headers"][:MOST_HEADERS]
        exchange = self._begin(scope if len(few) == len(scope["headers"]) else {**scope, "headers": few})
        leaving = _Leaving(send, exchange, scope["method"], started, self)
        try:
            await self._serve(exchange, scope, receive, leaving)
        finally:
            if not leaving.told:
                # Nobody gets anything of it any more: there is nothing to keep back.
                if exchange.status != GONE and not leaving.begun:
                    # Whoever fails before a byte of his answer has left is answered for by the server.
                    exchange.status = 500
                leaving.finish()
            if exchange.room:
                self._room.give_back(exchange.sender, exchange.room)
            took = (time.perf_counter() - started) * 1_000
            exchange.own_ms = took - (exchange.read_ms + scope.get(WAITED, 0.0) * 1_000)
            self._note(exchange)

    async def _serve(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        try:
            if len(scope["headers"]) > MOST_HEADERS:
                exchange.status = 431
                await answer(send, 431, {"error": "the request has too many headers"}, CLOSING)
                return
            wrong = why_misframed(exchange.headers) or why_hidden(exchange.headers, self._goes_by)
            wrong = wrong or self._ambiguity(exchange, scope)
            if wrong is not None:
                exchange.status = 400
                await answer(send, 400, {"error": wrong})
                return
            exchange.body = await self._body(exchange, receive)
        except BodyTooLargeError:
            exchange.status = 413
            await answer(send, 413, {"error": "the request is too large"}, CLOSING)
            return
        except NoRoomError as full:
            exchange.status = 503
            await answer(send, 503, {"error": full.what}, [*CLOSING, (b"retry-after", b"1")])
            return
        except TimeoutError:
            exchange.status = 408
            await answer(send, 408, {"error": "the request did not arrive in time"}, CLOSING)
            return
        except GoneError:
            exchange.status = GONE
            return
        finally:
            exchange.read_ms = (time.perf_counter() - began) * 1_000
        exchange.verdict = await self._decided(exchange)
        if self._enforce and exchange.verdict.measure is Measure.HOLD:
            await self._hold(exchange)
            if exchange.verdict.measure is Measure.HOLD:
                exchange.status = 503
                await answer(send, 503, {"error": "service unavailable"}, [(b"retry-after", b"60")])
                return
        if self._enforce and exchange.verdict.measure is Measure.REFUSE:
            exchange.status = 429
            await refuse(send)
            return
        if self._enforce and self._reader is not None:
            exchange.unread = await self._why_unread(self._reader, exchange, path_of(scope)) or ""
            if exchange.unread:
                exchange.status = 400
                await answer(send, 400, {"error": f"the request cannot be read: {exchange.unread}"})
                return
        rounds = self._enforce and exchange.verdict.measure is Measure.ROUND
        relay = _Relay(send, exchange, self._limit, self._limits, self._aside, rounds=rounds)
        await self._app(scope, _replay(exchange.body, receive), relay)

    async def _hold(self, exchange: Exchange) -> None:
        """Keep a request waiting until nobody wants that any more; at most for a while, and not too many at once."""
        began = time.perf_counter()
        if self._held < MOST_HELD:
            self._held += 1
            try:
                while exchange.verdict.measure is Measure.HOLD and time.perf_counter() - began < self._hold_s:
                    await asyncio.sleep(min(LOOK_S, self._hold_s))
                    exchange.verdict = await self._decided(exchange)
            finally:
                self._held -= 1
        # It is not what the guard takes.
        exchange.read_ms += (time.perf_counter() - began) * 1_000

    async def _why_unread(self, reader: QueryReader, exchange: Exchange, path: str) -> str | None:
        try:
            if exchange.is_large:
                return await self._aside(exchange.sender, partial(reader.why_not, exchange, path), exchange.bulk)
            return reader.why_not(exchange, path)
        except Exception as failed:  # noqa: BLE001 - what nobody has thought of is no way past detection
            self._on_failure(failed)
            return "it is written in a way that nobody has thought of"

    async def _body(self, exchange: Exchange, receive: Receive) -> bytes:
        stated = exchange.headers.get(b"content-length", b"0")
        if stated.isdigit() and int(stated) > self._limit:
            raise BodyTooLargeError(f"the body is larger than {self._limit} bytes")
        async with asyncio.timeout(self._body_s):
            return await read(receive, self._limit, partial(self._grown, exchange))

    def _grown(self, exchange: Exchange, size: int) -> None:
        if size > SMALL:
            self._room.take(exchange.sender, size - exchange.room)
            exchange.room = size

    def _ambiguity(self, exchange: Exchange, scope: Scope) -> str | None:
        """Return what is wrong where the model server may take another credential than the guard."""
        if exchange.call.operation == "health" or not self._enforce:
            return None
        shown_in = [header_name(name.decode("latin-1")) for name, _ in scope["headers"]]
        names = [name for name in shown_in if name in self._credentials]
        if len(names) != len(set(names)):
            return "a header that must not be repeated is"
        return "the credentials differ, or cannot be read" if exchange.unclear else None

    def _begin(self, scope: Scope) -> Exchange:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            headers[name] = headers[name] + b", " + value if name in headers else value
        client = scope.get("client")
        carries = b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""
        parameters = scope.get("query_string", b"")
        call = call_of(scope["method"], path_of(scope), carries=carries, parameters=bool(parameters))
        if call.model is not None:
            meant = self._names(call.model)
            call = call if meant == call.model else replace(call, model=meant)
        elif call.asks:
            call = replace(call, model=self._model)
        caller, unclear = self._caller(scope, _name(headers.get(self._session)), client[0] if client else None)
        return Exchange(
            call=call,
            caller=self._counts_as(caller, call) if self._enforce else caller,
            user_agent=_name(headers.get(b"user-agent")),
            arrived=scope.get(ARRIVED) or datetime.now(UTC),
            headers=headers,
            repeated=repeated(scope["headers"]),
            beside=have_room(parameters),
            unclear=unclear,
        )

    def _caller(self, scope: Scope, session: str | None, address: str | None) -> tuple[Caller, bool]:
        """Return who asks, and whether what he shows is unclear."""
        certified = self._proven.by_certificate(scope) if self._proven else None
        if certified is not None:
            return Caller(certified, session, address, proven=True), False
        credential = shown(
            [
                (name.decode("latin-1"), header_text(value))
                for name, value in scope["headers"]
                if name.replace(b"_", b"-") in self._shown_in
            ],
            self._credentials,
        )
        verified = self._proven.by_token(scope["headers"]) if self._proven and credential.unproven else None
        if verified is not None:
            return Caller(verified, session, address, proven=True), False
        possible = [self._principal_of(value) for value in credential.possible]
        principal = None if credential.value is None else self._principal_of(credential.value)
        caller = Caller(
            principal=principal,
            session=session if principal or self._session_alone else None,
            source_ip=address,
            possible=tuple(name for name in possible if name is not None),
            unproven=credential.unproven,
        )
        return caller, credential.unclear

    async def _decided(self, exchange: Exchange) -> GuardVerdict:
        try:
            return self._verdict(exchange)
        except _UncountedError:
            exchange.examples = await self._aside(exchange.sender, partial(self._count, exchange), exchange.bulk)
            return self._verdict(exchange)

    def _verdict(self, exchange: Exchange) -> GuardVerdict:
        if exchange.call.operation == "health":
            return PASS
        # The last word first: it costs least, and where all may pass nobody need know how detection is.
        if self._closed(exchange.call.model) and (not self._is_well() or self._is_crowding(exchange.caller)):
            return REFUSE
        try:
            return self._decide(exchange.caller, exchange.call, partial(self._queries, exchange))
        except _UncountedError:
            raise
        except Exception as failed:  # noqa: BLE001 - a broken decision must not take the model down
            self._on_failure(failed)
            return REFUSE if self._closed(exchange.call.model) else PASS

    def _queries(self, exchange: Exchange) -> int:
        if exchange.examples is None:
            if exchange.is_large:
                raise _UncountedError
            exchange.examples = self._count(exchange)
        return exchange.examples

    def _count(self, exchange: Exchange) -> int:
        try:
            return queries_of(exchange, self._limits, self._size_of(exchange.call.model))
        except Exception as failed:  # noqa: BLE001 - what cannot be counted must cancel no decision: it is too many
            self._on_failure(failed)
            return sys.maxsize

    def kept(self, exchange: Exchange) -> bool:
        """Put an exchange where it survives; return whether its answer may leave."""
        try:
            self._keep(exchange)
        except Exception as failed:  # noqa: BLE001 - a full disk must not take the model down
            self._on_failure(failed)
            return not (self._enforce and self._closed(exchange.call.model))
        return True

    def judges_for(self, exchange: Exchange) -> float:
        """Return for how many seconds an answer is to wait until it was looked at, once its status is known."""
        asked = exchange.call.asks and exchange.status // 100 == 2 and exchange.verdict.measure is not Measure.REFUSE
        if not self._enforce or not asked or exchange.answer_too_large:
            return 0.0
        return self._doubted_s if self._doubted_s and self._doubts(exchange) else self._judge_s

    async def judged(self, exchange: Exchange, seconds: float) -> bool:
        """Have an exchange looked at before its answer leaves; return whether it may leave then.

        What is not looked at in time leaves: an answer that comes late is one that the caller gets, and so is told by
        `judge_s`.
        """
        if not seconds:
            return self.kept(exchange)
        loop = asyncio.get_running_loop()
        looked_at = asyncio.Event()
        # Before it is handed over, or the work could be done before anybody waits for it.
        exchange.looked_at = partial(loop.call_soon_threadsafe, looked_at.set)
        exchange.is_urgent = self._judge_s > 0
        if not self.kept(exchange):
            return False
        if exchange.kept:
            with suppress(TimeoutError):
                await asyncio.wait_for(looked_at.wait(), seconds)
        if not self._blocks(exchange.caller, exchange.call):
            return True
        exchange.verdict = REFUSE
        return False

    def _note(self, exchange: Exchange) -> None:
        try:
            self._record(exchange)
        except Exception as failed:  # noqa: BLE001 - the answer has left; a lost record is told, not raised
            self._on_failure(failed)


class _UncountedError(Exception):
    """It takes long to count what a request asks, and a decision needs to know."""


class UnrecordedError(CaponierError):
    """An answer was cut off, because it could not be recorded."""


class _Leaving:
    """Lets an answer leave, but has the exchange kept before the last byte of it does.

    Which byte is the last one is known by the length that the answer states, or when it ends. Of one that detection is
    to look at first no byte leaves before that, in however many parts it comes.
    """

    def __init__(self, send: Send, exchange: Exchange, method: str, started: float, middleware: Middleware) -> None:
        self._send, self._exchange, self._guard = send, exchange, middleware
        self._started, self._bodiless = started, method == "HEAD"
        self._held: list[Message] = []
        """Its start until there is something of the body, as long as it may still be another answer; or all of it."""
        self._judge_s = 0.0
        self._left: int | None = None
        self.begun = self.told = False
        """Whether anything has left, and whether the exchange was handed over to be kept."""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._held, self._left = [message], _length_of(message, bodiless=self._bodiless)
            self._judge_s = self._guard.judges_for(self._exchange)
            return
        if message["type"] == "http.response.body":
            if self._left is not None:
                self._left -= len(message.get("body", b""))
            last = not message.get("more_body") or (self._left is not None and self._left <= 0)
            if last and not self.told and not await self._may_leave():
                await self._withhold()
                return
            # What has left in part can be held back no more, whoever is doubted by now.
            if not (last or self.begun) and self._judge_s and self._guard.judges_for(self._exchange):
                self._held.append(message)
                return
        self.begun = True
        held, self._held = [*self._held, message], []
        for one in held:
            await self._send(one)

    def finish(self) -> None:
        """Hand the exchange over, where nobody waits for an answer any more."""
        self._finished()
        self._guard.kept(self._exchange)

    async def _may_leave(self) -> bool:
        self._finished()
        return await self._guard.judged(self._exchange, self._judge_s if self._held else 0.0)

    def _finished(self) -> None:
        self.told = True
        self._exchange.took_ms = (time.perf_counter() - self._started) * 1_000

    async def _withhold(self) -> None:
        if not self._held:
            raise UnrecordedError("an answer is cut off: it cannot be recorded, and fail is closed")
        self._held = []
        if self._exchange.verdict.measure is Measure.REFUSE:
            self._exchange.status = 429
            await refuse(self._send)
            return
        self._exchange.status = 503
        await answer(self._send, 503, {"error": "service unavailable"}, [(b"retry-after", b"1")])


def _length_of(start: Message, *, bodiless: bool) -> int | None:
    """Return how many bytes an answer says that it has; None if it does not say, or has none whatever it says."""
    if bodiless or start["status"] in (204, 304):
        return None
    stated = [value for name, value in start.get("headers", ()) if name.lower() == b"content-length"]
    return int(stated[0]) if len(stated) == 1 and stated[0].isdigit() else None


class _Relay:
    """Passes an answer on and keeps a copy; or holds it back until it can be rounded."""

    def __init__(
        self, send: Send, exchange: Exchange, limit: int, limits: BodyLimits, aside: BodyReader, *, rounds: bool
    ) -> None:
        self._send, self._exchange, self._aside, self._rounds = send, exchange, aside, rounds
        self._limit, self._limits = limit, limits
        self._parts: list[bytes] = []
        self._size = 0
        self._stated: int | None = None
        self._start: Message = {}

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._exchange.status = message["status"]
            self._exchange.answer_headers = list(message.get("headers", ()))
            self._rounds = self._rounds and message["status"] // 100 == 2
            self._start, self._stated = message, _length_of(message, bodiless=False)
        elif message["type"] == "http.response.body":
            self._keep(message.get("body", b""))
            if not message.get("more_body") or self._is_whole():
                self._exchange.answer = b"".join(self._parts)
            if self._rounds and not message.get("more_body"):
                await self._send_rounded()
                return
        if not self._rounds:
            await self._send(message)

    def _is_whole(self) -> bool:
        return self._stated is not None and self._size >= self._stated

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._parts.clear()
            self._exchange.answer_too_large = True
        else:
            self._parts.append(part)

    async def _send_rounded(self) -> None:
        exchange = self._exchange
        read = partial(
            rounded_answer, exchange.answer, exchange.answer_headers, self._limits, exchange.verdict.decimals
        )
        reply = await self._aside(exchange.sender, read, exchange.bulk) if exchange.has_large_answer else read()
        asked = exchange.call.asks or exchange.call.unknown
        if reply is None and (asked or exchange.answer_too_large):
            # What cannot be rounded, such as tensors in binary, must not go out as it is; what was too large to be
            # held back is not there any more.
            exchange.status = 429
            await refuse(self._send)
            return
        if reply is None:
            reply, kept = exchange.answer, exchange.answer_headers
        else:
            changed = (b"content-length", b"content-encoding")
            kept = [header for header in exchange.answer_headers if header[0] not in changed]
            kept.append((b"content-length", str(len(reply)).encode()))
        await self._send({**self._start, "headers": kept})
        await self._send({"type": "http.response.body", "body": reply})


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already to whoever asks for it, and after that what comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed


async def refuse(send: Send) -> None:
    """Answer as an ordinary limit of so many requests a minute would: the same for a block and for a throttle."""
    left = str(60 - int(time.time()) % 60).encode()
    await answer(send, 429, {"error": "rate limit exceeded"}, [(b"retry-after", left)])


async def answer(send: Send, status: int, content: dict[str, Any], headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Send a JSON answer of the guard's own."""
    body = orjson.dumps(content)
    own = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"date", formatdate(usegmt=True).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})


def header_text(value: bytes) -> str:
    """Decode a header: as UTF-8, as it stands in logs, or as what HTTP says where it is none.

    The model server gets what is read here, so that nobody is one caller to the guard and another to the server.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _name(value: bytes | None) -> str | None:
    """Return a name that a caller gives himself; what cannot be printed is none: nobody could write it again."""
    name = header_text(value)[:NAME_LIMIT] if value else ""
    return name if name and name.isprintable() else None
