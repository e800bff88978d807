"""Who did it, where and from where: three facts that every product's log names in its own way.

The lists are read from the left; the first field with a value counts. They are part of the documentation
(docs/how-to/logs.md), so that a user can see why an event was given to an account.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from caponier.telemetry.client_address import client_address
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.shapes import Present

ACCOUNT_FIELDS: Final = (
    *("account", "user", "username", "user.name", "user.username", "user_name"),
    *("useridentity.arn", "useridentity.username", "actor.user.name", "actor.user.uid"),
    *("protopayload.authenticationinfo.principalemail", "userprincipalname", "actor.alternateid"),
    *("subjectusername", "targetusername", "principal", "recipient"),
)
HOST_FIELDS: Final = (
    *("host", "hostname", "host.name", "host.hostname", "computer", "computername", "device.hostname"),
    *("dst_host", "dst_endpoint.hostname", "destination.hostname", "cs-host", "agent.hostname", "node"),
)
ADDRESS_FIELDS: Final = (
    *("src_ip", "sourceip", "sourceipaddress", "source.ip", "src_endpoint.ip", "c-ip", "client_ip", "clientip"),
    *("client.ip", "client.ipaddress", "remote_addr", "remote_ip", "ipaddress", "sourceips"),
    *("protopayload.requestmetadata.callerip",),
)
SIGN_ON: Final = "awsreservedsso_"
"""Beginning of the roles whose sessions AWS IAM Identity Center names after the person."""
LIMIT: Final = 256
"""Characters of a name that are kept; longer ones are somebody's payload."""
_CACHED: Final = 20_000
_ENDS: Final = "." + "".join(filter(str.isspace, map(chr, range(0x3001))))
"""A final dot and whatever counts as a blank, as `str.strip` has it: the ideographic space is the last one."""
_NO_VALUE: Final = ("", "-")


class EventIdentity(NamedTuple):
    """The three facts, normalised; None where the event has none."""

    account: str | None
    host: str | None
    address: str | None


def identity(fields: Fields) -> EventIdentity:
    """Tell who did what an event says, where and from where."""
    accounts, hosts, addresses = _PRESENT.of(fields)
    return EventIdentity(
        _kept(_first(fields, accounts), _ACCOUNT),
        _kept(_first(fields, hosts), _HOST),
        _kept(_first(fields, addresses), _ADDRESS),
    )


def address_of(fields: Fields) -> str | None:
    """Tell from where somebody did what an event says."""
    first = fields.get(ADDRESS_FIELDS[0])
    if type(first) is str and first not in _NO_VALUE:
        # Most readers fill it in, and then nothing else counts.
        return _kept(first, _ADDRESS)
    return _kept(_first(fields, _PRESENT.of(fields)[2]), _ADDRESS)


def account_name(text: str) -> str:
    r"""Reduce an account to its name, in lower case.

    `arn:aws:iam::1:user/ada` and `CORP\ada` are `ada`; a mail address stays whole, because the same name at another
    organisation is somebody else. Whoever assumes a role gives the session any name that he likes, so that alone is
    nobody's: `arn:aws:sts::1:assumed-role/trainer/ada` is `trainer/ada`, unless the single sign-on gave the name.
    """
    name = text.strip().lower()
    if name.startswith("arn:"):
        name = _of_arn(name)
    return name.rsplit("\\", 1)[-1].strip()


def _of_arn(arn: str) -> str:
    resource = arn.split(":", 5)[-1]
    kind, _, path = resource.partition("/")
    if kind == "assumed-role" and not path.startswith(SIGN_ON):
        return path
    return resource.rsplit("/", 1)[-1] if "/" in resource else resource.rsplit(":", 1)[-1]


def host_name(text: str) -> str:
    """Reduce a host to its name: lower case, without port and final dot."""
    name = text.strip().lower()
    if name.count(":") == 1:
        name = name.split(":")[0]
    return name.rstrip(_ENDS)


def _first(fields: Fields, names: tuple[str, ...]) -> str | None:
    get = fields.get
    for name in names:
        value = get(name)
        if value is not None and value not in _NO_VALUE:
            return str(value)
    return None


def _last_seen(text: str) -> str | None:
    """Return the last of several in one field, as in X-Forwarded-For: before it stands what the client claims."""
    return client_address([text])


_Normal = Callable[[str], str | None]


def _remembering(normal: _Normal) -> tuple[_Normal, _Normal]:
    """Return how to write a name in one way, once with a memory and once without."""

    def cut(text: str) -> str | None:
        found = normal(text)
        return found[:LIMIT] or None if found else None

    return lru_cache(_CACHED)(cut), cut


def _kept(text: str | None, normal: tuple[_Normal, _Normal]) -> str | None:
    # What somebody may write as long as he likes is not kept.
    return None if text is None else normal[len(text) > LIMIT](text)


_ACCOUNT: Final = _remembering(account_name)
_HOST: Final = _remembering(host_name)
_ADDRESS: Final = _remembering(_last_seen)
_PRESENT: Final = Present(ACCOUNT_FIELDS, HOST_FIELDS, ADDRESS_FIELDS)
