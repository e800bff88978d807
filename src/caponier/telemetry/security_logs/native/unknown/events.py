"""Events of products that nobody has described, told by who, where and from where alone.

No rule of one product asks for them. But they are logins where they say so, a rule of one's own may ask for their
fields, and the scan can tell that they were read.
"""

import re
from typing import Any, Final

import orjson

from caponier.telemetry.security_logs.fields import TEXT, Fields, flatten
from caponier.telemetry.security_logs.identity import identity
from caponier.telemetry.security_logs.native.network import audits, forms
from caponier.telemetry.security_logs.native.record import Record
from caponier.telemetry.security_logs.native.unknown import doubled, moments, phrases, quotations
from caponier.telemetry.security_logs.sources import LogSource

NAME: Final = "events of an unknown product"
LOGIN: Final = LogSource(None, "authentication", None)
UNKNOWN: Final = LogSource(None, None, "unknown")
_SENTENCES: Final = ("message", "msg", "event.message", "log.message")
"""What a program says itself; a text, a body or a description is as likely what somebody sent."""
_LEVELS: Final = (
    "level",
    "severity",
    "loglevel",
    "log.level",
    "lvl",
    "levelname",
    "log_level",
    "severity_text",
    "priority",
)
"""A logger says how bad it is; who only keeps what people write does not."""
_SAYS: Final = frozenset(["product", "category", "service", "logsource", "time", "message"])
"""Of these the line tells, not the object in it."""


def recognise(fields: Fields, line: int, time: int, *, known: bool) -> Record | None:
    """Read an object that says who did something, where or from where; None where it says none of these.

    Args:
        fields: Of the object, flat; filled in place.
        line: Where it stands.
        time: When it happened, in microseconds since the epoch.
        known: Whether another one of the same file was read so; then it need not say any of these.
    """
    audits.name_parts(fields)
    enters = False
    if not fields.keys().isdisjoint(_LEVELS):
        said = next((said for name in _SENTENCES if isinstance(said := fields.get(name), str)), None)
        enters = said is not None and phrases.understand(said, fields)
    if not (known or any(identity(fields))):
        return None
    return Record(fields, LOGIN if enters else UNKNOWN, time, line, NAME)


def of_line(text: str, line: int, *, alone: bool) -> Record | dict[str, Any] | None:
    """Read a line that begins with a time.

    Args:
        text: The line.
        line: Where it stands.
        alone: Whether no line of the file was of a known format. Else one that says neither who nor from where is
            rather a line of that format that was cut off.

    Returns:
        The event; or an object that stands at the end of the line, with the time and the words before it; None where
        the line begins with no time, or is none.
    """
    found = moments.leading(text)
    if found is None:
        return None
    time, before, behind = found
    message = f"{before} {behind}".strip(" []|-:\t")[:TEXT]
    if (inner := _object(before, behind)) is not None:
        said = behind[: behind.index("{")].strip(" []|-:\t")
        return {**inner, "time": time // 1_000, **({"message": said, "level": before} if said else {})}
    fields: Fields = {"message": message}
    if request := forms.request_in(quotations.own(message, quotations.REQUEST)):
        record = forms.recognise(flatten({**request, "time": time // 1_000})[0], line)
        if record is not None:
            return record._replace(fields={**fields, **record.fields}, time=time)
    enters = phrases.understand(message, fields)
    if not (alone or any(identity(fields))):
        return None
    return Record(fields, LOGIN if enters else UNKNOWN, time, line, NAME)


def _object(before: str, behind: str) -> dict[str, Any] | None:
    """Return the object at the end of a line, unless what stands before it lets one doubt that the program made it."""
    begin = behind.find("{")
    if begin < 0 or behind.rstrip()[-1:] != "}":
        return None
    said = before + behind[:begin]
    if not quotations.is_own(said) or _REPEATS.search(said) or any(map(str.isdigit, said.split("]")[-1])):
        return None
    try:
        read = orjson.loads(behind[begin:])
    except orjson.JSONDecodeError:
        return None
    if not isinstance(read, dict) or not read:
        return None
    (agreed,) = doubled.without_doubled(behind[begin:].encode(), [read]) or (None,)
    read = read if agreed is None else agreed
    return {name: value for name, value in read.items() if name.lower().partition(".")[0] not in _SAYS}


_REPEATS: Final = re.compile(
    r"(?i)=|\b(?:GET|POST|PUT|HEAD|PATCH|DELETE|OPTIONS|received|got|request\w*|payload|body|prompts?|inputs?|agent|data|sent)\b"
)
"""Words in front of what somebody sent."""
