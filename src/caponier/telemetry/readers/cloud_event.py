"""One record of the KServe inference logger: a CloudEvent with the body of a request or a response."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.telemetry import plain_json
from caponier.telemetry.checks import NAME_LIMIT
from caponier.telemetry.chunk import Row
from caponier.telemetry.client_address import Network, client_address
from caponier.telemetry.credentials import shown
from caponier.telemetry.inference_body import Answer, answer, asked
from caponier.telemetry.principals import principal_of
from caponier.telemetry.raw_inputs import SpecOf

KIND: Final = "org.kubeflow.serving.inference."
REQUEST: Final = f"{KIND}request"
RESPONSE: Final = f"{KIND}response"
_NAMED: Final = re.compile(
    r"x-(?:(?:forwarded|auth-request|authenticated|remote)-)?(?:user|email|client|caller|tenant|customer|account)"
    r"(?:-?(?:id|name))?|x-consumer-(?:username|id|custom-id)|remote-user"
)
"""Headers in which somebody is named. A client can write them too, so that this is a session and no principal."""
_TOLD: Final = ("principal", "session", "source_ip", "user_agent", "unproven")
COLLECTED: Final = "caponier"
"""Key under which a collector says who asked. A caller's headers stand deeper, so that none can write it."""
BAD: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError)
"""What reading a record raises that is none, or is broken."""


@dataclass(frozen=True, slots=True)
class CallerHeaders:
    """Which of the headers in a log say who asks."""

    credentials: tuple[str, ...] = ("authorization", "x-api-key")
    """Names, in lower case. Only what your own proxy writes belongs here besides: `X-Forwarded-User` of a client is its
    own word."""
    proxies: tuple[Network, ...] = ()
    """Of your own, whose addresses in `X-Forwarded-For` are not the client's."""


USUAL: Final = CallerHeaders()


@dataclass(slots=True, eq=False)
class Request:
    """A request, and what the model said to it once that is known."""

    key: str
    about: Row
    """Columns that all its examples share."""
    inputs: NDArray[np.float64] | None
    """(n, d); None where they cannot be read, or could be read in several ways."""
    line: int
    answer: Answer | None = None
    unproven: bool = False
    """Whether the caller is named by a token whose signature nobody here has checked."""
    names: tuple[str, ...] = ()
    """Of its columns as they stand there, where nothing but these says which is which."""
    texts: tuple[str, ...] = ()
    """Those of them that hold text."""

    @property
    def size(self) -> int:
        """Bytes that are held for it, roughly."""
        said = self.answer or Answer()
        scores = 0 if said.scores is None else said.scores.nbytes
        inputs = 0 if self.inputs is None else self.inputs.nbytes
        return inputs + scores + sum(map(len, said.labels or ()))

    def settle(self, body: Row) -> None:
        """Take the model's response.

        Raises:
            ValueError: If it does not fit, and others as in `inference_body.answer`.
        """
        # What it says about inputs that nobody has read is of no use.
        self.answer = Answer() if self.inputs is None else answer(body, len(self.inputs))

    def rows(self) -> Iterator[Row]:
        """Yield a row in the event schema for each example."""
        said = self.answer or Answer()
        shared = self.about | ({"status": 200} if self.answer else {})
        if self.unproven and self.answer is None:
            # Whoever writes another's claims with any signature gets as far: that is no evidence against the other.
            shared["principal"] = shared["user_agent"] = None
        shared["model"] = shared["model"] or said.model
        shared["model_version"] = said.version
        if self.inputs is None:
            yield shared
            return
        for position, example in enumerate(self.inputs):
            row = {**shared, "input": example.tolist()}
            if said.scores is not None:
                row["scores"] = said.scores[position].tolist()
            if said.labels is not None:
                row["label"] = said.labels[position]
            yield row


def attributes(row: Row) -> Row:
    """Return the CloudEvent's attributes, whichever form it came in."""
    headers = row.get("headers")
    if isinstance(headers, dict):
        # Other headers than those of the CloudEvent may be the caller's own.
        lower = {str(name).lower(): _first(value) for name, value in headers.items()}
        about = {name.removeprefix("ce-"): value for name, value in lower.items() if name.startswith("ce-")}
        # A caller's own header of the collector's name says nothing.
        about.pop(COLLECTED, None)
        return about | {name: row[name] for name in (COLLECTED,) if name in row}
    if "reqType" in row:
        names = {"reqType": "type", "occurrenceTime": "time", "inferenceService": "inferenceservicename"}
        return {names.get(name, name): value for name, value in row.items()}
    return row


def is_cloud_event(row: Row) -> bool:
    """Tell whether a row is a record of the inference logger."""
    kind = attributes(row).get("type")
    return isinstance(kind, str) and kind.startswith(KIND)


def body_of(record: Row) -> Row:
    """Return the JSON object that was sent.

    Raises:
        ValueError: If there is none.
    """
    body = record.get("data", record.get("body"))
    encoded = record.get("data_base64", record.get("bytes"))
    if encoded is not None:
        body = base64.b64decode(encoded, validate=True)
    if isinstance(body, str | bytes):
        # What stands in a text was not counted when the line was read.
        body = plain_json.loads(body)
    if not isinstance(body, dict):
        raise ValueError("the body is no JSON object")
    return body


def request_of(
    key: str,
    about: Row,
    body: Row | None,
    salt: bytes,
    line: int,
    callers: CallerHeaders = USUAL,
    spec_of: SpecOf | None = None,
) -> Request:
    """Make a request of a CloudEvent's attributes and its body, or of the attributes alone.

    Raises:
        ValueError: If the body holds no examples; and KeyError, TypeError or AttributeError if a part is missing or of
            a wrong type.
    """
    inputs = shape = None
    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    if body is not None:
        takes = spec_of(str(about.get("inferenceservicename"))) if spec_of else None
        found = asked(body, takes=takes)
        inputs, shape, names = found.rows, found.shape, found.names
        texts = found.texts
    who = _caller(about, salt, callers)
    shared = {
        "time": short(about.get("time")),
        "request_id": short(str((body or {}).get("id") or key)),
        "model": short(about.get("inferenceservicename")),
        "system": short(about.get("namespace")),
        "principal": who["principal"],
        "session": who["session"],
        "source_ip": short(who["source_ip"]),
        "user_agent": short(who["user_agent"]),
        "operation": "explain" if about.get("component") == "explainer" else "predict",
        "input_shape": shape,
    }
    return Request(key, shared, inputs, line, unproven=bool(who["unproven"]), names=names, texts=texts)


def _caller(about: Row, salt: bytes, callers: CallerHeaders) -> Row:
    """Return who asked, by the logged headers, or as a collector has told it from them."""
    if isinstance(about.get(COLLECTED), dict):
        return {name: about[COLLECTED].get(name) for name in _TOLD}
    metadata = about.get("metadata") or {}
    headers = plain_json.loads(metadata) if isinstance(metadata, str) else metadata
    logged = {str(name).lower(): str(_first(value)) for name, value in headers.items() if value}
    held = [(str(name).lower(), str(one)) for name, value in headers.items() for one in _all(value) if one]
    credential = shown(held, callers.credentials)
    principal = principal_of(credential.value, salt)
    # Beside a credential it would only let its owner appear as many.
    named = None if principal else next((value for name, value in held if _NAMED.fullmatch(name)), None)
    return {
        "principal": principal,
        "session": principal_of(named, salt),
        "source_ip": client_address((value for name, value in held if name == "x-forwarded-for"), callers.proxies),
        # As in a guard: with an unclear credential nothing counts that a caller says of himself.
        "user_agent": None if credential.unclear else logged.get("user-agent"),
        "unproven": credential.unproven,
    }


def without_credentials(record: Row, salt: bytes, callers: CallerHeaders = USUAL) -> Row:
    """Return a record with who asked in place of the headers that were logged: nobody can log in with what it holds.

    Args:
        record: Of the inference logger, in any of its forms.
        salt: For the principal.
        callers: Which of the headers say who asks.

    Raises:
        One of BAD: If the headers cannot be read.
    """
    about = attributes(record)
    kept = {name: value for name, value in record.items() if name not in ("metadata", "headers", COLLECTED)}
    if isinstance(record.get("headers"), dict):
        kept["headers"] = {f"ce-{name}": value for name, value in about.items() if name not in ("metadata", COLLECTED)}
    return kept | {COLLECTED: _caller({"metadata": about.get("metadata")}, salt, callers)}


def short(value: Any) -> Any:
    """Cut what stands in each example's row, to one character more than a name may have."""
    if isinstance(value, list | dict):
        raise ValueError("a name or a time that is neither text nor a number")
    return value[: NAME_LIMIT + 1] if isinstance(value, str) else value


def _all(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value
