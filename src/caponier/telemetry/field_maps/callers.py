"""Which field of a log says who asked, where its name is none of the usual ones: by its words, and by what it holds."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address
from itertools import islice
from typing import Any, Final, TypeAlias

from caponier.telemetry import plain_json
from caponier.telemetry.body_keys import HOLDING
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.paths import Records, escaped, steps_of
from caponier.telemetry.field_maps.places import READ, Nodes, Place, keys_of
from caponier.telemetry.field_maps.value_kinds import is_number, nearly
from caponier.telemetry.readers.field_names import ALIASES, CREDENTIALS, IDS, LIKE, PERHAPS, SEVERAL, TOKENS, normal

WHO: Final = frozenset(
    (
        *("user", "client", "caller", "customer", "account", "tenant", "consumer", "requestor", "requester"),
        *("subscriber", "member", "principal", "actor", "login", "operator", "partner", "merchant", "apikey"),
        *("who", "viewer", "party", "org", "team", "organization", "organisation", "acct", "app", "username"),
        *("kunde", "kunden", "nutzer", "benutzer", "utilisateur", "usuario", "cliente", "utente", "identity"),
    )
)
"""Words for somebody who asks."""
_TRADES: Final = frozenset(
    (
        *("adjuster", "adviser", "advisor", "analyst", "underwriter", "broker", "clerk", "teller", "caseworker"),
        *("advertiser", "bidder", "publisher", "reseller", "affiliate", "clinician", "radiologist", "examiner"),
        *("manager", "owner", "officer", "handler", "rep", "assessor", "appraiser", "valuer", "surveyor", "consultant"),
        *("agent", "acquirer", "recruiter", "dispatcher", "moderator"),
        *("handlaggare", "saksbehandler", "sagsbehandler", "behandelaar", "medewerker", "doradca", "analista"),
        *("bearbeiter", "sachbearbeiter", "berater", "gutachter", "conseiller", "gestionnaire", "courtier"),
        *("asesor", "gestor", "perito", "consulente", "operatore", "operador", "operateur"),
    )
)
"""Words for somebody whose trade it is to ask: who values claims or houses, or bids for adverts. A number under such a
name counts something of theirs, such as the years with a manager."""
_MACHINES: Final = frozenset(
    ("device", "sensor", "machine", "terminal", "robot", "station", "meter", "vehicle", "gateway")
)
"""Words for what asks of itself, where an id stands beside them; bare they are kinds of it, such as `ios`."""
NAMES: Final = frozenset(
    (
        *("id", "ids", "no", "nr", "number", "num", "ref", "reference", "hash", "name", "code", "key", "arn", "uuid"),
        *("guid", "email", "login", "handle", "token", "hashed", "identifiant", "identifier", "kennung"),
        *("ident", "authenticated"),
    )
)
"""Words for what somebody is known by; any other beside a word of `WHO` is about him, such as his age or his city."""
Ranked: TypeAlias = tuple[tuple[int, int], Place]
"""How sure a name is, the surest being the least, and its field."""
CHOSEN: Final = re.compile(
    r"(?:.+_)?(?:query|querystring|query_string|qs|form)(?:_(?:params|parameters|args|data))?"
    r"|(?:url|get|search|path|request|route|uri)_(?:params|parameters|args|query)"
)
"""Under these stands what whoever calls wrote into the address: a name there proves nothing."""
_ASKED_BY: Final = re.compile(r"(?:.+_)?(?:by|caller|requester|consumer|api_?key)(?:_(?:id|name|alias|owner))?")
"""How a field is called that says who asked, beside one that says about whom."""
_DONE_BY: Final = re.compile(
    r"(?:.+_)?(?!(?:updated|approved|reviewed|labell?ed|annotated|corrected|verified|confirmed|deployed|trained|owned)_)"
    r"(?:[a-z]+ed|run|sent|done)_by(?:_(?:id|name))?"
)
"""How a field is called that says who did it, and not who looked at it afterwards."""
_ABOUT_WHOM: Final = re.compile(r"(?:customer|account|user|kunden?|uid|subject|sub)(?:_(?:id|nummer|no|nr))?")
FEW_ROWS: Final = 20
"""Rows of which each may have another caller."""
LOOKED_AT: Final = 50
"""Values of a field in which the names of callers are looked for."""
LEAST: Final = 3
"""Callers; what has fewer values is a kind of them."""
ROWS_OF_BODIES: Final = 50
DEEPEST: Final = 3
MOST_KEYS: Final = 1_000
"""How many bodies, how far in, and how many of their keys are looked at for a name."""
SINGLE: Final = 0.9
"""Share of different values beyond which each is of a call, and of nobody."""


_OF_HEADERS: Final = frozenset(("x", "cs", "http", "auth", "authenticated", "forwarded"))
"""How names of headers begin, whatever they are about."""
_INNER: Final = (
    r"(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\."
    r"|f[cd][0-9a-f]{2}:|::1)"
)
"""How addresses begin that are of a network of one's own."""
LAST_OUTER: Final = rf"([^,\s]+)\s*(?:,\s*{_INNER}[^,]*)*$"
"""Of addresses that proxies appended, the last that is not of a network of one's own: what stands before is a claim."""
_WITHOUT_PORT: Final = r"^\s*\[?((?:\d{1,3}\.){3}\d{1,3}(?=:\d{1,5}\s*$|\s*$)|[0-9A-Fa-f:.]+(?=\]|\s*$))"
"""An address without the port behind it, of which each connection has another."""
_PORT: Final = re.compile(r"(?:[\d.]{7,15}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}")
_OWN_ADDRESS: Final = re.compile(r"server|host|local|node|pod|upstream|dest|target|listen")
"""How a field is called that says where a service runs."""
_SOURCE: Final = re.compile(r"[^\s:]+\.[A-Za-z]{1,4}:\d+")
"""A line of source code: Go's loggers write it as `caller`."""


def caller_place(nodes: Nodes, is_taken: Callable[[Place], bool]) -> Place | None:
    """Return the field that says who asked; None where none does.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    found = [
        (len(keys_of(place)), at, place)
        for at, (place, values) in enumerate(nodes.items())
        if (_is_called_so(keys_of(place)) or _is_of_trade(keys_of(place), values))
        and not (is_chosen(place) or is_taken(place))
        and are_callers(values)
    ]
    return min(found)[-1] if found else None


def address_place(nodes: Nodes, is_taken: Callable[[Place], bool]) -> Place | None:
    """Return the only field that holds addresses from which somebody may have asked, whatever it is called.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    found = [
        place
        for place, values in nodes.items()
        if not (is_chosen(place) or is_taken(place) or _OWN_ADDRESS.search(normal(place[-1])))
        and nearly(isinstance(value, str) and _is_address(value) for value in values if not is_missing(value))
        and len({_bare(str(value)) for value in values}) >= LEAST
    ]
    return found[0] if len(found) == 1 else None


def address_part(values: Sequence[Any]) -> str | None:
    """Return what of a field with addresses is the caller's: the last of a list, or what stands before a port.

    Args:
        values: What stands there; None is returned where that is an address and nothing else.
    """
    if any("," in str(value) for value in values):
        return LAST_OUTER
    return _WITHOUT_PORT if any(map(_PORT.fullmatch, map(str, values))) else None


def are_addresses(values: Sequence[Any]) -> bool:
    """Tell whether values are addresses of a network, which no model takes."""
    held = [value for value in values if not is_missing(value)]
    return bool(held) and all(isinstance(one, str) and _is_address(one) for one in held)


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(_bare(text.strip())))
    except ValueError:
        return False


def _bare(text: str) -> str:
    return text.rpartition(":")[0].strip("[]") if _PORT.fullmatch(text) else text


def _is_called_so(keys: Place) -> bool:
    if keys and "." in keys[-1]:
        # `headers.x-caller-id`, as a table has what stood in an object.
        keys = (*keys[:-1], *filter(None, keys[-1].split(".")))
    words = normal(keys[-1]).split("_") if keys else []
    while len(words) > 1 and words[0] in _OF_HEADERS:
        words = words[1:]
    if len(keys) > 1 and set(words) <= NAMES and normal(keys[-2]) in WHO:
        # `client.name`
        return True
    if _DONE_BY.fullmatch("_".join(words)):
        return True
    rest = [word for word in words if word not in WHO]
    return len(rest) < len(words) and (words[-1] in WHO or all(word in NAMES for word in rest))


def _is_of_trade(keys: Place, values: Sequence[Any]) -> bool:
    """Tell whether a field names people by their trade: `adjuster`, `loan_officer_id`."""
    words = [word for word in (normal(keys[-1]).split("_") if keys else ()) if word not in NAMES and word != "in"]
    return bool(words) and words[-1] in _TRADES and not any(is_number(one) or "/" in str(one) for one in values)


def machine_place(nodes: Nodes, is_taken: Callable[[Place], bool]) -> Place | None:
    """Return the only field with the ids of machines that come again, where nobody else is said to have asked.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    found = [place for place in nodes if _is_machine(place) and not is_taken(place) and are_callers(nodes[place])]
    return found[0] if len(found) == 1 else None


def _is_machine(place: Place) -> bool:
    kind, *rest = normal(place[-1]).split("_")
    return kind in _MACHINES and bool(rest) and set(rest) <= NAMES


def may_have_asked(nodes: Nodes, is_taken: Callable[[Place], bool]) -> list[Place]:
    """Return the fields at the top with names that come again, of whom one may be who asked.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    return [
        place
        for place, values in nodes.items()
        if len(place) == 1 and not is_taken(place) and are_callers(values)
        if not any(isinstance(one, int | float) or is_number(one) for one in values)
    ]


def outer_address(ranked: list[Ranked], nodes: Nodes) -> list[Ranked]:
    """Put an address that is one of your own proxies in every row behind the ones that differ.

    Args:
        ranked: Fields with addresses, the surest first.
        nodes: The fields of a sample.
    """
    if len(ranked) < 2 or len(nodes[ranked[0][1]]) < FEW_ROWS or not all(map(_is_inner, nodes[ranked[0][1]])):
        return ranked
    outer = [one for one in ranked[1:] if not all(map(_is_inner, nodes[one[1]]))]
    return outer or ranked


def _is_inner(text: Any) -> bool:
    return all(re.match(_INNER, one.strip()) for one in str(text).split(","))


def is_chosen(place: Place) -> bool:
    """Tell whether a name stands in the address that was called, where whoever calls writes what he likes."""
    return any(CHOSEN.fullmatch(normal(step)) for step in place[:-1])


def proven_first(ranked: list[Ranked], nodes: Nodes, is_taken: Callable[[Place], bool]) -> list[Ranked]:
    """Leave out names in the address, and put those among the arguments of a call behind what stands for itself.

    What stands in a text comes behind what the log says of several callers itself: the text may be one of theirs.

    Args:
        ranked: Fields that may say who asked, the surest first.
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    kept = [one for one in ranked if not is_chosen(one[1])]
    told = {one[1] for one in kept if READ not in one[1] and len(set(map(str, nodes[one[1]]))) > 1}
    held = sorted(
        kept, key=lambda one: (_is_argument(one[1]), bool(told) and READ in one[1], are_addresses(nodes[one[1]]))
    )
    if held and _is_argument(held[0][1]):
        who = caller_place(nodes, lambda place: _is_argument(place) or is_taken(place))
        return held if who is None else [((0, 0), who), *held]
    return held


def _is_argument(place: Place) -> bool:
    """Tell whether a name is one of the arguments of what was called."""
    return any(normal(step) in PERHAPS for step in place[:-1])


def who_come_again(ranked: list[Ranked], nodes: Nodes, is_taken: Callable[[Place], bool]) -> list[Ranked]:
    """Put an id that each row has another of behind names that come again: it is of what was asked about.

    Args:
        ranked: Fields that may say who asked, the surest first.
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    if len(ranked) > 1 and are_addresses(nodes[ranked[0][1]]):
        # Many may sit behind one address, and one may have many: a name or a key tells them apart.
        ranked = sorted(ranked, key=lambda one: are_addresses(nodes[one[1]]) or not are_callers(nodes[one[1]]))
    if not ranked or normal((place := ranked[0][1])[-1]) in CREDENTIALS:
        return ranked
    if len(keys_of(place)) == 1:
        # At the top a name that is nobody's else has to say that it is the caller's: `client` may be `web` or `ios`.
        others = [one for one in ranked[1:] if _ASKED_BY.fullmatch(normal(one[1][-1]))]
        ranked = [ranked[0], *others] if _ABOUT_WHOM.fullmatch(normal(place[-1])) else ranked[:1]
    values = [str(value) for value in nodes[place] if not is_missing(value)]
    if len(values) >= FEW_ROWS and len(set(values)) == 1:
        # An account that is the same in all rows is the owner's, where another field tells those apart who asked.
        who = caller_place(nodes, lambda one: one == place or is_taken(one))
        return ranked if who is None else [((0, 0), who), *ranked]
    if len(values) < FEW_ROWS or len(set(values)) < len(values):
        return ranked
    return [one for one in ranked if are_callers(nodes[one[1]])] or ranked


def tells_who(place: Place, values: Sequence[Any], callers: Sequence[Any]) -> bool:
    """Tell whether a field would write into events who asked, which is hashed there: by its name, or in its text.

    Args:
        place: The field.
        values: What stands there.
        callers: What is hashed.
    """
    if _is_somebody(place):
        return True
    names = {str(one) for one in callers[:LOOKED_AT] if one is not None and str(one)}
    if not names:
        return False
    told = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names)))})(?!\w)")
    return any(isinstance(value, str) and told.search(value) is not None for value in values[:LOOKED_AT])


def names_somebody(place: Place, values: Sequence[Any]) -> bool:
    """Tell whether a column says who somebody is, and so is no feature: `user_id`, and not `account`."""
    name = normal(place[-1])
    is_id = name.rsplit("_", 1)[-1] in NAMES and _is_somebody(place)
    held = [value for value in values if not is_missing(value)]
    # As a number it says something of one, such as that there is a password.
    is_token = TOKENS.fullmatch(name) is not None and any(not str(value).strip().isdecimal() for value in held)
    return (is_id or is_token) and all(_is_name(value) for value in held)


def _is_somebody(place: Place) -> bool:
    name = normal(place[-1])
    is_known = (
        name in CREDENTIALS
        or TOKENS.fullmatch(name) is not None
        or name in ALIASES["principal"]
        or LIKE["principal"].fullmatch(name) is not None
    )
    return is_known or _is_called_so(keys_of(place))


def are_places_in_code(values: Sequence[Any]) -> bool:
    """Tell whether values are lines of source code, which are nobody."""
    return all(isinstance(value, str) and _SOURCE.fullmatch(value) is not None for value in values)


def named_in_bodies(rows: Sequence[Row], path: str) -> str | None:
    """Return the path to who is named in what was sent, such as in the first of a body's instances; None if nobody is.

    Args:
        rows: A sample of a log.
        path: Where the bodies of its requests, or their rows, stand.
    """
    start, each, below = path.partition("[]")
    base, records = path.replace("[]", "[0]"), Records(rows)
    named: defaultdict[str, list[set[str]]] = defaultdict(list)
    for body in Records(rows[:ROWS_OF_BODIES]).values(steps_of(start)):
        parts = [body] if not each else body if isinstance(body, list) else []
        people: defaultdict[str, set[str]] = defaultdict(set)
        for part in Records([{"part": one} for one in parts]).values(steps_of(f"part{below}")):
            for place, who in _named_below(part, base, DEEPEST):
                people[place].add(who)
        for place, those in people.items():
            named[place].append(those)
    for place, bodies in sorted(named.items(), key=lambda one: -len(one[1])):
        # Of a batch of several people's rows nobody can be said to have asked for all.
        is_of_one = len(bodies) >= LEAST and all(len(those) == 1 for those in bodies)
        if is_of_one and are_callers(records.values(steps_of(place))):
            return place
    return None


def _named_below(value: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    """Yield who is named in a body, and where: of the rows of a list, at the place of the first."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value, path = plain_json.loads(value), f"{path}|json"
        except (ValueError, RecursionError):
            return
    if isinstance(value, list):
        for one in value[:ROWS_OF_BODIES]:
            # A column of a store holds each body as a text.
            if isinstance(one, dict) or (isinstance(one, str) and depth):
                yield from _named_below(one, f"{path}[0]", depth - isinstance(one, str))
        return
    for key, inner in islice(value.items(), MOST_KEYS) if isinstance(value, dict) else ():
        name, below = normal(key), f"{path}.{escaped(key)}"
        if isinstance(inner, str | int) and name in ALIASES["principal"] and name.endswith(IDS):
            yield below, str(inner)
        elif depth and isinstance(inner, list | dict) and (name in HOLDING or name in SEVERAL):
            yield from _named_below(inner, below, depth - 1)


def are_callers(values: Sequence[Any]) -> bool:
    """Tell whether values are those of several callers, each of whom comes again."""
    held = [value for value in values if not is_missing(value)]
    if not held or not all(_is_name(value) for value in held) or are_places_in_code(held):
        return False
    different = len(set(held))
    return LEAST <= different <= SINGLE * len(held)


def _is_name(value: Any) -> bool:
    # A data frame makes 7.0 of 7 where another row has none.
    is_whole = isinstance(value, float) and value.is_integer()
    return is_whole or (isinstance(value, str | int) and not isinstance(value, bool))
