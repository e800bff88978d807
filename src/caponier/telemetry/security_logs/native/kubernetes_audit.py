"""Kubernetes audit events, `audit.k8s.io/v1` of the Kubernetes reference."""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, FieldMap, ObjectFormat, fill, whole
from caponier.telemetry.security_logs.sources import KUBERNETES_AUDIT, LogSource

_NAMES: Final[FieldMap] = {
    "namespace": "objectref.namespace",
    "user": ("impersonateduser.username", "user.username"),
    "image": (
        "requestobject.spec.template.spec.containers.image",
        "requestobject.spec.containers.image",
        "requestobject.spec.predictor.containers.image",
        "requestobject.spec.predictor.model.image",
        "requestobject.spec.jobtemplate.spec.template.spec.containers.image",
        "requestobject.spec.template.spec.initcontainers.image",
        "requestobject.spec.initcontainers.image",
        "requestobject.spec.jobtemplate.spec.template.spec.initcontainers.image",
    ),
    "replicas": "requestobject.spec.replicas",
}


def _fits(fields: Fields) -> bool:
    return str(fields.get("apiversion", "")).startswith("audit.k8s.io/")


def _complete(fields: Fields) -> LogSource:
    fill(fields, _NAMES)
    if "sourceips" in fields:
        # Of several, only the last was seen by the server; before it stands what the client claims.
        fields.setdefault("src_ip", str(fields["sourceips"]).rsplit(",", 1)[-1].strip())
    code = whole(fields.get("responsestatus.code"))
    if code is not None:
        fields.setdefault("outcome", SUCCESS if code < 400 else FAILURE)
    if fields.get("user.username") == "system:anonymous":
        fields.setdefault("access", "anonymous")
    return KUBERNETES_AUDIT


FORMAT: Final = ObjectFormat("Kubernetes audit", _fits, _complete, ("requestreceivedtimestamp", "stagetimestamp"))
