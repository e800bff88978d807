"""Who is one actor: callers, accounts and addresses, joined by the identities of the inventory.

An actor's name is written `kind:id`, such as `principal:k-77`, `account:ada` or `address:10.0.0.1`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from caponier.records.context import ContextEvent
from caponier.records.finding import Finding, SubjectRef
from caponier.records.inventory import Identity
from caponier.respond.settings import DEFAULT, RespondSettings
from caponier.telemetry.client_address import address_name
from caponier.telemetry.security_logs.identity import account_name, host_name

KINDS: Final = ("principal", "session", "account", "address")
"""Kinds of subject that act."""

_FACTS: Final = {
    "principal": "principal",
    "session": "session",
    "account": "account",
    "accounts": "account",
    "address": "address",
    "addresses": "address",
    "source_ip": "address",
    "source_host": "host",
    "key": "key",
}
"""Facts of a finding over logs that name who acted, and as what."""

_ANYBODY: Final = frozenset(
    ["root", "administrator", "admin", "system", "nobody", "anonymous", "ubuntu", "ec2-user", "www-data", "localsystem"]
)
"""Accounts that every machine has: two of the name are not one actor."""
_NORMAL: Final = {"account": account_name, "host": host_name}


def name_of(subject: SubjectRef) -> str:
    """Return the name under which a subject acts. A session is somebody's only together with who sent it.

    The engine adds the user agent to an address, which anybody can change.
    """
    if subject.kind == "session" and subject.sender:
        return f"session:{subject.id} from {subject.sender}"
    return f"{subject.kind}:{subject.id.split(' ', 1)[0] if subject.kind == 'address' else subject.id}"


class Actors:
    """The actors that the inventory knows to be one.

    Args:
        identities: Entries `[[identity]]`: whatever stands in one entry, or shares an account with another, is one.
        settings: Which addresses identify nobody.
    """

    def __init__(self, identities: Iterable[Identity] = (), settings: RespondSettings = DEFAULT) -> None:
        self._settings = settings
        self._parent: dict[str, str] = {}
        for identity in identities:
            names = list(self._of_identity(identity))
            for name in names[1:]:
                self._join(names[0], name)
        self._members: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self._parent):
            self._members[self.one(name)].append(name)

    def one(self, name: str) -> str:
        """Return the name that stands for all names of the same actor: the first of them in alphabetical order."""
        while (parent := self._parent.get(name, name)) != name:
            name = parent
        return name

    def members(self, name: str) -> tuple[str, ...]:
        """Return every name that the inventory knows for the actor, and the one given."""
        return tuple(sorted({name, *self._members.get(self.one(name), ())}))

    def named_by(self, finding: Finding) -> tuple[str, ...]:
        """Return who acted by a finding, as it names them; empty for a file, a data set or a model.

        Of several accounts only the one that the finding is about counts: the others of a password spray are its
        victims.
        """
        names = dict.fromkeys(self._of_subject(finding.subject))
        for fact, kind in _FACTS.items():
            value = finding.evidence.facts.get(fact)
            texts = [text for text in (value if isinstance(value, list | tuple) else [value]) if isinstance(text, str)]
            if kind != "account" or (len(texts) == 1 and finding.subject.kind != "account"):
                names |= dict.fromkeys(self._named((kind, text) for text in texts))
        return tuple(names)

    def scope(self, subject: SubjectRef) -> SubjectRef | None:
        """Return what a response to a subject is bound to; None if it is nobody who acts.

        An address that identifies nobody tells no session's sender either.
        """
        if not list(self._of_subject(subject)):
            return None
        kind, _, sender = (subject.sender or "").partition(":")
        known = sender and not (kind == "address" and self._settings.shared(sender))
        id_ = subject.id.split(" ", 1)[0] if subject.kind == "address" else subject.id
        return SubjectRef(subject.kind, id_, sender=subject.sender if known else None)

    def named_by_context(self, event: ContextEvent) -> tuple[str, ...]:
        """Return who acted by a context event, the surest name first."""
        return tuple(self._named([("account", event.account), ("address", event.address), ("host", event.host)]))

    def _of_subject(self, subject: SubjectRef) -> Iterator[str]:
        kind, _, name = name_of(subject).partition(":")
        return self._named([(kind, name)] if kind in KINDS else [])

    def _of_identity(self, identity: Identity) -> Iterator[str]:
        # As people write it, and as the reader of logs does: "FD00::1" is "fd00::1".
        addresses = [("address", text) for address in identity.addresses for text in (address, address_name(address))]
        return self._named([("account", identity.account), ("principal", identity.key_hash), *addresses])

    def _named(self, pairs: Iterable[tuple[str, str | None]]) -> Iterator[str]:
        for kind, text in pairs:
            # As the reader of logs does it: directories do not tell accounts apart by case, and logs write them in any.
            name = _NORMAL[kind](text) if text and kind in _NORMAL else text
            if not name or (kind == "account" and name in _ANYBODY):
                continue
            if not (kind == "address" and self._settings.shared(name)):
                yield f"{kind}:{name}"

    def _join(self, left: str, right: str) -> None:
        low, high = sorted([self.one(left), self.one(right)])
        self._parent.setdefault(low, low)
        self._parent[high] = low
