"""The sections `[[route]]` and `[[maintenance]]` of the workspace file."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from caponier.errors import InputError
from caponier.formats.strict_settings import checked
from caponier.records.finding import Finding, Severity
from caponier.records.inventory import Workspace

Name = Annotated[str, Field(min_length=1)]
SCHEMES: Final = {
    "webhook": ("https", "http"),
    "splunk": ("https", "http"),
    "elastic": ("https", "http"),
    "ocsf": ("file", "https", "http"),
    "syslog": ("syslog+tls", "syslog+tcp", "syslog"),
}
"""What the address of each kind of route begins with."""
_SHORTEST_SECRET: Final = 16


class AlertRoute(BaseModel):
    """Where findings go, and which."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    kind: Literal["webhook", "syslog", "ocsf", "splunk", "elastic"]
    to: Name
    """Address: of HTTP, `syslog://host:514` (also `syslog+tcp`, `syslog+tls`), or `file:alerts.jsonl` of OCSF."""
    severity: Severity = Severity.LOW
    """At least."""
    systems: tuple[Name, ...] = ()
    """Of these ML systems only; empty is all."""
    everything: bool = False
    """Also what is beyond the alert budget."""
    secret_file: Path | None = None
    """Holds the secret that signs a webhook, Splunk's token or Elastic's API key."""
    index: Name = "caponier-findings"
    """Of Elastic."""
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 60
    """Most alerts in a minute; others wait."""
    timeout: Annotated[float, Field(gt=0, le=120)] = 5.0
    """Seconds in which a receiver has to have taken an alert; else it is given up until the next attempt."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        parts = urlsplit(self.to)
        if parts.scheme not in SCHEMES[self.kind]:
            raise ValueError(f"a route of kind {self.kind} goes to {' or '.join(SCHEMES[self.kind])}")
        if parts.scheme != "file" and not parts.hostname:
            raise ValueError("an address without a host")
        if parts.port == 0 or not self.to.isprintable() or " " in self.to:
            raise ValueError("an address with port 0, a space or a character that cannot be printed")
        if not (parts.path + parts.query).isascii() and parts.scheme != "file":
            raise ValueError("an address with letters beyond ASCII; write them as %XX")
        if parts.username or parts.password:
            raise ValueError("a password in an address ends up in logs; put it into secret_file")
        if self.kind in ("splunk", "elastic") and self.secret_file is None:
            raise ValueError(f"a route of kind {self.kind} needs a secret_file")
        if self.secret_file is not None and parts.scheme == "http" and not _is_near(parts.hostname or ""):
            raise ValueError("a secret would cross the net in the clear; use https")
        return self

    def takes(self, finding: Finding) -> bool:
        """Tell whether a finding goes this way."""
        system = not self.systems or finding.system in self.systems
        return system and finding.severity.rank >= self.severity.rank and (self.everything or finding.notify)

    def secret(self, root: Path) -> str:
        """Read the secret; empty where there is none.

        Raises:
            InputError: If it cannot be read, or can be guessed.
        """
        if self.secret_file is None:
            return ""
        file = root / self.secret_file
        try:
            secret = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            hint = f"Write it there, for its owner alone: umask 077; openssl rand -hex 32 > {file.name}"
            raise InputError("the secret of a route cannot be read", where=str(file), hint=hint) from None
        if len(secret) < _SHORTEST_SECRET or not secret.isprintable():
            raise InputError(f"a secret of {len(secret)} characters can be guessed", where=str(file))
        if self.kind != "webhook" and not secret.isascii():
            raise InputError("a token with letters beyond ASCII cannot be sent", where=str(file))
        return secret


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class MaintenanceWindow(BaseModel):
    """Times at which nobody is told of findings; they are recorded all the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begins: datetime
    ends: datetime
    systems: tuple[Name, ...] = ()
    """Of these ML systems only; empty is all."""
    reason: Name

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.begins.tzinfo is None or self.ends.tzinfo is None:
            raise ValueError("a time without a zone; write 2026-12-01T22:00:00Z")
        if self.begins >= self.ends:
            raise ValueError("begins must be before ends")
        return self

    def silences(self, finding: Finding) -> bool:
        """Tell whether a finding was made within it."""
        of_it = not self.systems or finding.system in self.systems
        return of_it and self.begins <= finding.last_time.astimezone(UTC) < self.ends


_Section = TypeVar("_Section", AlertRoute, MaintenanceWindow)


def routes_of(workspace: Workspace) -> tuple[AlertRoute, ...]:
    """Read the sections `[[route]]`.

    Raises:
        InputError: If one has a key that is not known, a value that cannot be meant, or the name of another.
    """
    routes = tuple(_read(AlertRoute, workspace.routes, f"{workspace.file}: route"))
    names = [route.name for route in routes]
    for name in names:
        if names.count(name) > 1 or not name.replace("-", "").replace("_", "").isalnum():
            raise InputError(
                "a route needs a name of its own, of letters, digits, - and _",
                where=f"{workspace.file}: route {name!r}",
            )
    return routes


def windows_of(workspace: Workspace) -> tuple[MaintenanceWindow, ...]:
    """Read the sections `[[maintenance]]`.

    Raises:
        InputError: If one has a key that is not known, or a value that cannot be meant.
    """
    return tuple(_read(MaintenanceWindow, workspace.maintenance, f"{workspace.file}: maintenance"))


def _read(kind: type[_Section], tables: Sequence[dict[str, Any]], where: str) -> list[_Section]:
    return [checked(kind, table, f"{where} {place}") for place, table in enumerate(tables, 1)]
