"""What kind of act an event of a management API is, whatever product it is of: told by the words of its operation.

Clouds add calls faster than anybody can list them, and name them alike: `DeleteGuardrail`, `storage.objects.delete`,
`MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE`, `protected_branch_removed`. What a call of an unknown name does to an ML
system is told well enough by its verb and by what it is about. Reading and using are no acts.
"""

import re
from functools import lru_cache
from typing import Final, Literal

from caponier.telemetry.security_logs.fields import Fields

Act = Literal["destroy", "grant", "copy", "change", "silence", "retune", "reveal"]

OPERATION_FIELDS: Final = (
    *("eventname", "gcp.audit.method_name", "actionname", "operationname", "event_name", "event_type", "eventtype"),
    *("action", "operation", "type"),
)
"""Where products write what was asked of them; the first that is there counts."""
_CACHED: Final = 20_000
_LONGEST: Final = 256
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", re.ASCII)
_READS: Final = frozenset(
    [
        *("get", "gets", "list", "lists", "describe", "head", "read", "view", "lookup", "search", "query", "check"),
        *("test", "simulate", "select", "pull", "estimate", "validate", "preview", "watch", "login", "logout"),
    ]
)
_USED: Final = frozenset(
    [
        *("workflow", "workflows", "invocation", "pull", "merge", "issue", "issues", "review", "comment"),
        *("discussion", "commit", "git", "branch", "discussions", "reaction", "star"),
    ]
)
"""What is made in the day's work, by whoever works with others or starts a run."""
_DESTROYS: Final = frozenset(
    [
        *("delete", "deleted", "deletion", "deletecollection", "terminate", "remove", "removed", "destroy", "purge"),
        *("destroyed", "drop", "undeploy", "deregister", "stop", "stopped", "disable", "disabled", "suspend"),
        *("deactivate", "archive", "archived", "abort", "cancel", "deallocate", "poweroff", "reset", "revoke"),
    ]
)
_COPIES: Final = frozenset(
    ["copy", "export", "exported", "share", "shared", "unload", "replicate", "replication", "download", "transfer"]
)
_CHANGES: Final = frozenset(
    [
        *("create", "created", "put", "update", "updated", "set", "modify", "add", "added", "attach", "patch", "write"),
        *("replace", "import", "upload", "register", "registered", "deploy", "edit", "insert", "enable"),
        *("transition", "promote", "restore", "rename", "move", "associate", "save"),
        *("complete", "generate", "regenerate", "issue", "mint", "rotate", "approve", "publish", "change", "changed"),
    ]
)
_RIGHTS: Final = frozenset(
    [
        *("policy", "policies", "permission", "permissions", "acl", "acls", "grant", "grants", "member", "members"),
        *("collaborator", "trust", "privilege", "privileges", "role", "roles", "roleassignments", "rolebindings"),
        *("clusterrolebindings", "iam", "access", "visibility", "public", "invitation", "owner", "authorization"),
        *("key", "keys", "token", "tokens", "credential", "credentials", "secret", "secrets", "password", "passwords"),
        *("sas", "certificate", "oauth", "login", "mfa", "factor", "federated", "url"),
    ]
)
_TAKEN: Final = (
    *("listkeys", "listcredentials", "listsecrets", "listaccountsas", "listservicesas", "admincredential"),
    *("usercredential", "begingetaccess"),
)
"""Ends of reads that hand out what lets in."""
_WATCHES: Final = frozenset(
    [
        *("logging", "log", "logs", "trail", "audit", "diagnosticsettings", "monitoring", "monitor", "guardrail"),
        *("alarm", "alarms", "detector", "eventselectors", "flowlogs", "scanning", "alerts", "monitors", "datacapture"),
        *("sink", "sinks", "exclusion", "metricfilter"),
    ]
)
_WATCHES_IN_TWO: Final = ("eventselectors", "flowlogs", "diagnosticsettings", "datacapture", "metricfilter")
"""The same where a name writes them as two words."""
_TURNS: Final = frozenset(["update", "updated", "set", "modify", "patch", "change", "changed", "edit", "replace"])
"""Verbs that turn a watch to look at less, or elsewhere; one that is made looks at more."""
_SHOWS: Final = frozenset(["get", "gets", "read", "view", "access", "reveal"])
_SECRETS: Final = frozenset(["secret", "secrets", "password", "passwords"])
_ABOUT_SECRETS: Final = frozenset(["policy", "policies", "random", "rotation", "requirements", "metadata"])
"""Words of what says something of secrets, or makes one up, and shows none."""
_DESCRIBING: Final = ("SecretManagerService.GetSecret", "SecretManagerService.GetSecretVersion")
"""Google's words for what others call to describe a secret."""
_PULLS: Final = ("batchgetimage", "getdownloadurlforlayer", "dockergetmanifest", "pullrepo", "pullartifact")
_PULL: Final = "pull"
"""What registries call it when an image is taken, and all that Harbor says."""

_CARE: Final = frozenset(
    [
        *("tag", "tags", "label", "labels", "description", "annotation", "block", "versioning", "lifecycle"),
        *("encryption", "protection", "protected", "retention", "backup", "snapshot", "image_scanning", "maintenance"),
    ]
)
"""What is set to take care of something: only taking it away is worth a word."""


_UPKEEP: Final = frozenset(
    [
        *("leases", "events", "endpoints", "endpointslices", "csinodes", "tokenreviews", "subjectaccessreviews"),
        *("localsubjectaccessreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews", "volumeattachments"),
    ]
)
"""What a cluster writes to keep itself going, each second; nobody owns anything by it."""


def act(fields: Fields) -> Act | None:
    """Tell what kind of act an event is; None where it only reads or uses, or says nothing of it."""
    verb = fields.get("verb")
    if verb is not None and "objectref.resource" in fields:
        below = fields.get("objectref.subresource")
        if below == "status" or fields["objectref.resource"] in _UPKEEP:
            return None
        return _act_of(f"{verb}.{fields['objectref.resource']}{f'.{below}' if below else ''}"[:_LONGEST])
    if "request.path" in fields and "request.operation" in fields:
        return _act_of_vault(str(fields["request.operation"]), str(fields["request.path"])[:_LONGEST])
    for name in OPERATION_FIELDS:
        value = fields.get(name)
        if value:
            return _act_of_whole(str(value)[:_LONGEST])
    return None


@lru_cache(_CACHED)
def _act_of_whole(operation: str) -> Act | None:
    return None if operation.endswith(_DESCRIBING) else _act_of(_own_name(operation))


@lru_cache(_CACHED)
def _act_of(operation: str) -> Act | None:
    words = [word.lower() for word in _WORD.findall(operation)]
    there, joined = frozenset(words), "".join(words)
    if joined.endswith(_TAKEN):
        return "grant"
    if joined.endswith(_PULLS) or joined == _PULL:
        return "copy"
    shows = not there.isdisjoint(_SHOWS) and there.isdisjoint(_ABOUT_SECRETS)
    if shows and not there.isdisjoint(_SECRETS):
        return "reveal"
    verb = next((word for word in words if word in _VERBS), None)
    if verb is None or verb in _READS:
        return None
    watched = not there.isdisjoint(_WATCHES) or any(name in joined for name in _WATCHES_IN_TWO)
    if watched and verb in _DESTROYS:
        # The log of what is asked is about use, and taking it away is none.
        return "silence"
    if not (there.isdisjoint(_USED) or "protected" in there):
        return None
    if verb in _DESTROYS:
        return "destroy"
    if not there.isdisjoint(_COPIES):
        return "copy"
    if watched and (verb in _TURNS or (verb == "put" and any(name in joined for name in _WATCHES_IN_TWO))):
        return "retune"
    if watched or not there.isdisjoint(_CARE):
        return None
    return "change" if there.isdisjoint(_RIGHTS) else "grant"


@lru_cache(_CACHED)
def _act_of_vault(operation: str, path: str) -> Act | None:
    """Tell an act by a path: what stands below `sys` and `auth` runs the vault, and all else is what it keeps."""
    if not path.startswith(("sys/", "auth/")):
        # Beside what it keeps a vault tells when it was written.
        shown = operation == "read" and "/metadata/" not in path
        return "reveal" if shown else None if operation == "read" else _act_of(operation)
    return None if "/login" in path else _act_of(f"{operation}.{path}")


def _own_name(operation: str) -> str:
    """Leave out what stands for the service: `google.iam.admin.v1.` and `MICROSOFT.STORAGE/`."""
    if "/" in operation:
        return operation.partition("/")[2].removesuffix("/ACTION").removesuffix("/action")
    service, dot, method = operation.rpartition(".")
    # Of a method in CamelCase the name says all; of `storage.objects.delete` only the end and what stands before it.
    return method if dot and method[:1].isupper() else f"{service.rpartition('.')[2]}.{method}"


_VERBS: Final = _READS | _DESTROYS | _COPIES | _CHANGES
