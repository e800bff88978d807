"""What Sigma calls a log source, and which one an event names or its OCSF class stands for.

An OCSF event also gets the field names that rules for the same log source use, as far as the two mean the same.
"""

from typing import Final, NamedTuple

from caponier.telemetry.security_logs.fields import Fields, Scalar


class LogSource(NamedTuple):
    """What Sigma calls a log source, in lower case; None where it is not said."""

    product: str | None = None
    category: str | None = None
    service: str | None = None


OCSF_CLASSES: Final[dict[int, str]] = {
    1001: "file_event",
    1007: "process_creation",
    3001: "account_change",
    3002: "authentication",
    4001: "network_connection",
    4002: "webserver",
    4003: "dns",
    4009: "email",
}
"""OCSF class to the Sigma category of the same meaning."""

API_ACTIVITY: Final = 6003
CLOUDTRAIL: Final = LogSource("aws", None, "cloudtrail")
KUBERNETES_AUDIT: Final = LogSource("kubernetes", "application", "audit")

OCSF_FIELDS: Final[dict[str, dict[str, str]]] = {
    "file_event": {"targetfilename": "file.path", "user": "actor.user.name"},
    "process_creation": {"image": "process.file.path", "commandline": "process.cmd_line", "user": "actor.user.name"},
    "authentication": {
        "user": "user.name",
        "src_ip": "src_endpoint.ip",
        "src_country": "src_endpoint.location.country",
        "host": "dst_endpoint.hostname",
        "risk": "risk_level",
    },
    "network_connection": {
        "src_ip": "src_endpoint.ip",
        "dst_ip": "dst_endpoint.ip",
        "dst_port": "dst_endpoint.port",
        "dst_host": "dst_endpoint.hostname",
    },
    "webserver": {
        "cs-method": "http_request.http_method",
        "cs-host": "http_request.url.hostname",
        "cs-uri-stem": "http_request.url.path",
        "cs-uri-query": "http_request.url.query_string",
        "sc-status": "http_response.code",
        "c-ip": "src_endpoint.ip",
    },
    "cloudtrail": {
        "eventname": "api.operation",
        "eventsource": "api.service.name",
        "sourceipaddress": "src_endpoint.ip",
        "useridentity.arn": "actor.user.uid",
        "useridentity.username": "actor.user.name",
        "useridentity.type": "actor.user.type",
    },
}
"""Category or service to (name in rules, name in OCSF)."""

CATEGORIES: Final = frozenset(
    [
        *("account_change", "antivirus", "api_activity", "application", "appliance", "authentication"),
        *("clipboard_capture", "create_remote_thread", "create_stream_hash", "database", "dns", "dns_query"),
        *("driver_load", "email", "file_access", "file_change", "file_delete", "file_event"),
        *("file_executable_detected", "file_rename", "firewall", "image_load", "network_connection"),
        *("network_traffic", "pipe_created", "process_access", "process_creation", "process_tampering"),
        *("process_termination", "proxy", "ps_classic_provider_start", "ps_classic_script", "ps_classic_start"),
        *("ps_module", "ps_script", "raw_access_thread", "registry_add", "registry_delete", "registry_event"),
        *("registry_rename", "registry_set", "sysmon_error", "sysmon_status", "webserver", "wmi_event"),
    ]
)
"""Categories of the Sigma taxonomy, and those that stand for OCSF classes."""

BROADER: Final = {
    "registry_add": "registry_event",
    "registry_delete": "registry_event",
    "registry_rename": "registry_event",
    "registry_set": "registry_event",
}
"""Category to the one that the taxonomy puts above it."""

ALARM: Final = "alarm"
"""Our own category: what a sensor says that it has found."""
MANAGEMENT: Final = "management"
"""Our own category: what is asked of the interface over which clouds, clusters, registries and platforms are run."""
_MANAGED: Final = frozenset(
    [
        *(("aws", "cloudtrail"), ("gcp", "gcp.audit"), ("azure", "activitylogs"), ("kubernetes", "audit")),
        *(("github", "audit"), ("gitlab", "audit"), ("databricks", "audit"), ("okta", "okta"), ("minio", "audit")),
        *(("harbor", "audit"), ("huggingface", "audit"), ("wandb", "audit"), ("azure", "auditlogs")),
        *(("vault", "audit"), ("azure", "auditevent")),
    ]
)
"""Product and service of the logs that are of that category, too."""

WORD: Final = 128
"""Characters of a log source's words that are kept: there is no longer one."""

_OUTCOMES: Final = {1: "success", 2: "failure"}


def stands_for(category: str, origin: LogSource) -> bool:
    """Tell whether events of a log source are of a category, or of one that is below it."""
    if category == MANAGEMENT and (origin.product, origin.service) in _MANAGED:
        return True
    return category in (origin.category, BROADER.get(origin.category or ""))


def said_source(fields: Fields, asked: frozenset[str] = frozenset()) -> LogSource | None:
    """Return the log source that an event names; None if it names none.

    `product`, `category` and `service` are usual names in logs, and mean other things there: Azure's category is
    `SignInLogs`. So a bare `category` counts only if Sigma, or a rule that runs, knows it; under `logsource` all count.

    Args:
        fields: Of one event.
        asked: Categories that rules ask for.
    """
    get = fields.get
    meant = LogSource(*(word(get(f"logsource.{name}")) for name in LogSource._fields))
    if any(meant):
        return meant
    category = word(get("category"))
    known = category if category in CATEGORIES or category in asked else None
    said = LogSource(word(get("product")), known, word(get("service")))
    return said if any(said) else None


def of_ocsf(fields: Fields) -> LogSource | None:
    """Return the log source of an OCSF event and complete its fields in place; None if Sigma has none like it."""
    class_uid = fields["class_uid"]
    if class_uid == API_ACTIVITY:
        if str(fields.get("cloud.provider", "")).lower() != "aws":
            return LogSource(None, "api_activity", None)
        _complete(fields, "cloudtrail")
        return CLOUDTRAIL
    category = OCSF_CLASSES.get(class_uid) if isinstance(class_uid, int) else None
    if category is None:
        return None
    _complete(fields, category)
    return LogSource(None, category, None)


def _complete(fields: Fields, kind: str) -> None:
    for name, ocsf in OCSF_FIELDS.get(kind, {}).items():
        if ocsf in fields:
            fields.setdefault(name, fields[ocsf])
    outcome = fields.get("status_id")
    if isinstance(outcome, int) and outcome in _OUTCOMES:
        fields.setdefault("outcome", _OUTCOMES[outcome])


def word(value: Scalar | None) -> str | None:
    """Write a word of a log source in one way."""
    return value.strip().lower()[:WORD] or None if isinstance(value, str) else None
