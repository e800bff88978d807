"""Logs of Ray and of its dashboard.

Lines `YYYY-MM-DD HH:MM:SS,mmm<TAB>LEVEL file.py:line -- message`, as in "Configuring Logging" of Ray's documentation;
the dashboard's log holds aiohttp's access lines as messages. Its event files are JSON ("Ray event export").
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.access_log import request
from caponier.telemetry.security_logs.native.record import ObjectFormat, Parsed, Stateless, fill, made
from caponier.telemetry.security_logs.sources import LogSource

_LINE: Final = re.compile(
    r"(?:\[[^\]]{1,80}\] )?(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3})\s+(DEBUG|INFO|WARNING|ERROR|CRITICAL)\s+"
    r"([\w.\-]+:\d+) -- (.*)",
    re.DOTALL,
)
_AIOHTTP: Final = re.compile(
    r"""(\S+) \[[^\]]+\] (["'])([A-Z]{1,20} \S+ HTTP/[\d.]{1,5}|.*?)\2 (\d{3}) (\d+|-)(?: bytes \d+ us)?"""
    r"""(?: (["'])(?=.*\6$)(.*?)\6 \6(.*)\6| .*)?"""
)


def _parse(text: str) -> Parsed:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    stamp, level, place, message = found.groups()
    fields, time = made({"level": level, "place": place, "message": message}), stamps.iso(stamp)
    asked = _AIOHTTP.fullmatch(message)
    if asked is None:
        return fields, LogSource("ray", None, "server"), time
    address, _, line, status, _, _, referer, agent = asked.groups()
    fields |= {**request(line), "sc-status": int(status)}
    fields |= made({"c-ip": address, "cs-referer": referer, "cs-user-agent": agent})
    return fields, LogSource("ray", "webserver", "dashboard"), time


def reader() -> Stateless:
    """Return a reader of such lines."""
    return Stateless("Ray", _parse)


def _is_event(fields: Fields) -> bool:
    return "source_type" in fields and "event_id" in fields and "source_hostname" in fields


def _event(fields: Fields) -> LogSource:
    fill(fields, {"host": "source_hostname", "job": ("custom_fields.job_id", "custom_fields.submission_id")})
    return LogSource("ray", None, "events")


EVENTS: Final = ObjectFormat("Ray events", _is_event, _event, ("timestamp", "time"))
