"""The KServe inference logger: CloudEvents of requests and responses, joined by their id into events.

Three forms are read, one JSON object (or an array of them) a line: structured CloudEvents (`{"id": …, "type": …,
"data": …}`), the binary mode as a collector writes it down (`{"headers": {"ce-id": …}, "body": …}`), and the records
of KServe's blob logger (`{"id": …, "reqType": …, "bytes": …}`). Events come in the order of their requests. KServe logs
no response to a request that failed: such a request becomes a row without an answer. A request whose body cannot be
read, or could be read in several ways, becomes a row without an input, and is named among the rejected ones.

Of files the responses are gathered first, wherever they stand (`kserve_answers`). A stream can be read only once: there
so many requests wait for their response, and so many responses for their request.

A caller may choose the id (`Ce-Id`), so it is not unique: responses are dealt out to the requests of an id in turn.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.column_layouts import STRANGE, ColumnLayouts, SeenTables
from caponier.telemetry.inference_body import Answer
from caponier.telemetry.raw_inputs import SpecOf
from caponier.telemetry.readers.cloud_event import (
    BAD,
    REQUEST,
    RESPONSE,
    USUAL,
    CallerHeaders,
    Request,
    attributes,
    body_of,
    is_cloud_event,
    request_of,
    short,
)
from caponier.telemetry.readers.kserve_answers import KServeAnswers
from caponier.telemetry.rejections import Rejection

PENDING: Final = 10_000
"""Requests that may wait for a response, and ids of responses for a request; the oldest then stays without."""
PENDING_BYTES: Final = 64 * 2**20
"""Bytes that waiting requests and their answers may take, and waiting responses: large ones must not fill memory."""
OVERHEAD: Final = 200
"""Bytes that a waiting response takes besides its body."""
REASON_LIMIT: Final = 200
ALONE: Final = "a response without a request"
"""What becomes of an answer that belongs to none, or to one that could not wait for it any longer."""


def joined(
    chunks: Iterator[Chunk],
    salt: bytes,
    *,
    always: bool = False,
    callers: CallerHeaders = USUAL,
    answers: KServeAnswers | None = None,
    spec_of: SpecOf | None = None,
    tables: SeenTables | None = None,
) -> Iterator[Chunk]:
    """Turn chunks of CloudEvents into chunks of events; pass a log in another form through unchanged.

    Args:
        chunks: Chunks of JSON objects.
        salt: Salt for principals made from credentials in the logged headers.
        always: Reject rows that are no CloudEvents, instead of telling by the first row.
        callers: Which of the logged headers say who asks.
        answers: The responses of whole files. Without them a response is looked for near its request.
        spec_of: What a model takes: columns that come by name are put into its order.
        tables: Told of the tables in requests.
    """
    join: _Join | None = None
    decided = False
    for chunk in chunks:
        # A line that cannot be read may hold a credential: none of it is shown, unless a row before it told that this
        # is another kind of log.
        hidden = chunk.lines[0] if chunk.lines and not decided else 0
        if not decided and chunk.rows:
            join = (
                _Join(salt, callers, answers, spec_of, SeenTables() if tables is None else tables)
                if always or is_cloud_event(chunk.rows[0])
                else None
            )
            decided = True
        chunk.rejections = [
            replace(rejection, raw=None) if join or not decided or rejection.line < hidden else rejection
            for rejection in chunk.rejections
        ]
        if join:
            yield from map(_foreign, join.take(chunk))
        else:
            yield chunk
    if join:
        yield from map(_foreign, join.rest())


def _foreign(chunk: Chunk) -> Chunk:
    """Say that a gateway's log may know more of the same requests."""
    chunk.native = False
    return chunk


@dataclass
class _Join:
    salt: bytes
    callers: CallerHeaders = USUAL
    answers: KServeAnswers | None = None
    spec_of: SpecOf | None = None
    tables: SeenTables = field(default_factory=SeenTables)
    layouts: ColumnLayouts = field(default_factory=ColumnLayouts)
    queue: deque[Request] = field(default_factory=deque)
    """Requests in their order; the first of them has no response yet."""
    waiting: dict[str, deque[Request]] = field(default_factory=dict)
    early: OrderedDict[str, deque[tuple[bytes, int]]] = field(default_factory=OrderedDict)
    """Responses that came before their request, as the logger's workers overtake each other."""
    asked: int = 0
    """Bytes of the queue."""
    answered: int = 0
    """Bytes of the early responses."""

    def take(self, chunk: Chunk) -> Iterator[Chunk]:
        """Yield chunks of the events that are complete."""
        out = Chunk(rejections=chunk.rejections)
        for record, line in zip(chunk.rows, chunk.lines, strict=True):
            try:
                self._one(record, line, out)
            except BAD as bad:
                _reject(out, line, _why(bad))
            while self.queue and (self.queue[0].answer or self.answers or self._is_crowded()):
                self._emit(out)
                # One response may let many large requests go.
                if out.full:
                    yield out
                    out = Chunk()
            if out.full:
                yield out
                out = Chunk()
        out.bytes_read = chunk.bytes_read
        yield out

    def rest(self) -> Iterator[Chunk]:
        """Yield what still waits when the log ends."""
        out = Chunk()
        while self.queue:
            self._emit(out)
            if out.full:
                yield out
                out = Chunk()
        while self.early:
            self._give_up(out)
            if out.full:
                yield out
                out = Chunk()
        yield out

    def _one(self, record: Row, line: int, out: Chunk) -> None:
        about = attributes(record)
        kind, key = about.get("type"), short(str(about["id"]))
        if kind == REQUEST:
            self._ask(self._request(key, about, record, line, out), out)
        elif kind == RESPONSE:
            body = body_of(record)
            if self.answers is None:
                self._answer(key, body, line, out)
        else:
            raise ValueError("neither an inference request nor a response")

    def _request(self, key: str, about: Row, record: Row, line: int, out: Chunk) -> Request:
        try:
            request = request_of(key, about, body_of(record), self.salt, line, self.callers, self.spec_of)
            asked = request.about
            if not self.layouts.is_usual(str(asked["model"]), request.names, asked.get("principal")):
                raise ValueError(STRANGE)
            self.tables.see(str(request.about["model"]), request.names, request.texts)
            return request
        except BAD as bad:
            # The model was asked all the same: the request stays as an event of its caller, with nothing to look at.
            request = request_of(key, about, None, self.salt, line, self.callers)
            _reject(out, line, _why(bad))
            return request

    def _ask(self, request: Request, out: Chunk) -> None:
        self.queue.append(request)
        if self.answers is not None:
            if gathered := self.answers.take(request.key):
                told = Chunk()
                _settle(request, orjson.loads(gathered.body), gathered.line, told)
                for one in told.rejections:
                    self.answers.refuse(gathered.place, one.reason)
        elif request.key in self.early:
            body, line = _pop(self.early, request.key)
            self.answered -= len(body) + OVERHEAD
            _settle(request, orjson.loads(body), line, out)
        else:
            self.waiting.setdefault(request.key, deque()).append(request)
        self.asked += request.size

    def _answer(self, key: str, body: Row, line: int, out: Chunk) -> None:
        if key in self.waiting:
            request = _pop(self.waiting, key)
            self.asked -= request.size
            _settle(request, body, line, out)
            self.asked += request.size
            return
        # A copy: what orjson returns lies in a buffer of kilobytes, however short it is.
        kept = bytes(memoryview(orjson.dumps(body)))
        self.early.setdefault(key, deque()).append((kept, line))
        self.answered += len(kept) + OVERHEAD
        while len(self.early) > PENDING or self.answered > PENDING_BYTES:
            self._give_up(out)

    def _is_crowded(self) -> bool:
        return len(self.queue) > PENDING or self.asked > PENDING_BYTES

    def _emit(self, out: Chunk) -> None:
        request = self.queue.popleft()
        self.asked -= request.size
        if request.answer is None and self.answers is None:
            _pop(self.waiting, request.key)
        rows = list(request.rows())
        out.rows += rows
        out.lines += [request.line] * len(rows)

    def _give_up(self, out: Chunk) -> None:
        body, line = _pop(self.early, next(iter(self.early)))
        self.answered -= len(body) + OVERHEAD
        _reject(out, line, ALONE)


def _settle(request: Request, body: Row, line: int, out: Chunk) -> None:
    try:
        request.settle(body)
    except BAD as bad:
        # The request was asked all the same: it stays, with an answer that says nothing.
        request.answer = Answer()
        _reject(out, line, _why(bad))


def _pop(queues: dict[str, deque[Any]], key: str) -> Any:
    first = queues[key].popleft()
    if not queues[key]:
        del queues[key]
    return first


def _why(bad: Exception) -> str:
    return f"no {bad.args[0]!r}" if isinstance(bad, KeyError) else str(bad)


def _reject(out: Chunk, line: int, reason: str) -> None:
    out.rejections.append(Rejection("", line, _told(reason)))


def unused(answers: KServeAnswers) -> Iterator[Rejection]:
    """Yield what is to be told of gathered responses once all is read: no request has them, or they do not fit."""
    for source, line, reason in answers.unused():
        yield Rejection(source, line, reason or _told(ALONE))


def _told(reason: str) -> str:
    return f"bad KServe record: {reason}"[:REASON_LIMIT]
