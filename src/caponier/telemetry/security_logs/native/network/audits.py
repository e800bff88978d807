"""Audit records of products that nobody has described, told by their form alone.

Whatever keeps an audit log writes who did what, to which thing, from where and how it ended. What these are called
differs by little: a word more before or behind, a case, a level of nesting.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from caponier.telemetry.security_logs.fields import Fields, Scalar
from caponier.telemetry.security_logs.native.network.forms import deep, is_address, moment_of, without_port
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS, Record, whole
from caponier.telemetry.security_logs.shapes import ByShape
from caponier.telemetry.security_logs.sources import MANAGEMENT, LogSource

NAME: Final = "audit records of an unknown product"
_ENDS: Final = (
    *("name", "upn", "email", "login", "alternateid", "", "user", "displayname", "label", "description", "id", "uid"),
    "sub",
)
"""What stands behind, or below, the word for who or what it was: a name says more than an id."""
_STEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "actor": (
        *("actor", "performedby", "initiatedby", "initiator", "performer", "author", "principal", "requestedby"),
        *("executedby", "changedby", "createdby", "user", "account", "operator", "identity", "member", "caller"),
        *("requester", "subject", "login", "owner", "auth", "accessor", "client", "who", "sub", "email"),
    ),
    "action": ("action", "operation", "activity", "event", "op", "verb", "method", "command"),
    "target": (
        *("target", "object", "resource", "entity", "item", "affectedobject", "model", "asset", "repository", "repo"),
        *("bucket", "dataset", "project", "dag", "workspace", "ns", "context", "key", "path", "realm"),
    ),
}
"""Each word's nouns, the most telling first."""
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "action": ("eventtype", "actiontype", "activitytype", "atype", "operationtype", "kind", "type"),
    "target": ("name",),
    "address": (
        *("ip", "ipaddress", "sourceip", "srcip", "clientip", "remoteip", "remoteaddr", "remoteaddress", "clientaddr"),
        *("clientaddress", "sourceaddress", "sourceipaddress", "actorip", "userip", "originip", "addr", "address"),
        *("src", "source", "saddr", "peer", "client", "remote", "rhost", "from"),
    ),
    "outcome": ("outcome", "result", "status", "success", "succeeded", "response", "statuscode", "code", "error"),
}
"""Names that say so as they are."""
_WEAK: Final = 1_000
"""Between what a noun says and what a longer name says that ends with one."""
_OWNERS: Final = 10 * _WEAK
_OWN_NAMES: Final = re.compile(
    r"(?:^|[._])(?:meta(?:data)?|custom\w*|extras?|env|vars|doc(?:ument)?|payload|(?:kw)?args|arguments|form|json"
    r"|inputs?|options|settings|config|fields|user_?data)(?:[._]|$)"
)
"""Below these, names may be anybody's own: they tell what nothing else does."""
_SERVERS: Final = frozenset(["local", "server", "host", "destination", "dst", "dest", "node", "upstream"])
"""Above these is the address of who answered."""
_ANSWERING: Final = ("local", "server", "dst", "dest", "target", "nat", "public", "virtual", "device", "daddr", "mac")
"""Beginnings of names of such an address, and of those that are no caller's."""
_ENDS_OF_ADDRESS: Final = ("ip", "ipaddress", "ipaddr", "ipv", "addr")
_PEOPLE: Final = frozenset(_STEMS["actor"])
_BEHIND: Final = re.compile(r"([^/@\s]{1,128})[/@]([0-9A-Fa-f.:]{2,64})")
"""A name and the address behind it, as in `ada/203.0.113.66`."""
_MADE: Final = re.compile(r"(?i).*(?:time|timestamp|date|dttm|ts|ed_?at|when)(?:_?(?:utc|ms|ns))?")
_OTHER: Final = re.compile(r"(?i).*(?:expir|until|valid|end|update|modif|received|ingest)")
"""Times of something else than of what was done."""
_ACT: Final = re.compile(r"[A-Za-z][\w.:/\-]*(?: [\w.:/\-]+){0,5}")
_NAME: Final = re.compile(r"[^\s,;{}\[\]]+(?: [^\s,;{}\[\]]+){0,3}")
"""A name of somebody, and not a sentence or a list."""
_LOGIN: Final = re.compile(r"(?i)(?:^|[._:\-/ ])(?:log[_ -]?[io]n|sign[_ -]?in|authenticat\w*|session[._]start)")
_FAILED: Final = re.compile(r"(?i)(?:^|[\W_]|(?<=[a-z]))(?:error|fail\w*|denied|invalid|rejected|refused)")
"""Words in the name of an act that tell that it did not come about."""
_BARE: Final = re.compile(r"[A-Za-z]{2,16}")
"""A verb alone, of something that another field names."""
_GOOD: Final = re.compile(
    r"(?i)(?:ok|success\w*|succeeded|allow\w*|accept\w*|granted|true|permit\w*|complete\w*|pass\w*)"
)
_BAD: Final = re.compile(
    r"(?i)(?:fail\w*|den\w+|error\w*|reject\w*|forbidden|unauthori\w+|refused|false|block\w*|\w*denied)"
)
_VERSION: Final = re.compile(r"[/:@]v?\d{1,9}$")
_LONG: Final = 256
_WRONG: Final = 400
"""Status of HTTP from which on an answer is a refusal."""


def recognise(fields: Fields, line: int) -> Record | None:
    """Tell an audit record by its form, and fill the normalised fields in; None where it is none.

    It says who did what, and at least one of: to which thing, from where, how it ended.
    """
    there, times = _FORM.of(fields)
    actor = _first(fields, there.get("actor", ()), _is_text)
    action = _first(fields, there.get("action", ()), _is_act)
    if actor is None or action is None:
        return None
    taken = {actor, action}
    who, behind = str(fields[actor]), None
    if (both := _BEHIND.fullmatch(who)) and is_address(both[2]):
        who, behind = both[1], both[2]
    target, within = _things(fields, [name for name in there.get("target", ()) if name not in taken])
    address = _first(fields, there.get("address", ()), _is_from)
    outcome = next((told for name in there.get("outcome", ()) if (told := _ended(name, fields[name]))), None)
    time = next((found for name in times if (found := moment_of(fields[name])) is not None), None)
    place = without_port(str(fields[address])) if address else behind
    if target is None and place is None and outcome is None:
        return None
    told = str(fields[action])
    if outcome is None and (_FAILED.search(told) or _LOGIN.search(told)):
        # Who logs only logins that came about, or names the others `LOGIN_ERROR`, needs no field for it.
        outcome = FAILURE if _FAILED.search(told) else SUCCESS
    if _BARE.fullmatch(told) and (kind := _first(fields, _KINDS.of(fields), _is_act)):
        told = f"{told} {fields[kind]}"
    _fill(fields, who, told, target, place)
    if within is not None:
        for kind in ("target.repository", "registered_model", "path"):
            fields.setdefault(kind, within)
    if outcome is not None:
        fields["outcome"] = outcome
    category = "authentication" if _LOGIN.search(told) else MANAGEMENT
    return Record(fields, LogSource(None, category, "audit"), time, line, NAME)


def name_parts(fields: Fields) -> None:
    """Fill in who, from where and how it ended, as far as a record that is no audit record says it.

    Args:
        fields: Of the record; filled in place.
    """
    there, _ = _FORM.of(fields)
    actor = _first(fields, there.get("actor", ()), _is_name)
    address = _first(fields, there.get("address", ()), _is_from)
    outcome = next((told for name in there.get("outcome", ()) if (told := _ended(name, fields[name]))), None)
    if actor is not None:
        fields.setdefault("account", fields[actor])
    if address is not None:
        fields.setdefault("src_ip", without_port(str(fields[address])))
    if outcome is not None:
        fields.setdefault("outcome", outcome)


def _things(fields: Fields, names: Iterable[str]) -> tuple[str | None, str | None]:
    """Return the field of the most telling thing, and the next other thing: a repository, and what of it was deleted.

    An inventory may name the one or the other.
    """
    told = [name for name in names if _is_text(fields[name])]
    if not told:
        return None, None
    return told[0], next((str(fields[name]) for name in told if fields[name] != fields[told[0]]), None)


def _fill(fields: Fields, actor: str, action: str, target: str | None, place: str | None) -> None:
    fields["account"] = actor
    fields["eventname"] = action
    if place is not None:
        fields["src_ip"] = place
    if target is not None:
        # What kind of thing it is nobody says, so an inventory may have it as any that goes by its name.
        thing = str(fields[target])
        fields.setdefault("target_host", thing)
        for kind in ("object", "repository", "bucket"):
            fields.setdefault(kind, thing)
        fields.setdefault("model", _VERSION.sub("", thing))


def _tell(fields: Fields) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the names under each word, the most telling first, and those that may hold the time."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    times = []
    for name in fields:
        if deep(name):
            continue
        above, _, last = name.rpartition(".")
        plain, parent = _letters(last), _letters(above.rpartition(".")[2])
        depth = name.count(".")
        if _MADE.fullmatch(last) and not _OTHER.match(last):
            times.append((depth, name))
        for word in _ALL:
            rank = _rank(word, plain, parent)
            if rank is not None:
                rank += _OWNERS * (_OWN_NAMES.search(above) is not None)
                found.setdefault(word, []).append((rank, depth, name))
    ranked = {word: tuple(name for _, _, name in sorted(places)) for word, places in found.items()}
    return ranked, tuple(name for _, name in sorted(times, key=lambda place: place[0]))


def _rank(word: str, plain: str, parent: str) -> int | None:
    """Return how telling a name is, the less the more; None where it is not of a word."""
    if (word == "address" and (parent in _SERVERS or plain.startswith(_ANSWERING))) or (
        word in ("action", "target") and parent in _PEOPLE
    ):
        return None
    ranks = []
    for at, noun in enumerate(_STEMS.get(word, ())):
        if parent.removesuffix("s") == noun and plain in _ENDS:
            ranks.append(at * len(_ENDS) + _ENDS.index(plain))
        whole_name = plain.removesuffix("s")
        if noun not in whole_name:
            continue
        ends = whole_name[whole_name.rindex(noun) + len(noun) :]
        if ends in _ENDS:
            ranks.append(at * len(_ENDS) + _ENDS.index(ends) + (0 if whole_name.startswith(noun) else _WEAK))
    names = _WORDS.get(word, ())
    if plain in names:
        ranks.append(_WEAK // 2 + names.index(plain))
    if word == "address" and plain.endswith(_ENDS_OF_ADDRESS):
        ranks.append(2 * _WEAK)
    return min(ranks, default=None)


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, name)).lower()


def _first(fields: Fields, names: Iterable[str], fits: Callable[[Scalar], bool]) -> str | None:
    return next((name for name in names if fits(fields[name])), None)


def _is_text(value: Scalar) -> bool:
    return value not in ("", "-") and len(str(value)) <= _LONG


def _is_name(value: Scalar) -> bool:
    return isinstance(value, str) and _is_text(value) and _NAME.fullmatch(value) is not None


def _is_act(value: Scalar) -> bool:
    return isinstance(value, str) and len(value) <= _LONG and _ACT.fullmatch(value) is not None


def _is_from(value: Scalar) -> bool:
    return is_address(without_port(str(value)))


def _ended(name: str, value: Scalar) -> str | None:
    """Read how it ended: by a word, a status of HTTP or gRPC, or by an error that is named."""
    text = str(value).strip()
    status = whole(value)
    if status is not None:
        return SUCCESS if status < _WRONG else FAILURE
    if _GOOD.fullmatch(text):
        return SUCCESS
    return FAILURE if _BAD.fullmatch(text) or (text and name.endswith("error")) else None


def _kinds(fields: Fields) -> tuple[str, ...]:
    return tuple(name for name in fields if _letters(name.rpartition(".")[2]) in _KIND_NAMES and not deep(name))


_KIND_NAMES: Final = frozenset(["resourcetype", "objecttype", "targettype", "entitytype", "itemtype"])
"""Fields that say what kind of thing something was done to: `CREATE` of a `CLIENT_ROLE_MAPPING` gives rights."""
_KINDS: Final = ByShape(_kinds)
_ALL: Final = ("actor", "action", "target", "address", "outcome")
_FORM: Final = ByShape(_tell)
