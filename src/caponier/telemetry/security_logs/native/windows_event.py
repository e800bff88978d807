"""Windows events as JSON.

The XML schema of the event log as evtx_dump writes it (`Event` with `#attributes`, as in SigmaHQ's regression data) and
as other converters do (`@`-attributes), Winlogbeat and Elastic Agent (`winlog.*`), flat records of NXLog and of the
Security Datasets project, and the tables of Log Analytics. Channels and numbers are those of Sysmon's schema and of
Microsoft's "Appendix L: Events to monitor".
"""

from typing import Any, Final

from caponier.telemetry.framing.event_message import spoken
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, FieldMap, ObjectFormat, fill, whole
from caponier.telemetry.security_logs.sources import LogSource

_SYSMON: Final = {
    1: "process_creation",
    2: "file_change",
    3: "network_connection",
    4: "sysmon_status",
    5: "process_termination",
    6: "driver_load",
    7: "image_load",
    8: "create_remote_thread",
    9: "raw_access_thread",
    10: "process_access",
    11: "file_event",
    12: "registry_event",
    13: "registry_set",
    14: "registry_rename",
    15: "create_stream_hash",
    16: "sysmon_status",
    17: "pipe_created",
    18: "pipe_created",
    19: "wmi_event",
    20: "wmi_event",
    21: "wmi_event",
    22: "dns_query",
    23: "file_delete",
    24: "clipboard_capture",
    25: "process_tampering",
    26: "file_delete",
    27: "file_block_executable",
    28: "file_block_shredding",
    29: "file_executable_detected",
    255: "sysmon_error",
}
_SECURITY: Final = {4688: "process_creation", 4624: "authentication", 4625: "authentication", 4648: "authentication"}
_POWERSHELL: Final = {4103: "ps_module", 4104: "ps_script"}
_CLASSIC: Final = {400: "ps_classic_start", 600: "ps_classic_provider_start"}
_SERVICES: Final = {
    "microsoft-windows-sysmon/operational": "sysmon",
    "microsoft-windows-powershell/operational": "powershell",
    "powershellcore/operational": "powershell",
    "windows powershell": "powershell-classic",
    "microsoft-windows-windows defender/operational": "windefend",
    "microsoft-windows-taskscheduler/operational": "taskscheduler",
    "microsoft-windows-wmi-activity/operational": "wmi",
    "microsoft-windows-bits-client/operational": "bits-client",
    "microsoft-windows-codeintegrity/operational": "codeintegrity-operational",
    "microsoft-windows-appxdeploymentserver/operational": "appxdeployment-server",
    "microsoft-windows-appxpackaging/operational": "appxpackaging-om",
    "microsoft-windows-appmodel-runtime/admin": "appmodel-runtime",
    "microsoft-windows-applocker/exe and dll": "applocker",
    "microsoft-windows-applocker/msi and script": "applocker",
    "microsoft-windows-windows firewall with advanced security/firewall": "firewall-as",
    "microsoft-windows-dns-client/operational": "dns-client",
    "dns server": "dns-server",
    "microsoft-windows-dns-server/analytical": "dns-server-analytic",
    "microsoft-windows-ntlm/operational": "ntlm",
    "microsoft-windows-security-mitigations/kernel mode": "security-mitigations",
    "microsoft-windows-security-mitigations/user mode": "security-mitigations",
    "microsoft-windows-printservice/admin": "printservice-admin",
    "microsoft-windows-printservice/operational": "printservice-operational",
    "microsoft-windows-smbclient/security": "smbclient-security",
    "microsoft-windows-smbclient/connectivity": "smbclient-connectivity",
    "microsoft-windows-smbserver/connectivity": "smbserver-connectivity",
    "microsoft-windows-shell-core/operational": "shell-core",
    "microsoft-windows-terminalservices-localsessionmanager/operational": "terminalservices-localsessionmanager",
    "microsoft-windows-ldap-client/debug": "ldap",
    "microsoft-windows-lsa/operational": "lsa-server",
    "microsoft-windows-driverframeworks-usermode/operational": "driver-framework",
    "microsoft-windows-diagnosis-scripted/operational": "diagnosis-scripted",
    "microsoft-windows-capi2/operational": "capi2",
    "microsoft-windows-certificateservicesclient-lifecycle-system/operational": (
        "certificateservicesclient-lifecycle-system"
    ),
    "microsoft-iis-configuration/operational": "iis-configuration",
    "msexchange management": "msexchange-management",
    "openssh/operational": "openssh",
}
"""Channel to the service that Sigma's rules name; of others the channel itself."""

_PROCESS: Final = {"image": "newprocessname", "parentimage": "parentprocessname", "user": "subjectusername"}
_LOGIN: Final = {"user": "targetusername", "src_ip": "ipaddress", "src_host": "workstationname"}
_CONNECTION: Final[FieldMap] = {
    "src_ip": "sourceip", "dst_ip": "destinationip", "dst_port": "destinationport", "dst_host": "destinationhostname",
}  # fmt: skip
_SYSTEM: Final = ("EventID", "Channel", "Computer", "Level", "Task", "Opcode", "Keywords", "Version", "EventRecordID")


def from_document(row: dict[str, Any]) -> dict[str, Any] | None:
    """Return the flat record within a nested one; None if there is none."""
    event = row.get("Event")
    if isinstance(event, dict) and isinstance(event.get("System"), dict):
        return _of_xml(event)
    beat = row.get("winlog")
    return _of_beat(row, beat) if isinstance(beat, dict) else None


def _of_xml(event: dict[str, Any]) -> dict[str, Any]:
    system = event["System"]
    flat: dict[str, Any] = {name: _text(system[name]) for name in _SYSTEM if name in system}
    flat["Provider_Name"] = _attribute(system.get("Provider"), "Name")
    flat["TimeCreated"] = _attribute(system.get("TimeCreated"), "SystemTime")
    flat["UserID"] = _attribute(system.get("Security"), "UserID")
    # A trace has no channel, and its provider says as much.
    flat["Channel"] = flat.get("Channel") or flat["Provider_Name"]
    for part in ("EventData", "UserData"):
        for name, value in _data(event.get(part)):
            flat.setdefault(name, value)
    return {name: value for name, value in flat.items() if value is not None}


def _of_beat(row: dict[str, Any], beat: dict[str, Any]) -> dict[str, Any]:
    code = row.get("event", {}).get("code") if isinstance(row.get("event"), dict) else None
    host = row.get("host", {}).get("name") if isinstance(row.get("host"), dict) else None
    flat: dict[str, Any] = {
        "EventID": beat.get("event_id", code),
        "Channel": beat.get("channel"),
        "Computer": beat.get("computer_name", host),
        "Provider_Name": beat.get("provider_name"),
        "TimeCreated": row.get("@timestamp"),
        "EventRecordID": beat.get("record_id"),
    }
    for part in ("event_data", "user_data"):
        for name, value in _data(beat.get(part)):
            flat.setdefault(name, value)
    return {name: value for name, value in flat.items() if value is not None}


def _attribute(node: Any, name: str) -> Any:
    if not isinstance(node, dict):
        return node if name == "Name" else None
    inner = node.get("#attributes", node.get("@attributes", node))
    return inner.get(name, inner.get(f"@{name}")) if isinstance(inner, dict) else None


def _text(node: Any) -> Any:
    return node.get("#text", node.get("Value", node.get("$"))) if isinstance(node, dict) else node


def _data(node: Any) -> list[tuple[str, Any]]:
    """Return names and values of EventData or UserData, in whatever way the converter wrote them."""
    if not isinstance(node, dict):
        return []
    found: list[tuple[str, Any]] = []
    for name, value in node.items():
        if name.startswith(("#", "@")) or name == "xmlns":
            continue
        if name == "Data" and isinstance(value, list):
            found += [_named(item, place) for place, item in enumerate(value)]
        elif isinstance(value, dict) and "#text" not in value:
            found += _data(value)
        else:
            # Defender writes `Threat Name`, and rules say `ThreatName`.
            found.append((name.replace(" ", ""), _text(value)))
    return found


def _named(item: Any, place: int) -> tuple[str, Any]:
    name = _attribute(item, "Name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name:
        name = "Data" if place == 0 else f"Data{place}"
    return name.replace(" ", ""), _text(item)


def _fits(fields: Fields) -> bool:
    return "eventid" in fields and "channel" in fields


def complete(fields: Fields) -> LogSource:
    """Fill in what rules ask of a Windows event."""
    number, channel = whole(fields.get("eventid")), str(fields.get("channel", "")).lower()
    fill(fields, {"host": ("computer", "hostname")})
    if channel.startswith("microsoft-windows-sysmon"):
        return _sysmon(number, fields)
    if channel.startswith("linux-sysmon"):
        # Sysmon for Linux writes events of the same numbers and names to syslog.
        return _sysmon(number, fields)._replace(product="linux")
    if channel == "security" or (not channel and "activity" in fields):
        return _security(number, fields)
    service = _SERVICES.get(channel, channel)
    if service == "powershell":
        # Who ran a script stands beside the event alone, as NXLog writes it.
        fill(fields, {"user": "accountname"})
    category = (
        _POWERSHELL.get(number or 0) if service == "powershell"
        else _CLASSIC.get(number or 0) if service == "powershell-classic"
        else None
    )  # fmt: skip
    return LogSource("windows", category, service or None)


def _sysmon(number: int | None, fields: Fields) -> LogSource:
    category = _SYSMON.get(number or 0)
    if number == 12:
        event = str(fields.get("eventtype", "")).lower()
        category = "registry_add" if event.startswith("create") else "registry_delete" if event else category
    if category == "network_connection":
        fill(fields, _CONNECTION)
    return LogSource("windows", category, "sysmon")


def _security(number: int | None, fields: Fields) -> LogSource:
    category = _SECURITY.get(number or 0)
    if category == "process_creation":
        fill(fields, _PROCESS)
    elif category == "authentication":
        fill(fields, _LOGIN)
        fields.setdefault("outcome", FAILURE if number == 4625 else SUCCESS)
    return LogSource("windows", category, "security")


FORMAT: Final = ObjectFormat(
    "Windows event log", _fits, complete, ("timecreated", "@timestamp", "eventtime", "utctime", "timegenerated")
)


def _is_queried(fields: Fields) -> bool:
    return fields.keys() >= {"id", "providername", "logname", "machinename"}


def _queried(fields: Fields) -> LogSource:
    fill(fields, {"channel": "logname", "computer": "machinename", "eventid": "id", "provider_name": "providername"})
    fields["eventid"] = whole(fields["eventid"]) or fields["eventid"]
    for name, value in spoken(str(fields.get("message", ""))):
        fields.setdefault(name, value)
    return complete(fields)


QUERIED: Final = ObjectFormat("Windows event log (Get-WinEvent)", _is_queried, _queried, ("timecreated",))
"""Objects of PowerShell's `Get-WinEvent`, as `Export-Csv` and `ConvertTo-Json` write them: what the event says stands
in its message alone."""
