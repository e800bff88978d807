"""Which Sigma log source an event is of: as the event says, by its OCSF class, or by the shape of a known product.

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

WORD: Final = 128
"""Characters of a log source's words that are kept: there is no longer one."""

_OUTCOMES: Final = {1: "success", 2: "failure"}


def log_source(fields: Fields) -> LogSource | None:
    """Tell an event's log source; None if nothing says it. Fields of an OCSF event are completed in place."""
    get = fields.get
    said = LogSource(
        _word(get("logsource.product") or get("product")),
        _word(get("logsource.category") or get("category")),
        _word(get("logsource.service") or get("service")),
    )
    if said.product or said.category or said.service:
        return said
    if "class_uid" in fields:
        return _of_ocsf(fields)
    if "eventsource" in fields and "eventname" in fields and "eventversion" in fields:
        return CLOUDTRAIL
    if str(get("apiversion", "")).startswith("audit.k8s.io/"):
        return KUBERNETES_AUDIT
    return None


def _of_ocsf(fields: Fields) -> LogSource | None:
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


def _word(value: Scalar | None) -> str | None:
    return value.strip().lower()[:WORD] or None if isinstance(value, str) else None
