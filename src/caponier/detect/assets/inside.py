"""Whether an event comes from inside or outside, and whether it is routine: facts that rules ask for by name.

So no rule has to hold the addresses of anybody's network, and none has to be copied to change them.
"""

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache
from ipaddress import ip_address
from typing import Final, Literal

from caponier.records.inside import PRIVATE, ChangeWindow, InsideSettings
from caponier.telemetry.security_logs.events import LogEvent, moment
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import account_name, address_of, identity

Origin = Literal["inside", "outside"]
_CACHED: Final = 50_000
_LOCAL: Final = frozenset(["localhost", "aws internal", "private", "unix:", "::1"])
_OF_CLOUD: Final = ".amazonaws.com"
DEFAULT: Final = InsideSettings()


class Inside:
    """Tells where events come from.

    Args:
        settings: `[inside]` of the inventory.
    """

    def __init__(self, settings: InsideSettings = DEFAULT) -> None:
        self._settings = settings
        self._names_more = settings != DEFAULT
        networks = settings.networks
        if not any(
            network.overlaps(known) for network in networks for known in PRIVATE if network.version == known.version
        ):
            # Whoever names public networks alone has said nothing of the private ones.
            networks = (*networks, *PRIVATE)
        self._networks = (*networks, *settings.addresses, *settings.partners)
        self._robots = _globs(settings.accounts)
        self._changes = [(change, _globs(change.accounts)) for change in settings.changes]
        self._origin_of = lru_cache(_CACHED)(self._look_up)
        self._part_of = lru_cache(_CACHED)(self._look_up_part)

    def origin(self, fields: Fields) -> Origin | None:
        """Tell whether an event comes from inside; None where it has no address.

        What came by an endpoint within a private network did, and so does what a cloud's own service does for somebody.
        Of `0.0.0.0`, which products write where they know no address, nobody can tell.
        """
        return self._origin(address_of(fields), fields)

    def _origin(self, address: str | None, fields: Fields) -> Origin | None:
        # Only the cloud itself writes these fields together.
        if "vpcendpointid" in fields and "sourceipaddress" in fields:
            return "inside"
        if address is None:
            return None
        # Only the cloud itself writes this field; elsewhere whoever calls may choose a name for his address.
        if address.endswith(_OF_CLOUD) and str(fields.get("sourceipaddress", "")).lower() == address:
            return "inside"
        return self._origin_of(address)

    def plain(self) -> "Inside | None":
        """Return the same without anything that is routine; None where nothing is, anyway."""
        if not self._robots and not self._changes:
            return None
        return Inside(self._settings.model_copy(update={"accounts": (), "changes": ()}))

    def abroad(self, fields: Fields, address: str) -> bool:
        """Tell whether an event comes from outside, or would if nobody had named the estate's own addresses.

        What is learned of places must not hang on what was named as inside: whoever names more knows no less.
        """
        if self._origin(address, fields) == "outside":
            return True
        return self._names_more and _BARE._origin(address, fields) == "outside"

    def routine(self, event: LogEvent) -> bool:
        """Tell whether an event is a machine's usual work or an announced change; nothing from outside is.

        The name in the access log of a web server is what the caller sent, whether or not anybody asked for it: nginx
        logs it beside an answer of 200 where nothing checks it. So nobody has a part in anything by such a name.
        """
        if not self._robots and not self._changes:
            return False
        claimed = event.origin.category == "webserver" and event.origin.product is None
        robot, changes = self._part_of(None if claimed else identity(event.fields).account)
        # Most events are of nobody named: of these nothing else is asked.
        if not robot and not (changes and any(change.holds(moment(event.time)) for change in changes)):
            return False
        return self.origin(event.fields) != "outside"

    def robot(self, account: str) -> bool:
        """Tell whether an account is named as one of a machine; from where it acts, others have to judge."""
        return _named(account, self._robots)

    def announced(self, account: str, time: int) -> bool:
        """Tell whether a change was announced in which an account by its name has a part, at a moment (microseconds).

        A change that names nobody says nothing of somebody outside.
        """
        now = moment(time)
        return any(_named(account, accounts) and change.holds(now) for change, accounts in self._changes)

    def _look_up(self, address: str) -> Origin | None:
        try:
            known = ip_address(address)
        except ValueError:
            return "inside" if address in _LOCAL else "outside"
        if known.is_unspecified:
            return None
        # Whatever is named, nobody comes from elsewhere by way of the machine itself.
        return "inside" if known.is_loopback or any(known in network for network in self._networks) else "outside"

    def _look_up_part(self, account: str | None) -> tuple[bool, tuple[ChangeWindow, ...]]:
        """Tell whether an account is a machine's, and the changes in which it may have a part."""
        changes = (one for one, accounts in self._changes if not one.accounts or _named(account, accounts))
        return _named(account, self._robots), tuple(changes)


def _globs(names: Sequence[str]) -> list[re.Pattern[str]]:
    return [re.compile(translate(form)) for name in names for form in {name.strip().lower(), account_name(name)}]


def _named(account: str | None, patterns: Sequence[re.Pattern[str]]) -> bool:
    # Of `role/session` the role is what the organisation gave; the session's name anybody may choose.
    forms = (account, account.split("/", 1)[0]) if account else ()
    return any(pattern.match(form) for form in forms for pattern in patterns)


_BARE: Final = Inside()
