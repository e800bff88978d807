"""What a sentence of a log tells of who did it, from where and how it ended.

`Failed login attempt for user 'ada' from 203.0.113.9` has a hundred variants, but all name an address behind a word of
where from, a name behind a word of who, and a word of how it ended.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import account_name, identity
from caponier.telemetry.security_logs.native.network.forms import is_address
from caponier.telemetry.security_logs.native.record import FAILURE, SUCCESS
from caponier.telemetry.security_logs.native.unknown import quotations

_ADDRESS: Final = (
    r"(?:\[?((?<![\w.:])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
    r"|(?<![\w.:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?![\w:]))\]?)"
)
_ANY_ADDRESS: Final = re.compile(_ADDRESS)
_FROM: Final = re.compile(
    r"(?i)(?:[\"'`]@(?=[\"'`])|\b(?:from|client(?:[_ -]?(?:ip|addr\w*))?|ip(?:[_ -]?addr\w*)?|(?:ip)?v?[46]"
    r"|peer(?:[_ -]?ip)?|remote\w*|rhost|src(?:[_ -]?ip)?|source(?:[_ -]?ip)?|address|by|host)"
    r"(?:[\s=:\[('\"`]|ip\b|address\b|host\b|is\b){1,8})[\"'`(]*" + _ADDRESS
)
_ANSWERER: Final = re.compile(
    r"(?i)\b(?:to|on|at|via|server|service|local\w*|dst|dest\w*|target|listen\w*|bind|upstream|proxy|laddr|lip)"
    r"(?:[\s=:\[('\"`]|ip\b|address\b|host\b){1,8}" + _ADDRESS
)
"""An address of the one who was asked."""
_NAME: Final = r"[\"'`\[(<\\]{0,3}([\w.@+$\\\-]{1,128})"
_WHO: Final = re.compile(
    rf"(?i)\b(?:(?:user(?:[_ -]?(?:name|id))?|account(?:[_ -]?name)?|usr)(?: ?[=:] ?|\s(?:\[[\w .\-]{{1,64}}\]\\)?)"
    # Behind these words a blank alone may go on with anything; `imap-login:` is a program.
    rf"|(?<!-)(?:login(?:[_ -]?name)?|e-?mail)(?: ?[=:] ?(?!user\b)|\s(?=[\"'`]))){_NAME}"
)
_FOR: Final = re.compile(rf"(?i)\b(?:for|of)\s+(?:invalid |unknown |the )?(?:user\s+)?{_NAME}")
_NAMES: Final = re.compile(r"(?i)\d\.\d|:[0-9a-f]{0,4}:|use?r|account|login|mail|\b(?:for|of)\s")
"""What every sentence holds that names somebody or an address; most lines hold none, and are read no further."""
_NOBODY: Final = frozenset(
    [
        *("name", "from", "with", "is", "was", "has", "not", "and", "or", "the", "in", "on", "at", "to", "failed"),
        *("failure", "success", "successful", "attempt", "attempts", "logged", "login", "does", "agent", "user", "id"),
        *("invalid", "unknown", "using", "by", "for", "session", "authenticated", "authentication", "error", "null"),
        *("account", "password", "a", "an", "this", "that", "ip", "client", "group", "request", "connection"),
        *("of", "that", "who", "tried", "attempted", "trying", "could", "cannot", "can", "did", "been", "via", "after"),
    ]
)
"""Words behind such a word that are no name."""
_PATH: Final = re.compile(r"[/\\]")
_ENTERS: Final = re.compile(
    r"(?i)\b(?:log(?:ged|ging|s)?[ _-]?[io]n|sign(?:ed|ing)?[ _-]?[io]n|auth|authenticat\w*|(?:auth|login)[_-]\w+"
    r"|passwords?|passphrase|credentials?|session opened)\b"
)
_BAD: Final = re.compile(
    r"(?i)(?:\b|_)(?:fail\w*|failure|invalid|incorrect|unsuccess\w*|den(?:y|ied)|reject\w*|bad|wrong|mismatch\w*|unable"
    r"|unauthori[sz]ed|not? (?:valid|allowed|match\w*|found|authenticated|such)|refused|error|bann?ed|block\w*)\b"
)
_GOOD: Final = re.compile(
    r"(?i)\b(?:success\w*|succeeded|accepted|granted|logged[ -]in|signed[ -]in|authenticated|opened|ok)\b"
)


class Sentence(NamedTuple):
    """What one tells; None of what it does not say, or says twice and differently."""

    who: str | None
    address: str | None
    outcome: str | None
    """Of a login."""
    doubted: bool = False
    """Whether it names two: what holds of a login is then that it failed, of nobody."""


def told(text: str) -> Sentence:
    """Read a sentence that a program wrote.

    Two addresses to come from, or two names, are the name of somebody that holds another: then neither is told.
    """
    plain = quotations.own(text)
    addresses = {_short(found[1]) for found in _FROM.finditer(plain) if is_address(found[1])}
    bare = quotations.unquoted(plain)
    # What stands alone in quotes may be a path, or a host that somebody asked for.
    others = {_short(found[1]) for found in _ANY_ADDRESS.finditer(_ANSWERER.sub(" ", bare)) if is_address(found[1])}
    if not addresses:
        address = others.pop() if len(others) == 1 else None
    elif len(others | addresses) > 1:
        # One of them a caller may have written into his name, with a word in front of it.
        return _doubted(plain, [(_short(found[1]), found.start(1)) for found in _ANY_ADDRESS.finditer(plain)])
    else:
        address = addresses.pop()
    # "for" names somebody where it is about a login; elsewhere it is for a port, a server, a task.
    spans = list(_named(_WHO, plain)) or (list(_named(_FOR, plain)) if _ENTERS.search(plain) else [])
    named = [name for name, _ in spans]
    if len({name.lower() for name in named}) > 1:
        return _doubted(plain, [(name.lower(), at) for name, at in spans])
    who = named[0] if named and not _is_pair_of_another(named[0], address, bare) else None
    words = " ".join(
        word for word in bare.split() if "/" not in word and "\\" not in word and (who is None or who not in word)
    )
    if not _ENTERS.search(words):
        return Sentence(who, address, None)
    return Sentence(who, address, FAILURE if _BAD.search(words) else SUCCESS if _GOOD.search(words) else None)


def _doubted(text: str, named: list[tuple[str, int]]) -> Sentence:
    """Read a sentence that names two, where one is in what somebody wrote: a login that failed is told all the same.

    Else whoever fails to log in hid it by a name that goes on with another. Only what stands before the second counts.
    """
    first = named[0][0]
    second = next((at for name, at in named if name != first), len(text))
    words = " ".join(word for word in quotations.unquoted(text[:second]).split() if first not in word.lower())
    failed = _ENTERS.search(words) and _BAD.search(words) and not _GOOD.search(words)
    return Sentence(None, None, FAILURE if failed else None, doubted=True)


def _is_pair_of_another(who: str, address: str | None, text: str) -> bool:
    """Tell whether a name stands in a pair, as in `user=root`, behind words that tell where it was from.

    A program that writes pairs writes the address in one, too, or both at once; behind other words, a pair is what
    somebody sent.
    """
    if address is None:
        return False
    before = text[: text.find(who)].rstrip(_OPENING)
    if before[-1:] not in ("=", ":"):
        return False
    last = None
    for last in _ANY_ADDRESS.finditer(before):
        if _IN_PAIR.search(text, 0, last.start()):
            return False
    return last is not None and _AT_ONCE.fullmatch(before, last.end()) is None


_OPENING: Final = "\"'`[(<\\"
_IN_PAIR: Final = re.compile(r"(?:[\w.\-]=\S{0,128}|\w: ?[\[(\"'`<]{0,2})$")
"""What stands before a value in a pair, or before what goes on with it, as in `client=gw[203.0.113.9]`."""
_AT_ONCE: Final = re.compile(r"(?::\d{1,5})?[\])\"'`>]{0,3}[,;]?\s{1,4}[\w.\-]{1,64}[=:]")


def understand(text: str, fields: Fields) -> bool:
    """Fill in who, from where and how a login ended, as far as a sentence says it and no field does.

    Args:
        text: The sentence.
        fields: Of the event; filled in place. Where they name an account or an address, the sentence may be that one's
            own words: it then tells how a login ended alone, and of a login only where it names nobody else.

    Returns:
        Whether it tells of a login.
    """
    there = identity(fields)
    named = there.account is not None or there.address is not None
    if not named and not _NAMES.search(text, 0, quotations.READ):
        return False
    found = told(text)
    if named:
        other = found.who is not None and account_name(found.who) != there.account
        if found.doubted or other or found.address not in (None, there.address):
            return False
    else:
        if found.address is not None:
            fields["src_ip"] = found.address
        if found.who is not None:
            fields["user"] = found.who
    if found.outcome is None:
        return False
    fields.setdefault("outcome", found.outcome)
    return found.doubted or identity(fields).address is not None


def _short(address: str) -> str:
    mapped = address.lower().removeprefix("::ffff:")
    return mapped if "." in mapped else address


def _named(words: re.Pattern[str], text: str) -> Iterator[tuple[str, int]]:
    for found in words.finditer(text):
        name = found[1].rstrip(".,;:\\-")
        if name.lower() not in _NOBODY and not is_address(name) and not name.isdecimal():
            yield name, found.start(1)
