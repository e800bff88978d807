"""What a request to a model server asks for, told by its path.

A path that is not known is no proof that no model is asked: servers have more of them with each release.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

NAME_LIMIT: Final = 200
"""Characters of a name that a caller chooses; longer ones are somebody's payload."""

LONGEST_KEPT: Final = 200
MOST_KEPT: Final = 4_096
"""Paths up to that length of which it is remembered what they ask for, the last ones."""

_NAMED: Final = r"(?P<model>[^/]+)(?:/versions/(?P<version>[^/]+))?"
_V2 = re.compile(rf"/v2/models/{_NAMED}(?P<action>/.*)?")
_V1 = re.compile(r"/v1/models/(?P<model>[^/:]+)(?:/(?:versions|labels)/(?P<version>[^/:]+))?(?P<action>[:/].*)?")
_REPOSITORY = re.compile(r"/v2/repository/models/(?P<model>[^/]+)/(?P<action>load|unload)")
_TORCHSERVE = re.compile(r"/(?P<action>predictions|explanations)/(?P<model>[^/]+)(?:/(?P<version>[^/]+))?")
_SAGEMAKER = re.compile(r"/models/(?P<model>[^/]+)/(?P<action>invoke)")
"""TorchServe and MLServer behind SageMaker's endpoints of many models."""
_PROTOCOLS: Final = tuple(
    (pattern, re.compile(pattern.pattern, re.IGNORECASE), protocol)
    for pattern, protocol in (
        (_REPOSITORY, ""), (_V2, "v2"), (_V1, "v1"), (_TORCHSERVE, "torchserve"), (_SAGEMAKER, "torchserve"),
    )
)  # fmt: skip
_NAMELESS: Final = {"/invocations": "predict", "/ping": "health"}
"""Paths of a server of one model: MLflow, SageMaker."""
_HEALTH: Final = ("/v2/health/live", "/v2/health/ready")
_MANAGEMENT = re.compile(r"/v2/repository/index|/v2/(?:logging|models/[^/]+/trace/setting|trace/setting)")
"""Triton's calls that change or list something and ask no model."""
_LEADING: Final = re.compile(r"[;%\\]")
"""What some servers decode, cut off or take for a slash before they resolve dots, and others after that."""
_OPERATIONS: Final = {
    "/infer": "predict",
    "/infer_stream": "predict",
    "/generate": "predict",
    "/generate_stream": "predict",
    ":predict": "predict",
    ":classify": "predict",
    ":regress": "predict",
    ":explain": "explain",
    "/explain": "explain",
    "predictions": "predict",
    "explanations": "explain",
    "invoke": "predict",
    "/ready": "health",
    "/metadata": "metadata",
    "load": "load",
    "unload": "unload",
    None: "metadata",
}
_ASKING: Final = ("predict", "explain")
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
"""Methods that ask for what is there (RFC 9110), and send nothing to a model."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as the event schema names it."""

    operation: str
    model: str | None = None
    """None where the path does not say, or is none that is known."""
    version: str | None = None
    unknown: bool = False
    """Whether it may be a query all the same: something was sent, and not to a path that is known."""
    protocol: str = field(default="", compare=False)
    """Of the path: `v2`, `v1`, `torchserve` or `invocations`; empty where it is none of these."""

    @property
    def asks(self) -> bool:
        """Whether a model is asked, as far as the path tells."""
        return self.operation in _ASKING


def path_of(scope: Mapping[str, Any]) -> str:
    """Return the path by which an application finds what is asked: without that under which it stands (`root_path`).

    A server that was told of a prefix puts it before every path, and frameworks take a path with it and without it for
    the same: whoever writes it, or leaves it out, must not become unseen by it.

    Args:
        scope: Of the connection; see the ASGI specification, version 3.
    """
    path: str = scope["path"]
    below = path.removeprefix(scope.get("root_path") or "")
    # Of `/api` nothing else stands below than what follows a slash: `/apiary` is another path.
    return below if below.startswith("/") else path


def call_of(method: str, path: str, *, carries: bool = False, parameters: bool = False) -> Call:
    """Tell what a request asks for.

    Paths of KServe v2 (Open Inference Protocol, also Triton's and MLServer's additions), KServe v1 and TensorFlow
    Serving, TorchServe, MLflow and SageMaker are known. What is sent anywhere else may be a query all the same.

    Args:
        method: Of HTTP. What is not read with GET or HEAD is no question about health.
        path: Decoded. Doubled slashes and dot segments are resolved, since model servers may do so: a detour must not
            make a query look like something else.
        carries: Whether the request has a body: some servers read it whatever the method.
        parameters: Whether something stands behind the path's `?`: on a path that is not known it may be rows.
    """
    # Callers ask for the same few paths again and again; what is longer than those would fill memory.
    told = _kept_call if len(path) <= LONGEST_KEPT else _call_of
    return told(method, path, carries, parameters)


def _call_of(method: str, path: str, carries: bool, parameters: bool) -> Call:
    # normpath keeps two slashes at the beginning.
    plain = posixpath.normpath("/" + path.lstrip("/"))
    call = _known(plain)
    sends = carries or method not in _SAFE or (parameters and call.operation == "other")
    if call.operation == "health" and (carries or method not in ("GET", "HEAD")):
        call = replace(call, operation="other")
    elsewhere = call.operation in ("other", "metadata") and not _MANAGEMENT.fullmatch(plain)
    if not (elsewhere and sends):
        return call
    # It may lead on to any other model.
    leads = _LEADING.search(plain) is not None
    return replace(call, unknown=True, model=None if leads else call.model, version=None if leads else call.version)


_kept_call = lru_cache(MOST_KEPT)(_call_of)


def is_exact(path: str) -> bool:
    """Tell whether the path of a query is written in the case that every server takes."""
    return _named(posixpath.normpath("/" + path.lstrip("/"))).asks


def _known(path: str) -> Call:
    if path in _HEALTH:
        return Call("health")
    if path == "/v2":
        return Call("metadata")
    call = _named(path)
    # TensorFlow Serving takes a path in any case. What asks no model in the one that is usual gains nothing by another.
    loose = call if path.islower() or call.asks else _named(path, any_case=True)
    return loose if loose.asks else call


def _named(path: str, *, any_case: bool = False) -> Call:
    for exact, loose, protocol in _PROTOCOLS:
        found = (loose if any_case else exact).fullmatch(path)
        if found:
            named = found.groupdict()
            version, action = named.get("version"), named["action"]
            operation = _OPERATIONS.get(action.lower() if any_case and action else action, "other")
            return Call(operation, named["model"][:NAME_LIMIT], version and version[:NAME_LIMIT], protocol=protocol)
    return Call(_NAMELESS.get(path.lower() if any_case else path, "other"), protocol="invocations")
