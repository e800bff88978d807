"""Context: what a rule matched on no ML asset. Silent, until its account, host or address touches one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from caponier.matrix.technique import TechniqueRef
from caponier.records.finding import rfc3339


@dataclass(frozen=True, slots=True)
class ContextEvent:
    """One match outside the inventory: never a finding by itself."""

    time: datetime
    rule: str
    """Name of the detector, such as `sigma:console_login_outside`."""
    techniques: tuple[TechniqueRef, ...]
    account: str | None
    """Normalised as `caponier.telemetry.security_logs.identity` does it, as in findings over logs."""
    host: str | None
    address: str | None
    event_id: str
    summary: str
    level: str = "medium"
    """Of the rule: informational, low, medium, high or critical."""
    event_ids: tuple[str, ...] = ()
    """Of all events that it stands for, where there are several; `event_id` is the first of them."""
    last_time: datetime | None = None
    """Of the last of them, where there are several."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "time": rfc3339(self.time),
            "rule": self.rule,
            "techniques": [technique.to_dict() for technique in self.techniques],
            "account": self.account,
            "host": self.host,
            "address": self.address,
            "event_id": self.event_id,
            "summary": self.summary,
            "level": self.level,
            "event_ids": list(self.event_ids),
            "last_time": rfc3339(self.last_time) if self.last_time else None,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back: `ContextEvent.from_dict(event.to_dict()) == event`.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            time=datetime.fromisoformat(plain["time"]),
            rule=plain["rule"],
            techniques=tuple(TechniqueRef.from_dict(technique) for technique in plain["techniques"]),
            account=plain["account"],
            host=plain["host"],
            address=plain["address"],
            event_id=plain["event_id"],
            summary=plain["summary"],
            level=plain["level"],
            event_ids=tuple(plain.get("event_ids", ())),
            last_time=datetime.fromisoformat(plain["last_time"]) if plain.get("last_time") else None,
        )
