"""The estate's own past: on which days an account worked, from where, and which rules it set off.

What an account did on several other days, from where it always works, is its work and no first time. Days count, not
events: a thief who reads for a night leaves one day, however much he takes. Whoever has been at it for less than two
weeks is never usual, so a first scan of a short log leaves nothing out, and an intruder would have to be at work for
two weeks before the first log that is scanned, or be found for two weeks without anybody minding.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from operator import itemgetter
from typing import Final, NamedTuple

from caponier.detect.assets.inside import Inside
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import Fields, Scalar
from caponier.telemetry.security_logs.identity import (
    ACCOUNT_FIELDS,
    ADDRESS_FIELDS,
    HOST_FIELDS,
    LIMIT,
    identity,
)
from caponier.telemetry.security_logs.shapes import ByShape

DAYS: Final = 3
"""Other days on which something happened, at least, to be usual: a weekly task is usual in its fourth week."""
PLACE_DAYS: Final = 2
"""Other days on which an account worked from a network, at least, for it to be the account's own."""
WEEKS: Final = 14
"""Days from the first to the last of them, at least: no attack of some days becomes usual by itself."""
PEERS: Final = 2
"""Other accounts, at least, that make an act on one kind of a system's assets a usual one."""
SHARING: Final = 3
"""Accounts, at least, that make an address one of the estate's own."""
ROAMING: Final = 5
"""Days with a network that was new then, at least, of somebody who is always elsewhere, such as a hosted build."""
KEPT: Final = 400
"""Days that are remembered."""
MOST: Final = 200_000
"""Facts that are remembered; accounts that somebody invents one after the other must not fill the memory."""
_DAY: Final = 24 * 3600 * 10**6
_SEEN: Final = 100_000

HERE: Final = "here"
PLACE: Final = "place"
ACT: Final = "act"
ADDRESS: Final = "address"
HOST: Final = "host"
VOUCHED: Final = "vouched"
OPEN: Final = "open"
_CALM: Final = frozenset(["low", "none"])


class Fact(NamedTuple):
    """Something that happens again and again."""

    kind: str
    """`here`: an account worked at all; `place`: from a network; `address`: an account from an address; `host`: on a
    host; `vouched`: the identity provider saw no risk in its login from an address; `act`: somebody set off a rule;
    `open`: strangers reached a place."""
    who: str
    what: str
    """The network, the address, or rule and asset."""


_Mark = tuple[Callable[[Fields], Sequence[Scalar]], int, Sequence[Scalar]]
"""How the names of an event are read, its day, and what that gave."""


class Past:
    """What happened on which days.

    Args:
        facts: From earlier scans.
    """

    def __init__(self, facts: Iterable[tuple[Fact, Iterable[int]]] = ()) -> None:
        self._days: dict[Fact, set[int]] = {fact: set(days) for fact, days in facts}
        self._known: dict[Fact, set[int]] = {fact: set(days) for fact, days in self._days.items()}
        self._seen: set[_Mark] = set()
        self._by_what: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(dict)
        self._by_who: dict[tuple[str, str], dict[str, set[int]]] = defaultdict(dict)
        self._accounts: dict[str, list[str]] = defaultdict(list)
        """Accounts by the name that hosts know a person by."""
        for fact, days in self._days.items():
            self._index(fact, days)

    def learn(self, events: Sequence[LogEvent], inside: Inside) -> None:
        """Take who worked from where; what failed is nobody's work."""
        for event in events:
            fields, day = event.fields, event.time // _DAY
            telling = _TELLING.of(fields)
            if telling is None or (mark := (telling, day, telling(fields))) in self._seen:
                continue
            if _failed(fields):
                continue
            self._remember(mark)
            who, risk = identity(fields), fields.get("risk")
            address = who.address
            if who.account is None:
                # Of strangers there is no end.
                if address and who.host and _tells_who(address) and not inside.abroad(fields, address):
                    self.add(Fact(HOST, role_of(neighbours_of(address)), who.host), day)
                continue
            name = role_of(who.account)
            self.add(Fact(HERE, name, ""), day)
            if who.host is not None:
                self.add(Fact(HOST, name, who.host), day)
            if address is not None and inside.abroad(fields, address):
                self.add(Fact(PLACE, name, network_of(address)), day)
                if network_of(address) != address:
                    self.add(Fact(ADDRESS, name, address), day)
                if risk is not None and str(risk).lower() in _CALM:
                    # Name and address together are one person.
                    self.add(Fact(VOUCHED, person_of(name), address), day)

    def _remember(self, mark: _Mark) -> None:
        """Remember what was learned; what somebody may write as long as he likes is learned anew each time."""
        if any(type(value) is not str or len(value) > LIMIT for value in mark[2]):
            # To a set 1.0 is 1, which are two accounts.
            return
        if len(self._seen) >= _SEEN:
            self._seen.clear()
        self._seen.add(mark)

    def add(self, fact: Fact, day: int) -> None:
        """Take that something happened on a day (since 1970, UTC)."""
        days = self._days.get(fact)
        if days is None:
            if len(self._days) >= MOST:
                return
            days = self._days[fact] = set()
            self._index(fact, days)
        days.add(day)

    def _index(self, fact: Fact, days: set[int]) -> None:
        self._by_what[fact.kind, fact.what][fact.who] = days
        self._by_who[fact.kind, fact.who][fact.what] = days
        if fact.kind == HERE:
            self._accounts[person_of(fact.who)].append(fact.who)

    def facts(self) -> list[tuple[Fact, list[int]]]:
        """Return everything, in the order in which it was learned."""
        return [(fact, sorted(days)) for fact, days in self._days.items()]

    def changed(self) -> Iterator[tuple[Fact, list[int]]]:
        """Yield what this scan has added, with all its days."""
        newest = max((max(days) for days in self._days.values() if days), default=0)
        for fact, days in self._days.items():
            if days != self._known.get(fact):
                yield fact, sorted(day for day in days if day > newest - KEPT)

    @property
    def length(self) -> int:
        """Days from the first to the last that is known."""
        all_days = [day for fact, days in self._days.items() if fact.kind == HERE for day in (min(days), max(days))]
        return max(all_days) - min(all_days) + 1 if all_days else 0

    def own_address(self, address: str) -> bool:
        """Tell whether an address is the estate's own, such as a NAT: several accounts work from it for weeks."""
        return len(self._regulars(ADDRESS, address)) >= SHARING

    def shared_addresses(self) -> Iterator[str]:
        """Yield the addresses that are the estate's own."""
        yield from (what for kind, what in list(self._by_what) if kind == ADDRESS and self.own_address(what))

    def familiar(self, account: str, days: Iterable[int]) -> bool:
        """Tell whether an account has worked in the estate for weeks, judging by other days than these."""
        mine = set(days)
        here = self._days.get(Fact(HERE, role_of(account), ""), set()) - mine
        return len(here) >= DAYS and _span(here | mine) >= WEEKS

    def works_on(self, account: str, host: str, days: Iterable[int]) -> bool:
        """Tell whether an account, or those of a neighbourhood, work on a host time and again, wherever it is."""
        mine = set(days)
        known = self._days.get(Fact(HOST, role_of(account), host), set()) - mine
        return len(known) >= DAYS and _span(known | mine) >= WEEKS

    def vouched(self, account: str, address: str, days: Iterable[int]) -> bool:
        """Tell whether the identity provider saw somebody log in from an address on one of these days, and no risk.

        It says so only of accounts that are known for weeks: a new one has no habits that a login could differ from.
        """
        name, mine = role_of(account), set(days)
        calm = self._days.get(Fact(VOUCHED, person_of(name), address), set())
        return self.familiar(name, mine) and bool(calm & mine)

    def colleague(self, address: str, days: Iterable[int]) -> bool:
        """Tell whether the identity provider saw a known account log in from an address on these days, and no risk.

        Where a server does not write who asks, that says more than its log.
        """
        mine = set(days)
        calm = self._by_what.get((VOUCHED, address), {})
        there = (account for person, on in calm.items() if on & mine for account in self._accounts.get(person, ()))
        return any(self.familiar(account, mine) for account in there)

    def at_home(self, account: str, address: str, days: Iterable[int]) -> bool:
        """Tell whether an account works from an address, judging by other days than these."""
        account, mine = role_of(account), set(days)
        known = self._by_who[PLACE, account].get(network_of(address), set()) - mine
        if len(known) >= PLACE_DAYS and _span(known | mine) >= WEEKS:
            return True
        return self.own_address(address) or self._of_its_carrier(account, address, mine) or self.roams(account, mine)

    def _of_its_carrier(self, account: str, address: str, mine: set[int]) -> bool:
        """Tell whether an address is of a range in which an account has another network time and again, as phones do.

        So the phone of somebody who has a home does not make every place on earth his own.
        """
        range_ = range_of(address)
        networks = self._by_who[PLACE, account].items()
        fresh = {min(on) for network, on in networks if on and range_of(network) == range_} - mine
        return len(fresh) >= ROAMING and _span(fresh | mine) >= WEEKS

    def roams(self, account: str, days: Iterable[int], *, span: int = WEEKS) -> bool:
        """Tell whether an account comes from a network that is new on most of its days, as hosted builds do.

        Its place tells nothing about who it is, so that only its own habits count, never those of others. Whoever has
        a network of his own on most of his days does not roam, whatever his phone does on the same days.

        Args:
            account: Name or role.
            days: Those that are judged, which do not count.
            span: Days from the first to the last of the new networks, at least.
        """
        account, without = role_of(account), set(days)
        networks, here = self._by_who[PLACE, account], self._days.get(Fact(HERE, account, ""), set()) - without
        fresh = {min(days) for days in networks.values() if days} & here
        if len(fresh) < ROAMING or 2 * len(fresh) <= len(here) or _span(fresh) < span:
            return False
        own = [on - without for on in networks.values() if len(on - without) >= DAYS and _span(on) >= WEEKS]
        return 2 * len(set[int]().union(*own) & here) <= len(here)

    def repeats(self, rule: str, kind: str, who: str, days: Iterable[int]) -> bool:
        """Tell whether somebody sets off a rule on a kind of a system's assets on other days, however few weeks."""
        return len(self._days.get(Fact(ACT, who, act(rule, kind)), set()) - set(days)) >= DAYS

    def habit(self, rule: str, who: str, days: Iterable[int]) -> bool:
        """Tell whether somebody sets off a rule time and again, on whatever asset."""
        mine, found = set(days), set[int]()
        for what, on in self._by_who[ACT, who].items():
            if what.startswith(f"{rule} "):
                found |= on
        return len(found - mine) >= DAYS and _span(found | mine) >= WEEKS

    def peers(self, rule: str, kind: str, who: str, days: Iterable[int]) -> bool:
        """Tell whether several others set off a rule on a kind of a system's assets, and the account is no new one."""
        mine = set(days)
        if not self.familiar(who, mine) or self.roams(who, mine):
            return False
        others = {one: on for one, on in self._by_what[ACT, act(rule, kind)].items() if one != who}
        together = set().union(*others.values()) if others else set()
        return len(others) >= PEERS and len(together) >= DAYS and _span(together) >= WEEKS

    def open_to_all(self, rule: str, place: str, days: Iterable[int]) -> bool:
        """Tell whether strangers reach a place on other days, for weeks: that it is open is no news of one of them."""
        mine = set(days)
        on = self._days.get(Fact(OPEN, rule, place), set())
        return len(on - mine) >= DAYS and _span(on) >= WEEKS

    def told(self, rule: str, who: str, days: Iterable[int]) -> bool:
        """Tell whether earlier scans have seen somebody, or an asset, set off a rule for weeks."""
        mine, found = set(days), set[int]()
        for fact, on in self._known.items():
            if fact.kind == ACT and fact.who == who and fact.what.startswith(f"{rule} "):
                found |= on
        return len(found - mine) >= DAYS and _span(found) >= WEEKS

    def told_open(self, rule: str, place: str) -> bool:
        """Tell whether earlier scans have seen that a place is open to all."""
        known = self._known.get(Fact(OPEN, rule, place), set())
        return len(known) >= DAYS and _span(known) >= WEEKS

    def _regulars(self, kind: str, what: str) -> list[str]:
        on = self._by_what[kind, what].items()
        return [who for who, days in on if len(days) >= PLACE_DAYS and _span(days) >= WEEKS]


def role_of(account: str) -> str:
    """Return the role of a session that assumed one: each build names its session anew, and the role does the work."""
    return account.partition("/")[0]


def person_of(account: str) -> str:
    """Return the name that hosts know a person by, where directories know them by mail."""
    return account.partition("@")[0]


def neighbours_of(address: str) -> str:
    """Name who acts without an account: a VPN and a provider hand out another address of a neighbourhood each day."""
    return f"address {network_of(address)}"


@lru_cache(20_000)
def _tells_who(address: str) -> bool:
    """Tell whether an address is a machine's; by way of the server itself, as through a proxy, anybody may come."""
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return not known.is_loopback and not known.is_unspecified


def act(rule: str, kind: str) -> str:
    """Name that a rule was set off on a kind of a system's assets, such as `host of digits`."""
    return f"{rule} {kind}"


@lru_cache(20_000)
def network_of(address: str) -> str:
    """Return the neighbourhood of an address: providers hand out another one of it now and then."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network(f"{known}/{24 if known.version == 4 else 48}", strict=False))


@lru_cache(20_000)
def range_of(address: str) -> str:
    """Return the range of a provider that an address, or a neighbourhood, is of."""
    try:
        known = ip_network(address, strict=False)
    except ValueError:
        return address
    return str(known.supernet(new_prefix=16 if known.version == 4 else 32))


def day_of(time: int) -> int:
    """Return the day of a moment (microseconds)."""
    return time // _DAY


def _span(days: set[int]) -> int:
    return max(days) - min(days) + 1 if days else 0


def _telling(fields: Fields) -> Callable[[Fields], Sequence[Scalar]] | None:
    """Return how to read all that is learned from; None where the names alone say that nothing is."""
    nobody = fields.keys().isdisjoint(ACCOUNT_FIELDS)
    nowhere = fields.keys().isdisjoint(HOST_FIELDS) or fields.keys().isdisjoint(ADDRESS_FIELDS)
    if "errorcode" in fields or (nobody and nowhere):
        return None
    names = [name for name in _LEARNED if name in fields]
    # Of a single name `itemgetter` gives no sequence.
    return itemgetter(*names, names[0])


_LEARNED: Final = (*ACCOUNT_FIELDS, *HOST_FIELDS, *ADDRESS_FIELDS, "risk")
_TELLING: Final = ByShape(_telling)


def _failed(fields: Fields) -> bool:
    return fields.get("outcome") == "failure" or str(fields.get("sc-status", "-"))[:1] in "45"
