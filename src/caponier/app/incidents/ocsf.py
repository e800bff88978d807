"""What an incident and an alert have in common in OCSF 1.8.0: severity, product, and what was found."""

from datetime import datetime
from typing import Any, Final

from caponier import __version__
from caponier.errors import InputError
from caponier.matrix.attack import VERSION as ATTACK_VERSION
from caponier.matrix.technique import TechniqueRef
from caponier.matrix.versions.catalogue import load
from caponier.records.finding import Finding, Severity

VERSION: Final = "1.8.0"
SEVERITY_IDS: Final = {Severity.INFO: 1, Severity.LOW: 2, Severity.MEDIUM: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}
_ATLAS: Final = "atlas-5.6"
_RULE, _STATISTICAL, _OTHER = 1, 3, 99


def metadata(uid: str) -> dict[str, Any]:
    """Return the metadata of what has an id."""
    product = {"name": "Caponier", "vendor_name": "Caponier", "version": __version__}
    return {"version": VERSION, "uid": uid, "product": product}


def finding_info(finding: Finding) -> dict[str, Any]:
    """Return what OCSF holds of a finding; techniques of the 2020 matrix have no field there."""
    kind = _STATISTICAL if finding.evidence.basis else _RULE if finding.detector.startswith("sigma:") else _OTHER
    analytic: dict[str, Any] = {"uid": finding.detector, "name": finding.detector, "type_id": kind}
    if kind == _OTHER:
        analytic["type"] = "Content analysis"
    info = {
        "uid": finding.finding_id,
        "title": finding.summary,
        "analytic": analytic,
        "created_time": millis(finding.last_time),
        "first_seen_time": millis(finding.first_time),
        "last_seen_time": millis(finding.last_time),
        "related_events_count": len(finding.event_ids),
        "related_events": [{"uid": id_} for id_ in finding.event_ids],
    }
    attacks = [one for ref in finding.techniques if (one := attack(ref))]
    return info | ({"attacks": attacks} if attacks else {})


def attack(ref: TechniqueRef) -> dict[str, Any] | None:
    """Return what OCSF holds of a technique of ATLAS or ATT&CK; None of one of the 2020 matrix."""
    if ref.matrix == "amltm-2020":
        return None
    # `AML.T0024.002` and `T1078.004` are sub-techniques; the dot after AML is none.
    parent, dot, _ = ref.id.removeprefix("AML.").partition(".")
    parent = f"AML.{parent}" if ref.id.startswith("AML.") else parent
    version = load(_ATLAS).version.removeprefix("atlas-") if ref.matrix == "atlas" else ATTACK_VERSION
    told: dict[str, Any] = {"version": version, "technique": {"uid": parent}}
    told["sub_technique" if dot else "technique"] = {"uid": ref.id, "name": ref.name}
    if tactics := _tactics(ref):
        told["tactics"] = tactics
    return told


def _tactics(ref: TechniqueRef) -> list[dict[str, str]]:
    if ref.matrix != "atlas":
        return []
    atlas = load(_ATLAS)
    try:
        columns = [atlas.tactic(id_) for id_ in atlas.technique(ref.id).tactics]
    except InputError:
        # From a newer ATLAS than the one that is known here.
        return []
    return [{"uid": tactic.id, "name": tactic.name} for tactic in columns]


def millis(moment: datetime) -> int:
    """Return milliseconds since the epoch, as OCSF counts time."""
    return round(moment.timestamp() * 1000)
