"""Logs of repositories of artefacts: JFrog Artifactory's requests and what it let people do.

`artifactory-request.log` and `artifactory-access.log` as in JFrog's "Log Types"; requests with bars between their
columns are told by the order that Artifactory and its kin share: a time, a trace, an address, a user, a method, a path
and a status.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.native.access_log import WEB
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, Parsed, Stateless, made, split_url, whole
from caponier.telemetry.security_logs.sources import MANAGEMENT, LogSource

_REQUEST: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT[^\s|]{8,24})\|[^|]{0,128}\|([0-9A-Fa-f.:]{2,64})\|(.{0,256}?)\|"
    r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\|([^|]{1,8192})\|(\d{3})\|(?:-?[\d.]*\|){0,3}+(.*)"
)
_ACCESS: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\S{8,24}) (?:\[[^\]]{0,64}\] ){0,2}\[(ACCEPTED|DENIED) ([A-Z][A-Z ]{0,40})\] (.{0,2048}?) ?"
    r"for client ?: (.{1,256}?) ?/ ?([0-9A-Fa-f.:]{2,64})(?: \[[^\]]{0,64}\])?\.?"
)
_LOGIN: Final = "LOGIN"
_DOCKER: Final = re.compile(r"/api/docker/([^/]{1,128})(/v2/.*)", re.DOTALL)


def _requests(text: str) -> Parsed:
    found = _REQUEST.fullmatch(text)
    if found is None:
        return None
    stamp, address, user, method, path, status, agent = found.groups()
    parts = split_url(path)
    if image := _DOCKER.fullmatch(path):
        # Below its own interface it is a registry like any other.
        parts = {**parts, **split_url(image[2]), "store": image[1]}
    said = {"user": user, "c-ip": address, "cs-method": method, "cs-user-agent": agent}
    fields = made({**parts, **said, "sc-status": whole(status)})
    return fields, LogSource("artifactory", WEB.category, "access"), stamps.iso(stamp)


def _accesses(text: str) -> Parsed:
    found = _ACCESS.fullmatch(text)
    if found is None:
        return None
    stamp, answer, action, target, user, address = found.groups()
    store, _, path = target.partition(":")
    fields = made({"user": user, "src_ip": address, "action": action.lower().replace(" ", "_"), "object": path})
    fields.update(made({"repository": store, "bucket": store if path else None}))
    fields["outcome"] = SUCCESS if answer == "ACCEPTED" else FAILURE
    category = "authentication" if action == _LOGIN else MANAGEMENT
    return fields, LogSource("artifactory", category, "audit"), stamps.iso(stamp)


def readers() -> tuple[Stateless, ...]:
    """Return the readers."""
    return Stateless("Artifactory requests", _requests), Stateless("Artifactory accesses", _accesses)
