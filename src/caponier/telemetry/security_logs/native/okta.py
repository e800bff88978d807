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
