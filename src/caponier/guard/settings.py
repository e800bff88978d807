"""The section `[guard]` of the workspace file."""

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from caponier.formats.strict_settings import checked
from caponier.guard.servers import Server
from caponier.telemetry.body_limits import LIMITS, BodyLimits

Name = Annotated[str, Field(min_length=1)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LOOPBACK: Final = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def _some(proxy: str) -> str:
    """Refuse a proxy that is everybody: callers would choose their address then, and so who is blocked for it."""
    if proxy == "*" or proxy.endswith("/0"):
        raise ValueError(f"{proxy!r} trusts everybody, so that callers could claim any address; name your proxies")
    return proxy


def _fixed(header: str) -> str:
    """Refuse a header to which a caller may add what he likes: he would be somebody else with every query."""
    if header.strip().lower() == "cookie":
        raise ValueError("any cookie that a caller adds would make him another one; have a proxy write a header of it")
    return header


def _network(name: str) -> Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:
        return None


class GuardSettings(BaseModel):
    """Where the guard stands, and what it does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upstream: Name | None = None
    """Address of the model server."""
    mode: Literal["observe", "enforce"] = "observe"
    fail: Literal["open", "closed"] = "open"
    """Whether a request passes or is refused when the guard cannot decide about it."""
    closed_systems: tuple[Name, ...] = ()
    """ML systems whose requests are refused then, whatever `fail` says."""
    judge_within: Annotated[float, Field(ge=0, le=10)] = 0
    """Seconds for which an answer waits in enforce mode until detection has looked at it; needs the spool."""
    judge_doubted: Annotated[float, Field(ge=0, le=10)] = 1.0
    """The same for answers to callers of whom something was found, or who ask faster than detection looks; 0: they do
    not wait."""
    lag_limit: Annotated[float, Field(gt=0, le=3_600)] = 5.0
    """Seconds that detection may be behind before that is a failure."""
    host: Name = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8100
    body_limit_mb: Annotated[float, Field(gt=0, le=1_024)] = 64
    bodies_limit_mb: Annotated[float, Field(gt=0, le=1_048_576)] = 512
    """Of large requests that are under way at once; at least twice `body_limit_mb`."""
    expanded_limit_mb: Annotated[float, Field(gt=0, le=1_024)] = LIMITS.expanded / 2**20
    """Of a compressed body once it is unpacked; beyond this and the next two a body passes unread."""
    rows_limit: Annotated[int, Field(gt=0, le=1_000_000)] = LIMITS.rows
    """Examples in one request."""
    numbers_limit: Annotated[int, Field(gt=0, le=1_000_000_000)] = LIMITS.numbers
    """Numbers, texts and lists in one body."""
    timeout: Annotated[float, Field(gt=0, le=3_600)] = 30
    """Seconds of silence after which the model server is given up."""
    body_timeout: Annotated[float, Field(gt=0, le=3_600)] = 60
    """Seconds in which the body of a request has to be there."""
    header_timeout: Annotated[float, Field(gt=0, le=3_600)] = 10
    """Seconds in which the head of a request has to be there."""
    connections: Annotated[int, Field(ge=1, le=1_000_000)] = 4_000
    """Most connections of callers at once."""
    connections_per_address: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """Of them from one address that is no trusted proxy."""
    credentials: tuple[Annotated[Name, AfterValidator(_fixed)], ...] = ("authorization", "x-api-key")
    """Headers in which callers show who they are; two credentials that differ name nobody."""
    session: Name = "x-on-behalf-of"
    """Header that names whom a caller acts for; without credentials it counts only where it is said."""
    token_keys: Path | None = None
    """A JSON Web Key Set: callers with a token that verifies are told by its subject, whichever token it is."""
    token_claim: Name = "sub"  # noqa: S105 - no password
    """Claim of a token that names the caller."""
    certificate: Name | None = None
    """Header in which a trusted proxy tells whose client certificate it has seen."""
    server: Server | None = None
    """What the model server is; asked at the start, if it is not said."""
    passed_paths: tuple[Name, ...] = ()
    """Paths that pass in enforce mode, though it is not known what they ask for."""
    model: Name | None = None
    """What is asked where the path names no model, as with MLflow; the inventory's only one by default."""
    trusted_proxies: tuple[Annotated[Name, AfterValidator(_some)], ...] = ()
    """Addresses or networks whose `X-Forwarded-For` is believed."""
    spool: Literal[False] | Path = Path(".caponier/spool")
    """Folder in which each exchange is before the last byte of its answer leaves; false: in memory alone."""
    spool_limit_mb: Annotated[float, Field(ge=64, le=1_048_576)] = 4_096
    """Of exchanges that wait there."""
    warm_events: Annotated[int, Field(ge=0, le=1_000_000)] = 20_000
    """Newest events of the lake that are looked at again at the start, so that detection knows the callers."""
    metrics_from: tuple[Network, ...] = LOOPBACK
    """Who may read the metrics: they tell who is refused."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.certificate and not self.trusted_proxies:
            raise ValueError("certificate needs trusted_proxies, or callers could claim any certificate")
        return self

    @property
    def session_alone(self) -> bool:
        """Whether the session counts also of callers who prove nothing: only where somebody has said so.

        Anybody could write another one with every query.
        """
        return "session" in self.model_fields_set

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The trusted proxies as networks; a name is none."""
        return tuple(network for name in self.trusted_proxies if (network := _network(name)) is not None)

    @property
    def body_limit(self) -> int:
        """Most bytes of a request."""
        return int(self.body_limit_mb * 2**20)

    @property
    def bodies_limit(self) -> int:
        """Most bytes of large requests that are under way at once."""
        return int(self.bodies_limit_mb * 2**20)

    @property
    def spool_limit(self) -> int:
        """Most bytes that wait in the spool."""
        return int(self.spool_limit_mb * 2**20)

    @property
    def limits(self) -> BodyLimits:
        """What reading a body may cost."""
        return BodyLimits(int(self.expanded_limit_mb * 2**20), self.rows_limit, self.numbers_limit)


def read_settings(table: dict[str, Any], where: str) -> GuardSettings:
    """Check the table `[guard]` of the workspace file, which `where` names in messages; see `checked`."""
    return checked(GuardSettings, table, f"{where}: guard")
