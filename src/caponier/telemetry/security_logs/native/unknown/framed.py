"""What a line of syslog says in names and values, in its message or in the structured data of RFC 5424."""

import re
from typing import Any, Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native import syslog
from caponier.telemetry.security_logs.native.network import forms

_ELEMENT: Final = re.compile(r"\[([^\s\]=\"]{1,64})((?: [^\s\]=\"]{1,64}=\"(?:[^\"\\\]]|\\.)*+\")*)\]")
_PARAMETER: Final = re.compile(r" ([^\s\]=\"]{1,64})=\"((?:[^\"\\\]]|\\.)*+)\"")
_QUOTED: Final = re.compile(r"\[((?:[\w.\-]{1,64}:\"(?:[^\"\\]|\\.)*+\"; ?){3,})[^\"]{0,8}\]?")
_MEMBER: Final = re.compile(r"([\w.\-]{1,64}):\"((?:[^\"\\]|\\.)*+)\"; ?")
"""What Check Point puts in the place of structured data."""
_PLAIN: Final = re.compile(r"[\w.\-]{1,64}=(?:\"(?:[^\"\\]|\\.)*+\"|[^\s\"=]*)(?:[,;]?\s+|[,;]|$)")
_NAME: Final = re.compile(r"([\w.\-]{1,64})=(\"?)")
_SENT: Final = re.compile(
    r"(?i).*(?:agent|ua|referr?er|query|param|body|cookie|header|payload|prompt|input|content|comment|subject|title"
    r"|text|msg|message|reason|desc|command|cmd|args?|detail|note|name)\w{0,16}"
)
"""Names of what somebody sent, who may go on with names of his own where nothing marks its end."""
_FEWEST: Final = 3


def pairs_of(fields: Fields) -> dict[str, Any] | None:
    """Return what a line's message or its structured data says in names and values; None where it says none.

    A name that stands twice with different values was written by somebody else the one time: then none of them count.

    Args:
        fields: Of a line of syslog.
    """
    message = fields.get("message")
    if isinstance(message, str) and _PLAIN.match(message) and (named := _of_message(message[: syslog.READ])):
        return named
    data = fields.get(syslog.STRUCTURED)
    return _of_data(data) if isinstance(data, str) else None


def _of_message(message: str) -> dict[str, Any] | None:
    at, found = 0, dict[str, str]()
    while at < len(message):
        pair = _PLAIN.match(message, at)
        name = _NAME.match(message, at)
        if pair is None or name is None:
            # Words between pairs are of whoever is quoted there, and so may be all that follows.
            return None
        value = message[name.end() : pair.end()].rstrip(" \t\n,;")
        value = value[:-1] if name[2] else value
        if found.setdefault(name[1].lower(), value) != value:
            return None
        at = pair.end()
        if not name[2] and _SENT.fullmatch(name[1]) and at < len(message):
            break
    return _kept(found)


def _of_data(data: str) -> dict[str, Any] | None:
    """Read the elements that a product defined itself; the others tell of the relay."""
    found = dict[str, str]()
    if own := _QUOTED.match(data, 0, syslog.READ):
        for name, value in _MEMBER.findall(own[1]):
            if found.setdefault(name.lower(), value) != value:
                return None
    for element in _ELEMENT.finditer(data[: syslog.READ]):
        if "@" not in element[1]:
            continue
        for name, value in _PARAMETER.findall(element[2]):
            if found.setdefault(name.lower(), value) != value:
                return None
    return _kept(found)


def _kept(found: dict[str, str]) -> dict[str, Any] | None:
    # Where and when, the header of the line says.
    named = {name: value for name, value in found.items() if name.partition(".")[0] not in _HEADER}
    return named if len(named) >= _FEWEST else None


_HEADER: Final = frozenset(["host", "hostname", "time", "program", "pid", "product", "category", "service", "logsource"])
