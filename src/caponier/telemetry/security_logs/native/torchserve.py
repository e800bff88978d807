"""Logs of TorchServe.

The lines of its `log4j2.xml` ("Logging in TorchServe"), among them those of `ACCESS_LOG`, which the management
interface writes, too.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.native.access_log import request
from caponier.telemetry.security_logs.native.record import Parsed, Stateless, made
from caponier.telemetry.security_logs.sources import LogSource

_LINE: Final = re.compile(
    r"(?:(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d,\d{3}) )?\[(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) *\] (\S+) (\S+) - (.*)",
    re.DOTALL,
)
_REQUEST: Final = re.compile(r'/?(\S+?):(\d+) "([^"]*|[A-Z]{1,20} \S+ HTTP/[\d.]{1,5})" (\d{3}) (\d+)')


def _parse(text: str) -> Parsed:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    stamp, level, thread, logger, message = found.groups()
    fields = made({"level": level, "thread": thread, "logger": logger, "message": message})
    time = stamps.iso(stamp) if stamp else None
    asked = _REQUEST.fullmatch(message) if logger == "ACCESS_LOG" else None
    if asked is None:
        return fields, LogSource("torchserve", None, "server"), time
    address, port, line, status, _ = asked.groups()
    fields |= {**made({"c-ip": address, "c-port": port}), **request(line), "sc-status": int(status)}
    return fields, LogSource("torchserve", "webserver", "access"), time


def reader() -> Stateless:
    """Return a reader of such lines."""
    return Stateless("TorchServe", _parse)
