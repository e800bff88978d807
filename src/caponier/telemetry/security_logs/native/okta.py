"""Okta System Log, the `LogEvent` object of Okta's System Log API; also as Elastic's integration keeps it."""

import re
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FieldMap, ObjectFormat, fill, outcome_of
from caponier.telemetry.security_logs.sources import LogSource

_NAMES: Final[FieldMap] = {
    "user": "actor.alternateid",
    "src_ip": "client.ipaddress",
    "src_country": "client.geographicalcontext.country",
    "user_agent": "client.useragent.rawuseragent",
    "action": "eventtype",
    "target_user": "target.alternateid",
}
_LOGINS: Final = ("user.session.start", "user.authentication.", "policy.evaluate_sign_on", "app.oauth2.signon")
_RISK: Final = re.compile(r"level\"?\s*[=:]\s*\"?(low|medium|high)", re.IGNORECASE)
_GOOD: Final = {"success": True, "allow": True, "failure": False, "deny": False}


def _fits(fields: Fields) -> bool:
    return "eventtype" in fields and "published" in fields and "actor.id" in fields


def _complete(fields: Fields) -> LogSource:
    fill(fields, _NAMES)
    outcome = outcome_of(_GOOD.get(str(fields.get("outcome.result", "")).lower()))
    if outcome:
        fields.setdefault("outcome", outcome)
    for name in ("debugcontext.debugdata.risk", "debugcontext.debugdata.logonlysecuritydata"):
        if found := _RISK.search(str(fields.get(name, ""))):
            fields.setdefault("risk", found[1].lower())
    login = str(fields["eventtype"]).startswith(_LOGINS)
    return LogSource("okta", "authentication" if login else None, "okta")


FORMAT: Final = ObjectFormat("Okta System Log", _fits, _complete, ("published",))

_EXPORTED: Final[FieldMap] = {
    "eventtype": "event_type",
    "published": "timestamp",
    "actor.alternateid": "actor.alternate_id",
    "actor.displayname": "actor.display_name",
    "displaymessage": "display_message",
    "client.ipaddress": "client.ip_address",
    "client.geographicalcontext.country": "client.geographical_context.country",
    "client.useragent.rawuseragent": "client.user_agent.raw_user_agent",
    "target.alternateid": ("target0.alternate_id", "target.alternate_id"),
    "target.displayname": ("target0.display_name", "target.display_name"),
    "target.type": ("target0.type",),
}
"""Names of the API to those of the table that Okta's console exports."""


def _of_console(fields: Fields) -> LogSource:
    fill(fields, _EXPORTED)
    return _complete(fields)


EXPORT: Final = ObjectFormat(
    "Okta System Log (console)",
    lambda fields: "event_type" in fields and "actor.alternate_id" in fields,
    _of_console,
    ("timestamp", "published"),
)
