"""Inference logs that come over HTTP: kept on disk before they are acknowledged, without anybody's credential.

The KServe inference logger sends a CloudEvent for each request and one for each response, apart and in any order;
whoever reads the lake joins them. What a request showed to be let in is replaced by the principal that it stands for.
"""

import asyncio
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from caponier.app.inference.read_options import caller_headers
from caponier.app.workspace.workspace import read_salt
from caponier.errors import InputError
from caponier.formats.append_file import append_whole
from caponier.guard.bodies import BodyTooLargeError, GoneError, Receive, read
from caponier.guard.body_room import BodyRoom, NoRoomError
from caponier.guard.middleware import BODIES_LIMIT, BODY_S, CLOSING, Scope, Send, answer
from caponier.records.event import EVENT_SCHEMA
from caponier.records.inventory import Workspace
from caponier.telemetry import plain_json
from caponier.telemetry.body_limits import LIMITS, UnreadError
from caponier.telemetry.readers.cloud_event import BAD, is_cloud_event, without_credentials

MOST_BYTES: Final = 64 * 2**20
MODE: Final = 0o600
BATCH: Final = b"application/cloudevents-batch+json"
LINES: Final = (b"application/x-ndjson", b"application/jsonl", b"application/json-lines")
_UNREAD: Final = (408, 413, 503)
"""Answers after which what may still come of a body is not waited for."""
_COLUMNS: Final = frozenset(EVENT_SCHEMA.names)


class Collector:
    """An ASGI application that takes events with POST, at any path.

    Args:
        workspace: Whose lake it is.
        token: That senders have to show as `Authorization: Bearer …`; None if anybody who reaches it may send.
        body_s: Seconds in which a body has to be there.

    Raises:
        InputError: If the lake is no folder, the salt cannot be read, or inputs are not to be kept as they come.
    """

    def __init__(self, workspace: Workspace, token: str | None = None, body_s: float = BODY_S) -> None:
        if "://" in workspace.lake:
            raise InputError("what is collected is written to a folder only", where=f"{workspace.file}: lake")
        if workspace.privacy.keep_inputs != "exact":
            raise InputError(
                f"inputs are collected as they come, and here they are to be kept as {workspace.privacy.keep_inputs!r}",
                where=f"{workspace.file}: privacy.keep_inputs",
                hint='Collect into a workspace with keep_inputs = "exact" and retention_days, or use a guard.',
            )
        self._lake, self._salt, self._token = Path(workspace.lake), read_salt(workspace), token
        self._callers = caller_headers(workspace)
        self._body_s, self._room = body_s, BodyRoom(BODIES_LIMIT)
        self._name = f"{os.getpid()}-{secrets.token_hex(3)}"
        self.taken = self.refused = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see the ASGI specification, version 3."""
        if scope["type"] != "http":
            return
        status, said = await self._served(scope, receive)
        self.refused += status >= 400 and scope["method"] == "POST"
        await answer(send, status, said, CLOSING if status in _UNREAD else ())

    async def _served(self, scope: Scope, receive: Receive) -> tuple[int, dict[str, Any]]:
        if scope["method"] == "GET" and scope["path"] == "/-/healthz":
            return 200, {"status": "ok", "taken": self.taken, "refused": self.refused}
        headers = dict(scope["headers"])
        if not self._may_send(headers.get(b"authorization", b"")):
            return 401, {"error": "show the collector's token"}
        if scope["method"] != "POST":
            return 405, {"error": "send events with POST"}
        who, held = str((scope.get("client") or ("",))[0]), 0

        def grown(size: int) -> None:
            nonlocal held
            self._room.take(who, size - held)
            held = size

        try:
            async with asyncio.timeout(self._body_s):
                body = await read(receive, MOST_BYTES, grown)
            return self._taken(headers, body)
        except BodyTooLargeError:
            return 413, {"error": "the request is too large"}
        except TimeoutError:
            return 408, {"error": "the request did not arrive in time"}
        except NoRoomError as full:
            # Whoever sends keeps it, and tries again.
            return 503, {"error": full.what}
        except GoneError:
            return 499, {}
        finally:
            self._room.give_back(who, held)

    def _taken(self, headers: Mapping[bytes, bytes], body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            kserve, events = self._records(headers, body)
        except UnreadError as beyond:
            return 413, {"error": f"the body is beyond a limit: {beyond}"}
        except BAD:
            return 400, {"error": "neither a CloudEvent of the inference logger nor events in lines of JSON"}
        try:
            self._write("kserve", kserve)
            self._write("events", events)
        except OSError as failed:
            return 503, {"error": f"the lake cannot be written: {failed.strerror}"}
        self.taken += len(kserve) + len(events)
        return 202, {"taken": len(kserve) + len(events)}

    def _may_send(self, shown: bytes) -> bool:
        return self._token is None or hmac.compare_digest(shown, f"Bearer {self._token}".encode())

    def _records(self, headers: Mapping[bytes, bytes], body: bytes) -> tuple[list[Any], list[Any]]:
        """Return records of the inference logger, and rows in the event schema.

        Raises:
            One of BAD, UnreadError: If it is something else.
        """
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if b"ce-type" in headers:
            attributes = {
                name.decode("latin-1"): value.decode("utf-8", "replace")
                for name, value in headers.items()
                if name.startswith(b"ce-")
            }
            sent: list[Any] = [{"headers": attributes, "body": plain_json.loads(body, limits=LIMITS)}]
        elif kind in LINES:
            sent = [plain_json.loads(line, limits=LIMITS) for line in body.splitlines() if line.strip()]
        else:
            found = plain_json.loads(body, limits=LIMITS)
            sent = found if isinstance(found, list) else [found]
        logged = [is_cloud_event(record) for record in sent]
        events = [record for record, is_one in zip(sent, logged, strict=True) if not is_one]
        if not sent or not all(_is_event(row) for row in events):
            raise ValueError
        kserve = [record for record, is_one in zip(sent, logged, strict=True) if is_one]
        return [without_credentials(record, self._salt, self._callers) for record in kserve], events

    def _write(self, kind: str, records: Sequence[Any]) -> None:
        if not records:
            return
        now = datetime.now(UTC)
        path = self._lake / f"{now:%Y-%m-%d}" / f"collected-{kind}-{now:%H}-{self._name}.jsonl"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = b"".join(_line(record) for record in records)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, MODE)
        try:
            append_whole(opened, data)
        finally:
            os.close(opened)


def _line(record: Any) -> bytes:
    try:
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        # A number of thirty digits, or half a surrogate pair: a request must not stay unseen by it.
        return json.dumps(record).encode() + b"\n"


def _is_event(row: Any) -> bool:
    """Tell whether something is a row in the event schema, and nothing that could hold a secret besides."""
    return isinstance(row, dict) and {"time", "model", "operation"} <= row.keys() <= _COLUMNS
