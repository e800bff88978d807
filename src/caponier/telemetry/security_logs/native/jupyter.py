"""Server log of Jupyter Server, Notebook, JupyterLab and JupyterHub.

The lines of Jupyter Server's `log.py` in the form of traitlets' `LogFormatter`, such as `[I 2026-01-05 09:00:00.123
ServerApp] 200 GET /api (ann@10.0.0.7) 1.50ms`.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.native.access_log import request
from caponier.telemetry.security_logs.native.record import Parsed, Stateless, made
from caponier.telemetry.security_logs.sources import LogSource

_LINE: Final = re.compile(
    r"\[([DIWEC]) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (\w+)(?: [\w.]+:\d+)?\] ?(.*)", re.DOTALL
)
_REQUEST: Final = re.compile(
    r"(\d{3}) ([A-Z]+) (\S+)(?: -> \S+)? \((?:([^()\s]*?)@)?([^()@\s]*)\) ([\d.]+) ?ms(?: referer=(.*)|.*)"
)


def _parse(text: str) -> Parsed:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    level, stamp, application, message = found.groups()
    fields = made({"level": level, "application": application, "message": message})
    time = stamps.iso(stamp)
    asked = _REQUEST.fullmatch(message)
    if asked is None:
        return fields, LogSource("jupyter", None, "server"), time
    status, method, target, user, address, _, referer = asked.groups()
    fields |= {**request(f"{method} {target}"), "sc-status": int(status)}
    # JupyterHub writes `user@address`, and a socket for both protocols an IPv4 address as one of IPv6.
    address = address.removeprefix("::ffff:")
    fields |= made({"c-ip": address, "cs-referer": referer, "cs-username": user, "user": user})
    return fields, LogSource("jupyter", "webserver", "server"), time


def reader() -> Stateless:
    """Return a reader of such lines."""
    return Stateless("Jupyter server", _parse)
