"""Messages as Kafka's console consumer prints them: time, place, headers and key before the value, with tabs between.

The form is that of `DefaultMessageFormatter` with `print.timestamp`, `print.headers` and `print.key`.
"""

import re
from typing import Any, Final

BEGINS: Final = (b"CreateTime:", b"LogAppendTime:")
_TIME: Final = re.compile(r"(?:CreateTime|LogAppendTime):(\d{10,16})")
_PLACE: Final = re.compile(r"(Partition|Offset):(\d{1,20})")
_HEADERS: Final = re.compile(r"NO_HEADERS|[\w.\-]{1,100}:[^,]*(?:,[\w.\-]{1,100}:[^,]*)*")
_MOST: Final = 8
"""Parts before the value."""


def console_message(line: bytes) -> dict[str, Any] | None:
    """Return a message with its topic's place, headers, key, time and value, as `kcat -J` has it; None for other lines.

    Args:
        line: Of the log.
    """
    if not line.startswith(BEGINS):
        return None
    parts = line.decode("utf-8", "replace").split("\t", _MOST)
    time = _TIME.fullmatch(parts[0])
    at = next((at for at, part in enumerate(parts) if part.lstrip()[:1] == "{"), 0)
    if time is None or not at:
        return None
    told: dict[str, Any] = {"topic": "", "partition": 0, "offset": 0, "ts": int(time[1])}
    left = []
    for part in parts[1:at]:
        if place := _PLACE.fullmatch(part):
            told[place[1].lower()] = int(place[2])
        else:
            left.append(part)
    if left and _HEADERS.fullmatch(left[0]):
        pairs = (one.partition(":") for one in left.pop(0).split(",") if ":" in one)
        told["headers"] = {name: value for name, _, value in pairs}
    if left and left[0] != "null":
        told["key"] = left[0]
    return {**told, "value": "\t".join(parts[at:])}
