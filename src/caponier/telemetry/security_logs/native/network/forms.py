"""Requests and connections of products that nobody has described, told by their form alone.

Every server that answers requests logs a method, a target and a status, and everything that passes connections on logs
two addresses, a port and what it did. What these are called differs by little: a prefix, a case, a dash.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from itertools import islice
from typing import Any, Final, NamedTuple

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields, Scalar
from caponier.telemetry.security_logs.native.access_log import WEB
from caponier.telemetry.security_logs.native.record import Record, fill, split_url, whole
from caponier.telemetry.security_logs.shapes import ByShape
from caponier.telemetry.security_logs.sources import LogSource

NAMES: Final = ("requests of an unknown product", "connections of an unknown product")
CONNECTION: Final = LogSource(None, "firewall", None)
_METHODS: Final = frozenset(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"])
_PREFIXES: Final = re.compile(r"^(?:client|http|request|req|response|resp|res|edge|downstream|cs|sc|remote)+")
"""What products set before the same few words, each in its own mixture."""
_WORDS: Final[Mapping[str, frozenset[str]]] = {
    "method": frozenset(["method", "verb"]),
    "target": frozenset(["uri", "url", "path", "uristem", "target", "fullpath", "uripath", "urlpath", "requestedpath"]),
    "status": frozenset(["status", "statuscode", "code"]),
    "address": frozenset(["ip", "addr", "address", "cip", "peer", "sourceip", "srcip", "srcaddr"]),
    "host": frozenset(["host", "authority", "vhost", "servername", "domain", "hostheader"]),
    "agent": frozenset(["useragent"]),
    "user": frozenset(["user", "username"]),
    "source": frozenset(["srcaddr", "srcip", "sourceip", "sourceaddress", "srcaddress", "sourceaddr", "src"]),
    "destination": frozenset(
        ["dstaddr", "dstip", "destip", "destinationip", "destinationaddress", "dstaddress", "dst"]
    ),
    "port": frozenset(["dstport", "destport", "destinationport", "dport"]),
    "action": frozenset(["action", "verdict", "decision", "disposition"]),
    "time": frozenset(
        [
            *("time", "timestamp", "ts", "date", "datetime", "timelocal", "timeiso", "starttime", "starttimestamp"),
            *("start", "eventtime", "msec", "createdat", "timestampns", "timestampms", "logtime", "localtime", "t"),
        ]
    ),
}
_PASSED: Final = frozenset(["accept", "accepted", "allow", "allowed", "pass", "permit", "permitted", "passed"])
_CALLERS: Final = ("header", "query", "body", "cookie", "param")
"""Parts of names below which a caller writes what he likes."""
_LABELS: Final = re.compile(r"(?:^|[._])(?:tags?|labels?|annotations?)(?:[._]|$)")
"""The same, where whoever owns a thing names them."""
_DEEP: Final = 4
_DOTS: Final = 3
_LONG: Final = 64


def recognise(fields: Fields, line: int) -> Record | None:
    """Tell a request or a connection by its form, and fill the normalised fields in; None where it is neither."""
    there = _there(fields)
    method = str(there.get("method", "")).upper()
    status = whole(there.get("status"))
    answered = status is not None and 100 <= status <= 599
    # Some servers tell of a request before they answer it; then only whom it came from makes it one.
    asked = "status" not in there and is_address(without_port(str(there.get("address", ""))))
    if method in _METHODS and (answered or asked) and _is_target(there.get("target")):
        _request(fields, there, method, status)
        return Record(fields, WEB, moment_of(there.get("time")), line, NAMES[0])
    if is_address(there.get("source")) and is_address(there.get("destination")) and "action" in there:
        fields["src_ip"], fields["dst_ip"] = there["source"], there["destination"]
        passed = str(there["action"]).lower() in _PASSED
        fields["action"] = "accept" if passed else there["action"]
        if (port := whole(there.get("port"))) is not None:
            fields["dst_port"] = port
        return Record(fields, CONNECTION, moment_of(there.get("time")), line, NAMES[1])
    return None


class Pairs(dict[str, Any]):
    """Names and values of a line, the first value of each name."""

    def __init__(self) -> None:
        super().__init__()
        self._torn = set[str]()

    def say(self, name: str, value: Any) -> None:
        """Take a pair."""
        if self.setdefault(name, value) != value:
            self._torn.add(name)

    @property
    def doubted(self) -> bool:
        """Whether some name does not count."""
        return bool(self._torn)

    def agreed(self) -> dict[str, Any]:
        """Return what nothing contradicts: of two values, one is in what somebody wrote into another."""
        return {name: value for name, value in self.items() if name not in self._torn}


class Doubted(Pairs):
    """Names and values between which nothing tells where a value without quotes ends.

    Of a name that stands twice the first value is the program's own where all values before it are such as nobody may
    choose. Where one before it may hold anything, either value may be in that: then neither counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self._free = False
        self._behind = set[str]()

    def say(self, name: str, value: str, *, quoted: bool = False) -> None:
        """Take a pair, and whether quotes tell where it ends."""
        if name not in self:
            self[name] = value
            if self._free:
                self._behind.add(name)
        elif name in self._behind:
            super().say(name, value)
        # What is asked of a server by a method holds no blank.
        asked = "method" in self and _TARGET.fullmatch(name) is not None
        self._free = self._free or not (quoted or asked or _is_closed(name, value))


def _is_closed(name: str, value: str) -> bool:
    """Tell whether nobody but the program chooses a value: an address, a number, a time, or a word of its own."""
    return (
        _CLOSED.fullmatch(name) is not None
        or _NUMBERS.fullmatch(value) is not None
        or is_address(without_port(value.lstrip("/")))
    )


class Agreed(dict[str, Any]):
    """What a line says in names and values, without those of which it says two.

    Args:
        found: All that it says.
        time: What it begins with, where it is no pair.
    """

    def __init__(self, found: Pairs, time: str | None) -> None:
        super().__init__(found.agreed())
        self.doubted = found.doubted
        """Whether there were such."""
        if time is not None:
            self["time"] = time.strip("[]")


def pairs(text: str) -> Agreed | None:
    """Read a line of `name=value` and `name="value"`, as logfmt has it, or behind a time; None where it is none."""
    begin = _BEGINS.match(text)
    if not begin:
        return None
    apart = next((one for one in _APART if one.fits(text)), None)
    if apart:
        return _told_apart(apart, text, begin[1])
    return _told_by_blanks(text, begin[1])


def _told_by_blanks(text: str, time: str | None) -> Agreed | None:
    """Read pairs between blanks, which a value without quotes may hold, too.

    Behind words that are no pair, and behind what somebody sent where nothing has shown that the product quotes, the
    names may be that somebody's: they add nothing, but contradict what stands before them.
    """
    found, seen = Doubted(), set[str]()
    open_, quotes, end = True, False, None
    for pair in _PAIR.finditer(text):
        name, double, single, bare = pair.groups()
        if end is not None and text[end : pair.start()].strip(" \t,;"):
            open_ = False
        end = pair.end()
        seen.add(name)
        if open_ or name in found:
            found.say(name, (double or single or bare or "").rstrip(",;" if bare else ""), quoted=bare is None)
        quotes = quotes or bool(double or single)
        open_ = open_ and (bare is None or quotes or not _WORDY.fullmatch(name))
    return Agreed(found, time) if len(seen) >= _FEWEST else None


def _told_apart(apart: "_Apart", text: str, time: str | None) -> Agreed | None:
    """Read pairs between signs: up to what somebody sent, who may set such a sign, too, and none that contradict."""
    found, sent = Pairs(), False
    for name, quoted, bare in apart.pair.findall(text):
        if not sent or name in found:
            found.say(name, quoted or bare.strip())
        sent = sent or SENT.fullmatch(name) is not None
    return Agreed(found, time) if len(found.agreed()) >= _FEWEST else None


def request_in(text: str) -> dict[str, Any] | None:
    """Return the request that a line of text tells of, under words of `recognise`; None where not one is there."""
    found = [*islice(_ASKED.finditer(text), 2)]
    if len(found) != 1:
        # Where two stand, one is what somebody wrote down.
        return None
    asked = found[0]
    method, target, behind = asked.group("method", "target", "status")
    after = text[asked.end() :]
    status = behind or next((found[1] for found in _STATUS.finditer(after)), None)
    request: dict[str, Any] = {"method": method, "path": target}
    if status is not None:
        request["status"] = int(status)
    for part in (text[: asked.start()], after):
        if address := next((word for word in map(_bare, part.split()) if is_address(word)), None):
            request["ip"] = address
            break
    return request


def _bare(word: str) -> str:
    """Return a word without what stands around an address, and without its port."""
    return without_port(word.strip("[](){}<>,;\"'").rpartition("=")[2].rstrip(":"))


_ASKED: Final = re.compile(
    rf"(?<![\w/])(?P<method>{'|'.join(sorted(_METHODS))})[\"'\]:]{{0,2}} {{1,4}}[\"']?"
    r"(?P<target>(?:/|https?://)(?:\S{0,4096}(?= HTTP/\d)|[^\s\"']{0,4096}))"
    r"(?: HTTP/\d(?:\.\d)?)?[\"']?(?:[ (:\[]{1,3}(?P<status>[1-5]\d\d)\b)?"
)
_STATUS: Final = re.compile(r"(?<![\w.:])([1-5]\d\d)(?![\w.:])")
_BEGINS: Final = re.compile(
    r"(\[\d[^\]]{9,40}\]|\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?: ?(?:Z|[+-]\d\d:?\d\d))?)?[,;]?\s{0,4}"
    # A logger says how bad it is and what it is called before it says anything.
    r"(?:(?<=\s)(?:[A-Z]{3,8}|\[[^\]=]{1,80}\]|\([^)=]{1,80}\))[ :]\s{0,4}){0,4}"
    r"[A-Za-z_][\w.\-]{0,63}=(?:\"|[^\s=\"])"
)
_PAIR: Final = re.compile(
    r"([A-Za-z_][\w.\-]{0,63})=(?:\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)'(?=[\s,;]|$)|([^\s\"]*))"
)
_CLOSED: Final = re.compile(
    r"(?i)(?:.*[_.\-])?(?:level|lvl|severity|logger|component|module|service|event|evt|action|act|op|operation|method|verb"
    r"|type|kind|category|result|outcome|status|verdict|decision|allowed|success|code|proto\w*|pid|time\w*|date|ts|rt)"
)
"""Names of what a program says in words of its own."""
_TARGET: Final = re.compile(r"(?i)(?:.*[_.\-])?(?:ur[il]|path|target)")
_NUMBERS: Final = re.compile(r"[\d.:,+\-/TZ]{1,64}")
_WORDY: Final = re.compile(
    r"(?i)(?:.*[_.\-])?(?:(?:user|http|client)?[_\-]?agent|ua|referr?er|body|cookies?|headers?|payload|prompts?|inputs?"
    r"|content|comments?|subject|title|text|desc\w*|command\w*|cmd|args?|file|file_?name)"
)
"""Names of what somebody sent that may hold blanks; a target holds none, nor does a message of one word."""
_FEWEST: Final = 4
SENT: Final = re.compile(
    r"(?i)(?:.*[_.\-])?(?:(?:user|http|client)?[_\-]?agent|ua|referr?er|query\w*|params?|body|cookies?|headers?|payload"
    r"|prompts?|inputs?|content|comments?|subject|title|text|msg|message|desc\w*|command\w*|cmd|args?|ur[il]|path)"
)
"""Names of what somebody sent, who may go on with names of his own."""


class _Apart(NamedTuple):
    """How pairs are told apart whose values hold blanks."""

    sign: str
    begins: re.Pattern[str]
    pair: re.Pattern[str]

    def fits(self, text: str) -> bool:
        """Tell whether all names of a line but the first stand behind this sign: anybody can send a few that do."""
        return (
            self.sign in text
            and len([*islice(self.begins.finditer(text), _FEWEST)]) == _FEWEST
            # In a table, blanks are of values; elsewhere names behind them tell that the sign is of a value.
            and (self.sign == "\t" or not _BLANK.search(text, text.index(self.sign)))
            and len([*islice(_PAIR.finditer(text[: text.index(self.sign)]), 2)]) < 2
        )


_BLANK: Final = re.compile(r"\s[A-Za-z_][\w.\-]{0,63}=")
_APART: Final = tuple(
    _Apart(
        sign[-1] if sign != r"\t" else "\t",
        re.compile(rf"{sign}[A-Za-z_][\w.\-]{{0,63}}="),
        re.compile(rf'(?:^|{sign}|\s)([A-Za-z_][\w.\-]{{0,63}})=(?:"((?:[^"\\]|\\.)*+)"(?={sign}|$)|([^{sign}]*))'),
    )
    for sign in (r"\t", r"\|", r"\^")
)


def deep(name: str) -> bool:
    """Tell whether a field lies too deep for its name to tell anything, or where a caller writes what he likes."""
    above = name.rpartition(".")[0]
    return above.count(".") >= _DEEP or any(part in above for part in _CALLERS) or _LABELS.search(above) is not None


def without_port(address: str) -> str:
    """Return an address without what stands behind it: a port, and the interface that firewalls name."""
    host, colon, behind = address.partition(":")
    return host if colon and (":" not in behind or host.count(".") == _DOTS) else address


def _named(fields: Fields) -> list[tuple[str, str]]:
    """Return the names that have a word, each with it, those that stand furthest outside first."""
    found = []
    for name in sorted(fields, key=lambda name: name.count(".")):
        if deep(name):
            continue
        above, _, last = name.rpartition(".")
        plain = "".join(filter(str.isalpha, last))
        if plain == "name" and above.rpartition(".")[2] == "user":
            plain = "username"
        bare = _PREFIXES.sub("", plain)
        found += [(word, name) for word, names in _WORDS.items() if plain in names or bare in names]
    return found


_NAMED: Final = ByShape(_named)


def _there(fields: Fields) -> dict[str, Scalar]:
    """Return the first value under each word."""
    found: dict[str, Scalar] = {}
    for word, name in _NAMED.of(fields):
        value = fields[name]
        if word not in found and value not in ("", "-") and (word != "time" or moment_of(value) is not None):
            found[word] = value
    return found


def _request(fields: Fields, there: Mapping[str, Scalar], method: str, status: int | None) -> None:
    parts = split_url(str(there["target"]))
    address = without_port(str(there.get("address", "")))
    given: Fields = {**parts, "cs-method": method}
    for name, word in (("cs-host", "host"), ("cs-user-agent", "agent"), ("cs-username", "user"), ("user", "user")):
        if word in there:
            given.setdefault(name, there[word])
    if is_address(address):
        given["c-ip"] = address
    fill(given, {"account": "user"})
    for name, value in given.items():
        fields.setdefault(name, value)
    fields["cs-method"] = method
    if status is not None:
        fields["sc-status"] = status


def _is_target(value: Scalar | None) -> bool:
    return isinstance(value, str) and (value[:1] in ("/", "*") or "://" in value[:9])


def is_address(value: Scalar | None) -> bool:
    """Tell whether a value is an address of IP."""
    try:
        ip_address(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def moment_of(value: Scalar | None) -> int | None:
    """Read a time; None where there is none, so that the envelope's counts."""
    if value is None or len(str(value)) > _LONG:
        return None
    try:
        return stamps.access_log(str(value)) if "/" in str(value)[:7] else stamps.any_time(value)
    except (ValueError, OverflowError):
        return None
