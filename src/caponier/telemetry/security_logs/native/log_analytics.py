"""Tables of Azure Log Analytics and Microsoft Sentinel, exported as CSV or JSON.

The columns are those of Microsoft's "Azure Monitor Logs table reference". A table is known by its column `Type`, or
where the export left that out by its other columns.
"""

from collections.abc import Callable
from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native import entra, syslog, windows_event
from caponier.telemetry.security_logs.native.clouds.resource_paths import fill_from_path
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    FieldMap,
    ObjectFormat,
    fill,
    split_url,
)
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource

_SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "signinlogs": ("appdisplayname", "userprincipalname", "resulttype"),
    "auditlogs": ("activitydisplayname", "initiatedby"),
    "securityevent": ("eventid", "computer", "activity"),
    "awscloudtrail": ("eventname", "eventsource", "useridentityarn"),
    "syslog": ("syslogmessage", "processname"),
    "commonsecuritylog": ("devicevendor", "deviceproduct"),
    "deviceprocessevents": ("processcommandline", "devicename", "initiatingprocessfilename"),
    "devicenetworkevents": ("remoteip", "remoteport", "devicename", "initiatingprocessfilename"),
    "devicelogonevents": ("logontype", "devicename", "actiontype"),
    "azureactivity": ("operationnamevalue", "caller"),
    "storagebloblogs": ("objectkey", "operationname", "accountname"),
    "officeactivity": ("officeworkload", "operation"),
    "containerlogv2": ("logmessage", "podname"),
}
"""Table to columns that no other one has together."""

_CLOUDTRAIL: Final[FieldMap] = {
    "sourceipaddress": "sourceipaddress",
    "src_ip": "sourceipaddress",
    "useridentity.type": "useridentitytype",
    "useridentity.arn": "useridentityarn",
    "useridentity.username": "useridentityusername",
    "useridentity.accesskeyid": "useridentityaccesskeyid",
}
_PROCESS: Final[FieldMap] = {
    "commandline": "processcommandline",
    "image": ("folderpath", "filename"),
    "parentimage": ("initiatingprocessfolderpath", "initiatingprocessfilename"),
    "parentcommandline": "initiatingprocesscommandline",
    "user": ("accountupn", "accountname"),
    "host": "devicename",
}
_NETWORK: Final[FieldMap] = {
    **_PROCESS,
    "commandline": "initiatingprocesscommandline",
    "image": ("initiatingprocessfolderpath", "initiatingprocessfilename"),
    "user": "initiatingprocessaccountname",
    "dst_ip": "remoteip",
    "dst_port": "remoteport",
    "dst_host": "remoteurl",
}
_FIREWALL: Final[FieldMap] = {
    "src_ip": "sourceip",
    "dst_ip": "destinationip",
    "dst_port": "destinationport",
    "dst_host": "destinationhostname",
    "action": ("deviceaction", "simplifieddeviceaction"),
    "user": "sourceusername",
}


def table_of(fields: Fields) -> str | None:
    """Return the name of a row's table, in lower case; None where nothing tells it."""
    said = fields.get("type")
    if isinstance(said, str) and "timegenerated" in fields:
        return said.strip().lower()
    return next((name for name, signs in _SIGNS.items() if all(sign in fields for sign in signs)), None)


def _fits(fields: Fields) -> bool:
    if "timestamp" in fields and "deviceid" in fields:
        # As Defender's own portal exports the same tables.
        return str(table_of(fields)).startswith("device")
    return ("timegenerated" in fields or "timegenerated [utc]" in fields) and table_of(fields) is not None


def _complete(fields: Fields) -> LogSource:
    table = table_of(fields) or ""
    complete = _TABLES.get(table)
    return complete(fields) if complete else LogSource("azure", None, table)


def _cloudtrail(fields: Fields) -> LogSource:
    fill(fields, _CLOUDTRAIL)
    fields.setdefault("outcome", FAILURE if "errorcode" in fields else SUCCESS)
    return CLOUDTRAIL


def _process(fields: Fields) -> LogSource:
    fill(fields, _PROCESS)
    return LogSource(_system(fields), "process_creation", "deviceprocessevents")


def _network(fields: Fields) -> LogSource:
    if fields.get("actiontype") == "InboundConnectionAccepted":
        # Then the remote end is where it came from.
        fill(fields, {"src_ip": "remoteip", "dst_ip": "localip", "dst_port": "localport", "host": "devicename"})
        fields.setdefault("action", "accept")
        return LogSource(None, "firewall", "devicenetworkevents")
    fill(fields, _NETWORK)
    return LogSource(_system(fields), "network_connection", "devicenetworkevents")


def _logon(fields: Fields) -> LogSource:
    fill(fields, {"user": ("accountupn", "accountname"), "src_ip": "remoteip", "host": "devicename"})
    acted = str(fields.get("actiontype", "")).lower()
    if acted in ("logonsuccess", "logonfailed"):
        fields.setdefault("outcome", SUCCESS if acted == "logonsuccess" else FAILURE)
    return LogSource(_system(fields), "authentication", "devicelogonevents")


def _system(fields: Fields) -> str:
    told = "folderpath", "initiatingprocessfolderpath"
    return "linux" if any("/" in str(fields.get(name, "")) for name in told) else "windows"


def _firewall(fields: Fields) -> LogSource:
    fill(fields, _FIREWALL)
    return LogSource(None, "firewall", "commonsecuritylog")


def _mail(fields: Fields) -> LogSource:
    fill(fields, {"user": "recipientemailaddress", "src_ip": ("senderipv4", "senderipv6")})
    threats = str(fields.get("threattypes", "")).lower()
    verdict = next((word for mark, word in _THREATS.items() if mark in threats), None)
    if verdict:
        fields.setdefault("verdict", verdict)
    fields.setdefault("action", str(fields.get("deliveryaction", "")).lower())
    return LogSource("m365", "email", "emailevents")


_THREATS: Final = {"phish": "phishing", "malware": "malicious", "spam": "spam"}


def _syslog(fields: Fields) -> LogSource:
    fill(fields, {"host": ("hostname", "computer")})
    return syslog.of_program(str(fields.get("processname", "")), str(fields.get("syslogmessage", "")), fields)


def _blob(fields: Fields) -> LogSource:
    fields.update({name: value for name, value in split_url(str(fields.get("uri", ""))).items() if name not in fields})
    return entra.stored(fields)


def _activity(fields: Fields) -> LogSource:
    fill(fields, {"user": "caller", "src_ip": "calleripaddress", "operationname": "operationnamevalue"})
    fill_from_path(fields, "_resourceid")
    return LogSource("azure", None, "activitylogs")


_TABLES: Final[dict[str, Callable[[Fields], LogSource]]] = {
    "signinlogs": entra.sign_in,
    "aadnoninteractiveusersigninlogs": entra.sign_in,
    "auditlogs": entra.audit,
    "securityevent": windows_event.complete,
    "event": windows_event.complete,
    "windowsevent": windows_event.complete,
    "awscloudtrail": _cloudtrail,
    "deviceprocessevents": _process,
    "devicenetworkevents": _network,
    "devicelogonevents": _logon,
    "commonsecuritylog": _firewall,
    "syslog": _syslog,
    "emailevents": _mail,
    "storagebloblogs": _blob,
    "azureactivity": _activity,
}

_HUNTING: Final = "advancedhunting-"
"""What Defender's streaming puts before the name of a table, in the category of a diagnostic log."""


def _is_streamed(fields: Fields) -> bool:
    return "properties.timestamp" in fields and str(fields.get("category", "")).lower().startswith(_HUNTING)


def _streamed(fields: Fields) -> LogSource:
    table = str(fields.pop("category")).lower().removeprefix(_HUNTING)
    for name in [name for name in fields if name.startswith("properties.")]:
        fields.setdefault(name.removeprefix("properties."), fields[name])
    complete = _TABLES.get(table)
    if complete:
        return complete(fields)
    fill(fields, {"user": ("accountupn", "accountname"), "host": "devicename", "src_ip": ("ipaddress", "remoteip")})
    return LogSource("m365", None, table)


STREAMED: Final = ObjectFormat("Defender table (streamed)", _is_streamed, _streamed, ("properties.timestamp", "time"))
FORMAT: Final = ObjectFormat(
    "Log Analytics table", _fits, _complete, ("timegenerated", "timegenerated [utc]", "timestamp")
)
