"""Microsoft Entra by Microsoft Graph, and every log that goes by Azure's diagnostic settings.

As in Microsoft's "signIn resource type", "directoryAudit resource type" and "Azure Monitor resource logs common schema"
(`time`, `resourceId`, `operationName`, `category`, `properties`).
"""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.clouds.resource_paths import fill_from_path
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    FieldMap,
    ObjectFormat,
    fill,
    outcome_of,
    split_url,
    whole,
)
from caponier.telemetry.security_logs.sources import LogSource

SIGN_INS: Final = LogSource("azure", "authentication", "signinlogs")
_SERVICES: Final[dict[str, str]] = {
    "signinlogs": "signinlogs",
    "noninteractiveusersigninlogs": "signinlogs",
    "serviceprincipalsigninlogs": "signinlogs",
    "managedidentitysigninlogs": "signinlogs",
    "auditlogs": "auditlogs",
    "administrative": "activitylogs",
    "userriskevents": "riskdetection",
    "riskyusers": "riskdetection",
}
"""Azure's category, which is no Sigma category, to the service that Sigma's rules name."""

_SIGN_IN: Final[dict[str, str | tuple[str, ...]]] = {
    "user": ("userprincipalname", "serviceprincipalname", "identity"),
    "src_ip": ("ipaddress", "calleripaddress"),
    "src_country": ("location.countryorregion", "location"),
    "risk": ("risklevelduringsignin", "risklevelaggregated"),
    "resulttype": ("status.errorcode",),
    "resultdescription": ("status.failurereason",),
    "app": "appdisplayname",
    "user_agent": "useragent",
}
_AUDIT: Final[FieldMap] = {
    "user": (
        "initiatedby.user.userprincipalname",
        "initiatedby.app.serviceprincipalname",
        "initiatedby.app.displayname",
        "identity",
    ),
    "src_ip": "initiatedby.user.ipaddress",
    "operationname": "activitydisplayname",
    "properties.message": ("activitydisplayname", "operationname"),
    "target_user": ("targetresources.userprincipalname", "targetresources.displayname"),
}
_PERSON: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_CLAIMS: Final = (
    *(f"{_PERSON}name", "name", f"{_PERSON}upn", "upn", f"{_PERSON}emailaddress", "preferred_username", "unique_name"),
    *("appid", "http://schemas.microsoft.com/identity/claims/objectidentifier", "oid"),
)
"""Who a token is about: of a person the name, of a service its application; what it holds hangs on who gave it."""
_ACTIVITY: Final[FieldMap] = {
    "user": (
        *(f"identity.{claims}.{claim}" for claim in _CLAIMS for claims in ("claims", "claim")),
        "identity.authorization.evidence.principalid",
        "caller",
    ),
    "src_ip": "calleripaddress",
    "operationnamevalue": ("operationname.value", "operationname"),
    "operationname": "operationname.value",
    "categoryvalue": ("category.value", "category"),
}


def _is_graph_sign_in(fields: Fields) -> bool:
    return "createddatetime" in fields and "appdisplayname" in fields and "status.errorcode" in fields


def _graph_sign_in(fields: Fields) -> LogSource:
    return sign_in(fields)


def sign_in(fields: Fields) -> LogSource:
    """Fill in what rules ask of a sign-in."""
    fill(fields, _SIGN_IN)
    code = whole(fields.get("resulttype"))
    outcome = outcome_of(None if code is None else code == 0)
    if outcome:
        fields.setdefault("outcome", outcome)
    return SIGN_INS


def _is_graph_audit(fields: Fields) -> bool:
    return "activitydatetime" in fields and "activitydisplayname" in fields


def audit(fields: Fields) -> LogSource:
    """Fill in what rules ask of a change in the directory."""
    fill(fields, _AUDIT)
    result = str(fields.get("result", "")).lower()
    outcome = outcome_of({"success": True, "failure": False}.get(result))
    if outcome:
        fields.setdefault("outcome", outcome)
    return LogSource("azure", None, "auditlogs")


_DIAGNOSTIC_TIMES: Final = frozenset(["time", "timestamp"])
"""Application gateways write `timeStamp`."""
_WEB: Final[FieldMap] = {
    "c-ip": ("clientip", "clientipaddress", "socketip"),
    "cs-method": "httpmethod",
    "cs-host": ("originalhost", "host", "hostname"),
    "cs-user-agent": "useragent",
    "sc-status": ("httpstatus", "httpstatuscode"),
}
"""Access logs of application gateways, Front Door and App Service."""
_WHERE: Final = frozenset(["resourceid", "tenantid", "calleripaddress", "properties.accountname"])


def _is_diagnostic(fields: Fields) -> bool:
    if "category" not in fields or _DIAGNOSTIC_TIMES.isdisjoint(fields):
        return False
    named = "operationname" in fields and not _WHERE.isdisjoint(fields)
    return named or str(fields["category"]).strip().lower() in _SERVICES


def _diagnostic(fields: Fields) -> LogSource:
    # What stands in `properties` is the record of Graph; rules name its fields with and without the prefix.
    for name in [name for name in fields if name.startswith("properties.")]:
        fields.setdefault(name.removeprefix("properties."), fields[name])
    said = str(fields["category"]).strip().lower()
    service = _SERVICES.get(said, said)
    if service == "signinlogs":
        return sign_in(fields)
    if service == "auditlogs":
        return audit(fields)
    if "requesturi" in fields and "httpmethod" in fields:
        fill(fields, _WEB)
        for name, part in split_url(str(fields["requesturi"])).items():
            fields.setdefault(name, part)
        if (status := whole(fields.get("sc-status"))) is not None:
            fields["sc-status"] = status
        return LogSource("azure", "webserver", service)
    fill(fields, _ACTIVITY)
    fill_from_path(fields, "resourceid")
    outcome = outcome_of({"success": True, "succeeded": True, "failure": False, "failed": False}.get(_result(fields)))
    if outcome:
        fields.setdefault("outcome", outcome)
    if service in _STORE:
        return stored(fields)
    return LogSource("azure", None, service)


_STORE: Final = frozenset(["storageread", "storagewrite", "storagedelete"])
"""Categories of the resource logs of storage accounts."""
_STORED: Final[FieldMap] = {
    "user": ("identity.requester.upn", "requesterupn", "requesterobjectid", "identity.requester.objectid"),
    "src_ip": "calleripaddress",
    "bucket": "accountname",
    "object": "objectkey",
}


def stored(fields: Fields) -> LogSource:
    """Fill in what rules ask of a request to a store of Azure, by its resource logs or the table StorageBlobLogs."""
    fill(fields, _STORED)
    if (code := whole(fields.get("statuscode"))) is not None:
        fields.setdefault("outcome", SUCCESS if code < _REFUSED else FAILURE)
    if str(fields.get("authenticationtype", fields.get("identity.type", ""))).lower() == "anonymous":
        fields.setdefault("access", "anonymous")
    return LogSource("azure", None, "storagebloblogs")


_REFUSED: Final = 400
"""Status of HTTP from which a request was not answered."""


def _result(fields: Fields) -> str:
    return str(fields.get("resulttype", fields.get("status.value", ""))).lower()


def _is_activity(fields: Fields) -> bool:
    return "eventtimestamp" in fields and "operationname.value" in fields and "resourceid" in fields


def _activity(fields: Fields) -> LogSource:
    # As `az monitor activity-log list` prints it: who asked from where stands in the claims of his token.
    fill(fields, {"user": "caller", "src_ip": ("claims.ipaddr", "httprequest.clientipaddress")})
    fields["category"] = fields.get("category.value", "administrative")
    return _diagnostic(fields)


FORMATS: Final = (
    ObjectFormat("Microsoft Entra sign-ins (Graph)", _is_graph_sign_in, _graph_sign_in, ("createddatetime",)),
    ObjectFormat("Microsoft Entra directory audits (Graph)", _is_graph_audit, audit, ("activitydatetime",)),
    ObjectFormat(
        "Azure diagnostic log", _is_diagnostic, _diagnostic, ("time", "timestamp", "eventtimestamp", "createddatetime")
    ),
    ObjectFormat("Azure activity log (API)", _is_activity, _activity, ("eventtimestamp",)),
)
