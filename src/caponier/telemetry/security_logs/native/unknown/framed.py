"""What a line of syslog says in names and values, in its message or in the structured data of RFC 5424."""

import re
from typing import Any, Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native import syslog
from caponier.telemetry.security_logs.native.network import forms
from caponier.telemetry.security_logs.native.network.forms import Pairs

_ELEMENT: Final = re.compile(r"\[([^\s\]=\"]{1,64})((?: [^\s\]=\"]{1,64}=\"(?:[^\"\\\]]|\\.)*+\")*)\]")
_PARAMETER: Final = re.compile(r" ([^\s\]=\"]{1,64})=\"((?:[^\"\\\]]|\\.)*+)\"")
_QUOTED: Final = re.compile(r"\[((?:[\w.\-]{1,64}::?\"(?:[^\"\\]|\\.)*+\"; ?){3,})[^\"]{0,8}\]?")
_MEMBER: Final = re.compile(r"([\w.\-]{1,64})::?\"((?:[^\"\\]|\\.)*+)\"; ?")
"""What Check Point puts in the place of structured data."""
_PLAIN: Final = re.compile(r"[\w.\-]{1,64}=(?:\"(?:[^\"\\]|\\.)*+\"|[^\s\"=]*)(?:[,;]?\s+|[,;]|$)")
_NAME: Final = re.compile(r"([\w.\-]{1,64})=(\"?)")
_FEWEST: Final = 3


def pairs_of(fields: Fields) -> dict[str, Any] | None:
    """Return what a line's message or its structured data says in names and values; None where it says none.

    A name that stands twice with different values was written by somebody else the one time: then it does not count.

    Args:
        fields: Of a line of syslog.
    """
    data = fields.get(syslog.STRUCTURED)
    if isinstance(data, str):
        return _of_data(data)
    message = fields.get("message")
    if isinstance(message, str) and _PLAIN.match(message):
        return _of_message(message[: syslog.READ])
    return None


def _of_message(message: str) -> dict[str, Any] | None:
    at, found = 0, Pairs()
    while at < len(message):
        pair = _PLAIN.match(message, at)
        name = _NAME.match(message, at)
        if pair is None or name is None:
            # Words between pairs are of whoever is quoted there, and so may be all that follows.
            return None
        value = message[name.end() : pair.end()].rstrip(" \t\n,;")
        value = value[:-1] if name[2] else value
        found.say(name[1].lower(), value)
        at = pair.end()
        if forms.SENT.fullmatch(name[1]):
            break
    return _kept(found.agreed())


def _of_data(data: str) -> dict[str, Any] | None:
    """Read the elements that a product defined itself; the others tell of the relay."""
    found = Pairs()
    if own := _QUOTED.match(data, 0, syslog.READ):
        _take(_MEMBER.findall(own[1]), found)
    for element in _ELEMENT.finditer(data[: syslog.READ]):
        if "@" in element[1]:
            _take(_PARAMETER.findall(element[2]), found)
    return _kept(found.agreed())


def _take(pairs: list[tuple[str, str]], found: Pairs) -> None:
    """Keep pairs up to what somebody sent, who may have shut its quotes; behind it, only what contradicts others."""
    sent = False
    for name, value in pairs:
        if not sent or name.lower() in found:
            found.say(name.lower(), value)
        sent = sent or forms.SENT.fullmatch(name) is not None


def _kept(found: dict[str, str]) -> dict[str, Any] | None:
    # Where and when, the header of the line says.
    named = {name: value for name, value in found.items() if name.partition(".")[0] not in _HEADER}
    return named if len(named) >= _FEWEST else None


_HEADER: Final = frozenset(
    ["host", "hostname", "time", "program", "pid", "product", "category", "service", "logsource"]
)
