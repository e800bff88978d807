"""Which data a detector has to be given, in words, read from the detectors and rules themselves."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from caponier.app.coverage.detectors import DetectorCard, DetectorKind
from caponier.app.inference.load import enrichments_of
from caponier.detect.detector import Signal
from caponier.detect.sigma.rule_files import RuleDocument, own_rules

_SIGNALS: Final = {
    Signal.PRINCIPAL: "who asked",
    Signal.INPUT: "the input",
    Signal.LABEL: "the label answered",
    Signal.SCORES: "the scores answered",
    Signal.BASELINE: "a baseline of benign traffic",
    Signal.TRAINING_SET: "a sketch of the training set",
}
_LOGS: Final = {
    "aws/cloudtrail": "AWS CloudTrail",
    "kubernetes/audit": "the audit log of Kubernetes",
    "authentication": "the log of logins",
    "email": "the log of the mail gateway",
    "webserver": "access logs of web servers and proxies",
    "firewall": "the log of the firewall",
    "file_event": "file events of hosts",
    "process_creation": "process creations on hosts",
    "gcp/gcp.audit": "the audit log of Google Cloud",
    "azure/activitylogs": "the activity log of Azure",
    "azure/auditlogs": "the audit log of Microsoft Entra",
    "azure/storagebloblogs": "the log of Azure's blob storage",
    "azure/auditevent": "the audit log of Azure's key vaults",
    "databricks/audit": "the audit log of Databricks",
    "vault/audit": "the audit log of HashiCorp Vault",
    "gitlab/audit": "the audit log of GitLab",
    "okta/okta": "the system log of Okta",
    "github/audit": "the audit log of GitHub",
    "alarm": "the alarms of a sensor",
    "docker/events": "the events of Docker",
    "linux": "any log of Linux hosts",
    "management": "any audit log of a cloud, a cluster or a service",
    "process_access": "process accesses on hosts",
    "windows/ps_script": "the scripts that PowerShell logs, block by block",
    "registry_set": "changes of the registry on Windows hosts",
    "database": "the log of a database server",
    "osquery/results": "the results of osquery",
    "snowflake/query_history": "the query history of Snowflake",
    "windows/security": "the security log of Windows hosts",
    "windows/system": "the system log of Windows hosts",
}
_PREFIX: Final = "sigma:"
_ANY: Final = ("event_count", "value_count")
"""Correlations that count events of any of their rules; the others ask for each."""


def needs(card: DetectorCard) -> tuple[str, ...]:
    """Return which data a detector needs, all of them: `inference events (who asked, the input)`."""
    if detector := card.over_events:
        told = [words for signal, words in _SIGNALS.items() if signal in detector.needs]
        told += ["what caponier enrich adds"] * bool(enrichments_of(detector))
        return (f"inference events ({', '.join(told)})",)
    if card.kind is DetectorKind.DATASET:
        return ("the training data with their labels",)
    if card.kind is DetectorKind.MODEL:
        return ("the model files, of networks", "up to 100 clean samples")
    if card.kind is DetectorKind.ARTIFACT:
        return ("the model files",)
    return tuple(dict.fromkeys(_logs(card.name.removeprefix(_PREFIX))))


def _logs(name: str) -> Iterator[str]:
    content = _rules()[name]
    source = content.get("logsource")
    if source:
        key = "/".join(str(source[part]) for part in ("product", "category", "service") if part in source)
        yield _LOGS.get(key, key)
    correlation = content.get("correlation", {})
    parts = dict.fromkeys(log for part in correlation.get("rules", ()) for log in _logs(str(part)))
    if correlation.get("type") in _ANY and len(parts) > 1:
        # What is counted may come from any of the logs.
        *first, last = parts
        yield f"{', '.join(first)} or {last}"
    else:
        yield from parts


@cache
def _rules() -> dict[str, dict[str, Any]]:
    documents = [one for one in own_rules() if isinstance(one, RuleDocument)]
    return {str(one.content.get("name") or one.stem): one.content for one in documents}
