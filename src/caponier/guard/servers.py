"""What each model server reads on which of its paths, and which of them answers at an address."""

import http.client
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import orjson

from caponier.guard.call import Call
from caponier.telemetry.body_keys import HOLDING

Server = Literal["kserve-v2", "kserve", "mlserver", "triton", "torchserve", "mlflow"]
READS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "kserve-v2": {"v2": ("inputs",)},
    "kserve": {"v2": ("inputs",), "v1": ("inputs", "instances")},
    "triton": {"v2": ("inputs",)},
    "mlserver": {"v2": ("inputs",), "invocations": HOLDING},
    "torchserve": {"torchserve": HOLDING, "v1": ("instances",), "v2": ("inputs",)},
    "mlflow": {"invocations": HOLDING},
}
"""Under which key it finds the examples, by the protocol of the path; a path that is not there is none of its."""
BY_NAME: Final = frozenset({"triton"})
"""Servers that take inputs by their names, in whatever order they stand."""
_OF_TEXTS: Final = frozenset({"str", "base64", "datetime"})
"""MLServer's codecs that make something else of numbers."""
PROBE_S: Final = 2.0
_LONGEST: Final = 65_536


def why_not_read(server: str | None, call: Call, body: Mapping[str, Any]) -> str | None:
    """Return why a server would not read a request as it stands there; None if it would, or if nobody knows.

    Args:
        server: One of those that are known; None if it is not known which one answers.
        call: What the path asks for.
        body: The request.
    """
    if server is None:
        return None
    keys = READS[server].get(call.protocol)
    if keys is None:
        return f"no path on which {server} is asked"
    if server == "mlserver" and any(_is_recoded(tensor, body) for tensor in _tensors(body)):
        return "numbers that a codec makes other rows of"
    held = [key for key in HOLDING if key in body]
    return f"rows under a key from which {server} does not take them" if held and not set(held) & set(keys) else None


def _tensors(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    held = body.get("inputs")
    return [one for one in held if isinstance(one, dict)] if isinstance(held, list) else []


def _is_recoded(tensor: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Tell whether MLServer takes a tensor of numbers for texts, or a wide one for one column with more rows."""
    if tensor.get("datatype") == "BYTES":
        return False
    own, whole = _codec(tensor), _codec(body)
    shape = tensor.get("shape")
    wide = isinstance(shape, list) and any(size != 1 for size in shape[1:])
    return own in _OF_TEXTS or (own is None and (whole in _OF_TEXTS or (whole == "pd" and wide)))


def _codec(said: Mapping[str, Any]) -> Any:
    parameters = said.get("parameters")
    kind = parameters.get("content_type") if isinstance(parameters, dict) else None
    return kind if isinstance(kind, str) else None


@dataclass(frozen=True, slots=True)
class Probed:
    """What was seen of a model server."""

    server: Server | None = None
    """None if it is none of those that are known, or could not be reached."""
    asks_for_keys: bool | None = None
    """Whether it turned a made-up key away; None if that was not seen."""


def probe(url: str, model: str | None = None) -> Probed:
    """Ask a model server what it is, in at most a few seconds; nothing is sent that it would answer with a prediction.

    Args:
        url: Its address.
        model: One that it serves: asked without any input, and with a key that nobody has.
    """
    server = _server(url, model)
    if model is None or server is None:
        return Probed(server)
    path = "/invocations" if server == "mlflow" else f"/v2/models/{model}/infer"
    path = f"/predictions/{model}" if server == "torchserve" else path
    status, _ = _asked(url, "POST", path, b"{}", {"Authorization": f"Bearer {secrets.token_hex(16)}"})
    return Probed(server, None if not status or status == 404 else status in (401, 403))


def _server(url: str, model: str | None) -> Server | None:
    status, body = _asked(url, "GET", "/v2")
    name = str(_object(body).get("name", "")).lower()
    if status == 200 and name:
        if "mlserver" in name or "triton" in name:
            return "mlserver" if "mlserver" in name else "triton"
        return "kserve" if _speaks_v1(url, model) else "kserve-v2"
    status, body = _asked(url, "GET", "/ping")
    if status == 200 and str(_object(body).get("status", "")).lower() in ("healthy", "partial healthy"):
        return "torchserve"
    status, body = _asked(url, "GET", "/version") if status == 200 else (0, b"")
    # MLflow answers with its version, and with nothing else.
    return "mlflow" if status == 200 and body.strip().replace(b".", b"").isalnum() and b"." in body else None


def _speaks_v1(url: str, model: str | None) -> bool:
    """Tell whether a server has the older protocol, too: KServe lists its models there, OpenVINO tells of each."""
    listed = _object(_asked(url, "GET", "/v1/models")[1]).get("models")
    state = _object(_asked(url, "GET", f"/v1/models/{model}")[1]) if model else {}
    return isinstance(listed, list) or "model_version_status" in state


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _asked(
    url: str, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Return status and body of an answer; 0 where there is none."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=PROBE_S)
        sent = {"Content-Type": "application/json", **(headers or {})}
        try:
            connection.request(method, parts.path.rstrip("/") + path, body, sent)
            reply = connection.getresponse()
            return reply.status, reply.read(_LONGEST)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError):
        return 0, b""
