"""What was acted on: the bucket, account, key, image, workload or host that an event changes, reads or reaches.

Who acts is told by `identity`. A target is told so that one actor's acts on eight hosts stay eight: the most
particular thing that an event names counts, and the host only where it names nothing else.
"""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import HOST_FIELDS, LIMIT, account_name, host_name
from caponier.telemetry.security_logs.shapes import Present

TARGET_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "bucket": (
        *("requestparameters.bucketname", "bucket", "bucket_name", "bucketname", "resource.labels.bucket_name"),
        *("s3.bucket", "container_name"),
    ),
    "repository": (
        *("requestparameters.repositoryname", "repository", "repository.name", "target.repository"),
        *("protopayload.request.repository",),
    ),
    "account": (
        *("requestparameters.username", "requestparameters.rolename", "requestparameters.groupname"),
        *("requestparameters.userarn", "target_user", "target.user.name", "user.target.name"),
    ),
    "endpoint": ("requestparameters.endpointname", "requestparameters.endpointconfigname"),
    "model": ("requestparameters.modelname", "requestparameters.modelpackagename", "registered_model"),
    "notebook": ("requestparameters.notebookinstancename",),
    "job": ("requestparameters.trainingjobname", "requestparameters.processingjobname", "job"),
    "function": ("requestparameters.functionname",),
    "instance": (
        *("requestparameters.instancesset.items.instanceid", "requestparameters.instanceid", "instance-id"),
        *("resource.labels.instance_id",),
    ),
    "cluster": ("requestparameters.clustername", "requestparameters.cluster"),
    "key": ("requestparameters.keyid",),
    "secret": ("requestparameters.secretid",),
    "policy": ("requestparameters.policyarn",),
    "resource": ("protopayload.resourcename", "resourceid", "_resourceid"),
    "host": (*HOST_FIELDS, "dst_ip", "dst_endpoint.ip", "destination.ip", "target_host"),
}
"""Kind of target to the fields that name it: the first kind that has a value counts, and of it the first field."""

MINTED: Final = "responseelements.accesskey.accesskeyid"

_KINDS: Final = {name: kind for kind, names in reversed(TARGET_FIELDS.items()) for name in names}
_PRESENT: Final = Present(list(dict.fromkeys(name for names in TARGET_FIELDS.values() for name in names)))
_NORMAL: Final = {"account": account_name, "host": host_name}


def target(fields: Fields) -> str | None:
    """Name what an event acts on, as `kind name`; None if it names nothing."""
    if "objectref.resource" in fields:
        return _workload(fields)
    if MINTED in fields:
        # What has to be revoked is the key that was made, not the account that always had some.
        who = account_name(
            str(fields.get("requestparameters.username") or fields.get("responseelements.accesskey.username", ""))
        )
        return f"account {who}, key {fields[MINTED]}"[: 2 * LIMIT]
    (names,) = _PRESENT.of(fields)
    for name in names:
        value = fields[name]
        if value != "" and value != "-":
            kind = _KINDS[name]
            normal = _NORMAL.get(kind)
            text = str(value) if normal is None else normal(str(value))
            return f"{kind} {text[:LIMIT]}" if text else None
    return None


def _workload(fields: Fields) -> str:
    """Name an object of Kubernetes: of a pod that a deployment made, the pod; of many at once, their kind."""
    place = [str(fields[name]) for name in ("objectref.namespace", "objectref.name") if name in fields]
    return f"{fields['objectref.resource']} {'/'.join(place)}".strip()[: 2 * LIMIT]
