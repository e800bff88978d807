"""The section `[respond]` of the workspace file."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from caponier.formats.strict_settings import checked
from caponier.records.inside import Name, Network


class RespondSettings(BaseModel):
    """How findings are joined, which playbooks answer them, and who may approve."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    playbooks: tuple[Path, ...] = ()
    """Files of the user's own, beside the one that ships; later ones win."""
    shipped_playbook: bool = True
    approvers: tuple[Name, ...] = ()
    """Who may approve; empty is anybody but the author."""
    alpha: Annotated[float, Field(gt=0, le=1)] = 0.001
    """Share of benign callers whom responses may bind by themselves: a finding that more of them come as high as is
    listed, and answered by people. What a cold start finds has no share, and goes by its confidence alone."""
    limit: Annotated[float, Field(ge=0, le=1)] = 0.01
    """Share of the last hour's callers whom responses may bind in an hour by themselves; what exceeds it waits for an
    approver."""
    limit_least: Annotated[int, Field(ge=0)] = 10
    """As many callers as may always be."""
    gap_days: Annotated[float, Field(gt=0, le=366)] = 7.0
    """Silence after which the same actor begins another incident."""
    foothold_days: Annotated[float, Field(gt=0, le=366)] = 45.0
    """Silence after which an actor begins another incident all the same, where he had left a foothold behind."""
    shared_addresses: tuple[Network, ...] = ()
    """Addresses behind which many people are, such as an office or a load balancer: they identify nobody."""

    context_hours: Annotated[float, Field(gt=0, le=24 * 366)] | None = None
    """Hours around the findings of an incident within which context of its account or host belongs to it; the gap, if
    not given. What came from the attacker's own address does within the gap."""

    @property
    def gap(self) -> timedelta:
        """The silence that separates two incidents."""
        return timedelta(days=self.gap_days)

    @property
    def foothold(self) -> timedelta:
        """The silence that separates two incidents of an actor who left something behind; never less than the gap."""
        return max(self.gap, timedelta(days=self.foothold_days))

    def shared(self, address: str) -> bool:
        """Tell whether many people are behind an address."""
        try:
            known = ipaddress.ip_address(address)
        except ValueError:
            return False
        known = getattr(known, "ipv4_mapped", None) or known
        return any(known in network for network in self.shared_addresses)


DEFAULT: Final = RespondSettings()


def read_settings(table: dict[str, Any], where: str) -> RespondSettings:
    """Check the table `[respond]` of the workspace file, which `where` names in messages; see `checked`."""
    return checked(RespondSettings, table, f"{where}: respond")
