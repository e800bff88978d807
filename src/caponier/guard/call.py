"""What a request to a model server asks for, told by its path."""

import posixpath
import re
from dataclasses import dataclass
from typing import Final

NAME_LIMIT: Final = 200
"""Characters of a name that a caller chooses; longer ones are somebody's payload."""

_V2 = re.compile(
    r"/v2/models/(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?(?P<action>/infer|/generate|/generate_stream|/ready)?"
)
_V1 = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(?:/(?:versions|labels)/(?P<version>[^/:]+))?"
    r"(?P<action>:predict|:explain|:classify|:regress)?"
)
_TORCHSERVE = re.compile(r"(?P<action>/predictions|/explanations)/(?P<model>[^/]+)(?:/(?P<version>[^/]+))?")
_NAMELESS: Final = {"/invocations": "predict", "/ping": "health"}
"""Paths of a server of one model: MLflow, SageMaker."""
_REPOSITORY = re.compile(r"/v2/repository/models/(?P<model>[^/]+)/(?P<action>load|unload)")
_HEALTH: Final = ("/v2/health/live", "/v2/health/ready")
_OPERATIONS: Final = {
    "/infer": "predict",
    "/generate": "predict",
    "/generate_stream": "predict",
    ":predict": "predict",
    ":classify": "predict",
    ":regress": "predict",
    "/predictions": "predict",
    "/explanations": "explain",
    ":explain": "explain",
    "/ready": "health",
    "load": "load",
    "unload": "unload",
    None: "metadata",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the event schema names it."""

    operation: str
    model: str | None = None
    """None where the path does not say, or is none that is known."""
    version: str | None = None


def call_of(method: str, path: str) -> Call:
    """Tell what a request asks for, by the paths of known servers.

    They are KServe v2 (Open Inference Protocol, also Triton's additions), KServe v1 and TensorFlow Serving, TorchServe,
    and servers of one model such as MLflow's.

    Args:
        method: Of HTTP. What is not read with GET or HEAD is no question about health.
        path: Decoded. Doubled slashes and dot segments are resolved, since model servers may do so: a detour must not
            make a query look like something else.
    """
    # normpath keeps two slashes at the beginning.
    plain = posixpath.normpath("/" + path.lstrip("/"))
    call = Call("health") if plain in _HEALTH else Call("metadata") if plain == "/v2" else _named(plain)
    if call.operation == "health" and method not in ("GET", "HEAD"):
        return Call("other", call.model, call.version)
    return call


def _named(path: str) -> Call:
    for pattern in (_REPOSITORY, _V2, _V1, _TORCHSERVE):
        found = pattern.fullmatch(path)
        if found:
            named = found.groupdict()
            version = named.get("version")
            return Call(_OPERATIONS[named["action"]], named["model"][:NAME_LIMIT], version and version[:NAME_LIMIT])
    return Call(_NAMELESS.get(path, "other"))
