"""Events in the Elastic Common Schema, as Beats, Elastic Agent and exports of Elasticsearch have them.

The fields are those of the "ECS field reference" and of Elastic's integrations for AWS, Google Cloud and Okta.
"""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FieldMap, ObjectFormat, fill, split_url, whole
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource

_ALL: Final[FieldMap] = {
    "user": "user.name",
    "src_ip": ("source.ip", "client.ip"),
    "src_country": ("source.geo.country_iso_code", "client.geo.country_iso_code", "source.geo.country_name"),
    "host": ("host.name", "host.hostname"),
    "dst_ip": "destination.ip",
    "dst_port": "destination.port",
    "outcome": "event.outcome",
    "action": "event.action",
}
_PROCESS: Final[FieldMap] = {
    "image": "process.executable",
    "commandline": "process.command_line",
    "parentimage": "process.parent.executable",
    "parentcommandline": "process.parent.command_line",
    "currentdirectory": "process.working_directory",
    "originalfilename": "process.pe.original_file_name",
}
_FILE: Final = {"targetfilename": "file.path", "image": "process.executable"}
_WEB: Final[FieldMap] = {
    "c-ip": ("source.ip", "source.address", "client.ip"),
    "cs-method": "http.request.method",
    "cs-host": ("url.domain", "http.request.headers.host"),
    "cs-uri-stem": "url.path",
    "cs-uri-query": "url.query",
    "cs-user-agent": "user_agent.original",
    "cs-referer": "http.request.referrer",
    "sc-status": "http.response.status_code",
}
_DNS: Final = {"query": "dns.question.name", "record_type": "dns.question.type"}
_CLOUDTRAIL: Final[FieldMap] = {
    "eventname": "event.action",
    "eventsource": "event.provider",
    "sourceipaddress": ("source.ip", "source.address"),
    "useridentity.arn": "aws.cloudtrail.user_identity.arn",
    "useridentity.type": "aws.cloudtrail.user_identity.type",
    "useridentity.username": "user.name",
    "useridentity.accesskeyid": "aws.cloudtrail.user_identity.access_key_id",
    "errorcode": "aws.cloudtrail.error_code",
    "errormessage": "aws.cloudtrail.error_message",
    "useragent": "user_agent.original",
    "additionaleventdata.mfaused": "aws.cloudtrail.console_login.additional_eventdata.mfa_used",
}
_OKTA: Final[FieldMap] = {
    "eventtype": ("okta.event_type", "event.action"),
    "displaymessage": "okta.display_message",
    "outcome.result": "okta.outcome.result",
    "outcome.reason": "okta.outcome.reason",
    "actor.alternateid": "okta.actor.alternate_id",
    "src_ip": "okta.client.ip",
    "target.displayname": "okta.target.display_name",
}
_GCP: Final[FieldMap] = {
    "protopayload.methodname": ("gcp.audit.method_name", "event.action"),
    "protopayload.servicename": ("gcp.audit.service_name", "service.name"),
    "data.protopayload.methodname": ("gcp.audit.method_name", "event.action"),
    "gcp.audit.method_name": "event.action",
    "user": ("client.user.email", "gcp.audit.authentication_info.principal_email"),
}


def _fits(fields: Fields) -> bool:
    return "@timestamp" in fields and any(
        name in fields for name in ("ecs.version", "event.dataset", "event.module", "event.category", "event.kind")
    )


def _complete(fields: Fields) -> LogSource:
    dataset = str(fields.get("event.dataset", fields.get("data_stream.dataset", "")))
    product = _PRODUCTS.get(dataset)
    if product:
        return product(fields)
    categories = str(fields.get("event.category", "")).lower().split(", ")
    kinds = str(fields.get("event.type", "")).lower().split(", ")
    fill(fields, _ALL)
    system = str(fields.get("host.os.type", fields.get("host.os.platform", ""))).lower() or None
    service = dataset.lower() or None
    if "process" in categories and ("start" in kinds or "process_started" in str(fields.get("event.action", ""))):
        fill(fields, _PROCESS)
        return LogSource(system or "linux", "process_creation", service)
    if "authentication" in categories:
        return LogSource(system, "authentication", service)
    if "web" in categories or "http.request.method" in fields:
        fill(fields, _WEB)
        fields.update(
            {name: text for name, text in split_url(str(fields.get("url.original", ""))).items() if name not in fields}
        )
        if (status := whole(fields.get("sc-status"))) is not None:
            fields["sc-status"] = status
        return LogSource(None, "webserver", service)
    if "file" in categories:
        fill(fields, _FILE)
        return LogSource(system or "linux", "file_delete" if "deletion" in kinds else "file_event", service)
    if "dns.question.name" in fields:
        fill(fields, _DNS)
        return LogSource(None, "dns", service)
    if "network" in categories:
        return LogSource(None, "firewall" if {"allowed", "denied"} & set(kinds) else "network_connection", service)
    if "email" in categories:
        return LogSource(None, "email", service)
    return LogSource(str(fields.get("event.module", "")).lower() or None, None, service)


def _cloudtrail(fields: Fields) -> LogSource:
    fill(fields, _CLOUDTRAIL)
    fill(fields, _ALL)
    for prefix, name in (
        ("aws.cloudtrail.flattened.request_parameters.", "requestparameters."),
        ("aws.cloudtrail.flattened.response_elements.", "responseelements."),
        ("aws.cloudtrail.flattened.additional_eventdata.", "additionaleventdata."),
    ):
        for key in [key for key in fields if key.startswith(prefix)]:
            fields.setdefault(name + key.removeprefix(prefix), fields[key])
    if fields.get("eventname") == "ConsoleLogin":
        fields.setdefault("responseelements.consolelogin", str(fields.get("outcome", "")).capitalize())
        return LogSource("aws", "authentication", "cloudtrail")
    return CLOUDTRAIL


def _okta(fields: Fields) -> LogSource:
    fill(fields, _OKTA)
    fill(fields, _ALL)
    login = str(fields.get("eventtype", "")).startswith(("user.session.start", "user.authentication."))
    return LogSource("okta", "authentication" if login else None, "okta")


def _gcp(fields: Fields) -> LogSource:
    fill(fields, _GCP)
    fill(fields, _ALL)
    return LogSource("gcp", None, "gcp.audit")


_PRODUCTS: Final = {"aws.cloudtrail": _cloudtrail, "okta.system": _okta, "gcp.audit": _gcp}

FORMAT: Final = ObjectFormat("Elastic Common Schema", _fits, _complete, ("@timestamp", "event.created"))
