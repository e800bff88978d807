"""`[inside]` of the inventory: what belongs to the organisation, and what of it is nobody's attack."""

import ipaddress
from datetime import UTC, datetime, time
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _network(value: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(value, strict=False)
    except (TypeError, ValueError):
        raise ValueError("expected an address or a network, such as 10.0.0.1 or 10.0.0.0/24") from None


Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_network)]
Name = Annotated[str, Field(min_length=1)]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

PRIVATE: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    )
)
"""Addresses that nobody on the net has: RFC 1918, 6598, 3927, 4193 and 4291."""


class _Noun(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChangeWindow(_Noun):
    """When work on the systems is announced: once, from moment to moment, or on some days of each week."""

    start: datetime | None = None
    end: datetime | None = None
    days: tuple[Day, ...] = ()
    begin: time | None = None
    """Time of day, UTC."""
    until: time | None = None
    accounts: tuple[Name, ...] = ()
    """Whose work it is; everybody's, where none is named."""

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        once = self.start is not None and self.end is not None
        weekly = self.begin is not None and self.until is not None
        if once == weekly or (once and (self.days or self.begin or self.until)):
            raise ValueError("a change needs start and end, or begin and until with the days of the week")
        if self.start and self.end and (self.start.tzinfo is None or self.end.tzinfo is None):
            raise ValueError("start and end need a time zone, such as 2026-03-02T22:00:00Z")
        return self

    def holds(self, moment: datetime) -> bool:
        """Tell whether a moment, with its zone, is within it."""
        if self.start and self.end:
            return self.start <= moment <= self.end
        if self.begin is None or self.until is None:
            return False
        now = moment.astimezone(UTC)
        day, clock = now.weekday(), now.time()
        if self.begin <= self.until:
            return self._on(day) and self.begin <= clock <= self.until
        # Over midnight: what is after it belongs to the day before.
        return (self._on(day) and clock >= self.begin) or (self._on((day - 1) % 7) and clock <= self.until)

    def _on(self, day: int) -> bool:
        return not self.days or DAYS[day] in self.days


class InsideSettings(_Noun):
    """What counts as inside, and what work there is routine."""

    networks: tuple[Network, ...] = PRIVATE
    """Networks of the organisation; the private ranges, where none are named."""
    addresses: tuple[Network, ...] = ()
    """Public addresses of its own: VPN gateways, NAT, offices."""
    partners: tuple[Network, ...] = ()
    """Networks of others who work on the systems."""
    accounts: tuple[Name, ...] = ()
    """Accounts of machines, such as CI and deployment: what they do from inside is routine. Globs are allowed."""
    changes: tuple[ChangeWindow, ...] = ()
    """When work is announced: what is done then from inside is routine."""
