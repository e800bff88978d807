"""Google Cloud audit logs: a `LogEntry` whose `protoPayload` is an `AuditLog`.

As in "Understanding audit logs" of Google Cloud; those of GKE become Kubernetes audit events.
"""

import re
from itertools import zip_longest
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.clouds.resource_paths import fill_from_path
from caponier.telemetry.security_logs.native.kubernetes_audit import of_workload
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, FieldMap, ObjectFormat, fill, whole
from caponier.telemetry.security_logs.sources import KUBERNETES_AUDIT, LogSource

_NAMES: Final[FieldMap] = {
    "gcp.audit.method_name": "protopayload.methodname",
    "gcp.audit.service_name": "protopayload.servicename",
    "data.protopayload.methodname": "protopayload.methodname",
    "data.protopayload.servicename": "protopayload.servicename",
    "data.protopayload.resource.type": "resource.type",
    "data.protopayload.logname": "logname",
    "data.protopayload.authorizationinfo.granted": "protopayload.authorizationinfo.granted",
    "data.protopayload.authorizationinfo.permission": "protopayload.authorizationinfo.permission",
    "user": "protopayload.authenticationinfo.principalemail",
    "src_ip": "protopayload.requestmetadata.callerip",
    "user_agent": "protopayload.requestmetadata.callersupplieduseragent",
    "bucket": "resource.labels.bucket_name",
    # Of a key that is made for it, the path has the account's number alone.
    "target_user": "resource.labels.email_id",
}
_OBJECT: Final = re.compile(r"projects/_/buckets/([^/]+)/objects/(.+)", re.DOTALL)
_DOCKER: Final = re.compile(r"projects/([^/]+)/locations/([^/]+)/repositories/([^/]+)(?:/dockerImages/([^@]+).*)?")
"""A repository of Artifact Registry, whose images bear its host's name."""
_KUBERNETES: Final = re.compile(r"io\.k8s\.(?:([a-z.\-]+)\.)?(v\d\w*)\.(\w+)(?:\.(\w+))?\.(\w+)")
_OWN: Final = frozenset(["protopayload.servicename", "protopayload.resourcename", "protopayload.@type", "logname"])
_CHANGED: Final = "bindingdeltas.member"
_HOSTS: Final = ("gmail.com", "googlemail.com", ".gserviceaccount.com")
"""Ends of addresses that say nothing of an organisation."""
_MODELS: Final = tuple(f"protopayload.request.{name}" for name in ("deployedmodel.model", "model", "sourcemodel"))
"""Where a call names a model that is about another resource, such as the endpoint that is to serve it."""
_EVERYBODY: Final = frozenset(["allusers", "allauthenticatedusers"])


def _fits(fields: Fields) -> bool:
    return "protopayload.methodname" in fields and not _OWN.isdisjoint(fields)


def _complete(fields: Fields) -> LogSource:
    fill(fields, _NAMES)
    code = whole(fields.get("protopayload.status.code"))
    # Of several permissions that a call asks for, one that is not given is enough to refuse it.
    given = str(fields.get("protopayload.authorizationinfo.granted", "")).lower().split(", ")
    fields.setdefault("outcome", FAILURE if code or "false" in given else SUCCESS)
    if found := _OBJECT.fullmatch(str(fields.get("protopayload.resourcename", ""))):
        fields.setdefault("bucket", found[1])
        fields.setdefault("object", found[2])
    if found := _DOCKER.fullmatch(str(fields.get("protopayload.resourcename", ""))):
        project, place, repository, image = found.groups()
        fields.setdefault(
            "repository", f"{place}-docker.pkg.dev/{project}/{repository}" + (f"/{image}" if image else "")
        )
    for path in ("protopayload.resourcename", *_MODELS):
        fill_from_path(fields, path)
    if "protopayload.authenticationinfo.principalemail" not in fields and "bucket" in fields:
        fields.setdefault("access", "anonymous")
    if any(_lets_everybody_in(fields, name) for name in fields if name.endswith(_CHANGED)):
        fields["access"] = "public"
    elif _stays_at_home(fields):
        fields.setdefault("access", "own")
    kubernetes = _KUBERNETES.fullmatch(str(fields["protopayload.methodname"]))
    if kubernetes and fields.get("protopayload.servicename", "") == "k8s.io":
        return _of_kubernetes(fields, kubernetes)
    return LogSource("gcp", None, "gcp.audit")


def _lets_everybody_in(fields: Fields, members: str) -> bool:
    """Tell whether one of the changes adds everybody: each has an action and a member, and stands at its place."""
    actions = str(fields.get(members.removesuffix("member") + "action", "")).upper().split(", ")
    listed = zip_longest(str(fields[members]).lower().split(", "), actions)
    return any(member in _EVERYBODY and action != "REMOVE" for member, action in listed)


def _stays_at_home(fields: Fields) -> bool:
    """Tell whether whoever is let in is of the organisation of who does it, or a service account of the project."""
    name = next((name for name in fields if name.endswith(_CHANGED)), None)
    home = str(fields.get("user", "")).rpartition("@")[2].lower()
    if name is None or not home or home.endswith(_HOSTS):
        return False
    homes = {home, f"{fields.get('resource.labels.project_id', '')}.iam.gserviceaccount.com".lower()}
    return {member.rpartition("@")[2] for member in str(fields[name]).lower().split(", ")} <= homes


def _of_kubernetes(fields: Fields, method: re.Match[str]) -> LogSource:
    group, version, resource, below, verb = method.groups()
    fields.setdefault("verb", verb)
    fields.setdefault("objectref.resource", resource)
    fields.setdefault("objectref.apiversion", version)
    if group and group != "core":
        fields.setdefault("objectref.apigroup", group)
    if below:
        fields.setdefault("objectref.subresource", below)
    # core/v1/namespaces/NAMESPACE/pods/NAME/exec
    place = str(fields.get("protopayload.resourcename", "")).split("/")
    if "namespaces" in place[:-1]:
        at = place.index("namespaces")
        fields.setdefault("objectref.namespace", place[at + 1])
        fields.setdefault("namespace", place[at + 1])
        if len(place) > at + 3:
            fields.setdefault("objectref.name", place[at + 3])
    fill(fields, {"user.username": "protopayload.authenticationinfo.principalemail"})
    for name in [name for name in fields if name.startswith("protopayload.request.")]:
        fields.setdefault("requestobject." + name.removeprefix("protopayload.request."), fields[name])
    of_workload(fields)
    return KUBERNETES_AUDIT


FORMAT: Final = ObjectFormat("Google Cloud audit", _fits, _complete, ("timestamp", "receivetimestamp"))
