"""Kubernetes audit events, `audit.k8s.io/v1` of the Kubernetes reference."""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, FieldMap, ObjectFormat, fill, whole
from caponier.telemetry.security_logs.sources import KUBERNETES_AUDIT, LogSource

_SPECS: Final = ("spec.template.spec", "spec", "spec.predictor", "spec.jobtemplate.spec.template.spec")
"""Where workloads say what their pods are."""
_CONTAINERS: Final = ("containers", "initcontainers", "ephemeralcontainers")
_NAMES: Final[FieldMap] = {
    "namespace": "objectref.namespace",
    "user": ("impersonateduser.username", "user.username"),
    "image": tuple(f"requestobject.{spec}.{of}.image" for of in ("model", *_CONTAINERS) for spec in _SPECS),
    "replicas": "requestobject.spec.replicas",
}
_POD: Final = {
    "pod.privileged": tuple(f"{of}.securitycontext.privileged" for of in _CONTAINERS),
    "pod.host_processes": ("hostpid",),
    "pod.host_paths": ("volumes.hostpath.path",),
}
_OF_PODS: Final = {
    name: tuple(f"requestobject.{spec}.{end}" for spec in _SPECS for end in ends) for name, ends in _POD.items()
}


_ASKED: Final = frozenset(["verb", "objectref.resource", "user.username"])


def of_workload(fields: Fields) -> None:
    """Fill normalised fields of a request, and what keeps its pods apart from their host, whatever makes them."""
    fill(fields, _NAMES)
    for name, sources in _OF_PODS.items():
        if told := [str(fields[source]) for source in sources if source in fields]:
            fields[name] = ", ".join(told)


def _fits(fields: Fields) -> bool:
    # Shippers leave the envelope out that every record has; what is asked by whom they keep.
    return str(fields.get("apiversion", "")).startswith("audit.k8s.io/") or fields.keys() >= _ASKED


def _complete(fields: Fields) -> LogSource:
    of_workload(fields)
    if "sourceips" in fields:
        # Of several, only the last was seen by the server; before it stands what the client claims.
        fields.setdefault("src_ip", str(fields["sourceips"]).rsplit(",", 1)[-1].strip())
    code = whole(fields.get("responsestatus.code"))
    if code is not None:
        fields.setdefault("outcome", SUCCESS if code < 400 else FAILURE)
    if fields.get("user.username") == "system:anonymous":
        fields.setdefault("access", "anonymous")
    return KUBERNETES_AUDIT


FORMAT: Final = ObjectFormat(
    "Kubernetes audit",
    _fits,
    _complete,
    # The last three are those of AKS's tables AKSAudit and AKSAuditAdmin.
    ("requestreceivedtimestamp", "stagetimestamp", "requestreceivedtime", "stagereceivedtime", "timegenerated"),
)
