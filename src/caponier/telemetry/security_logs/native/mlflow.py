"""Server log of MLflow's tracking server.

MLflow's own lines (`mlflow/utils/logging_utils.py`), and those of gunicorn and uvicorn, on which it runs. With
`--gunicorn-opts "--access-logfile -"` gunicorn writes an access log besides.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.native.access_log import request
from caponier.telemetry.security_logs.native.record import Parsed, Stateless, made
from caponier.telemetry.security_logs.sources import LogSource

_OWN: Final = re.compile(
    r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (DEBUG|INFO|WARNING|ERROR|CRITICAL) ([\w.]+): (.*)", re.DOTALL
)
_FAILED: Final = re.compile(r"Exception on (.*) \[([A-Z]+)\]", re.DOTALL)
_GUNICORN: Final = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\] \[(\d+)\] \[(\w+)\] (.*)", re.DOTALL)
_ASKED: Final = re.compile(r"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*")
_OTHER: Final = re.compile(r"(DEBUG|INFO|WARNING|ERROR|CRITICAL): {2,8}(.*)", re.DOTALL)
_UVICORN: Final = re.compile(
    r"(?:\([^)]{1,60}\) )?(?:(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?) (?:- )?)?INFO:? +(?:uvicorn\.access: )?"
    r'(\S+?):(\d+) - "([^"]*|[A-Z]{1,20} \S+ HTTP/[\d.]{1,5})" (\d{3})(?: .*)?'
)
WEB: Final = LogSource("mlflow", "webserver", "server")


def _parse(text: str) -> Parsed:
    if found := _OWN.fullmatch(text):
        stamp, level, logger, message = found.groups()
        fields, time = made({"level": level, "logger": logger, "message": message}), stamps.iso(stamp.replace("/", "-"))
        if asked := _FAILED.fullmatch(message.partition("\n")[0]):
            return {**fields, **request(f"{asked[2]} {asked[1]}"), "sc-status": 500}, WEB, time
        return fields, LogSource("mlflow", None, "server"), time
    if found := _GUNICORN.fullmatch(text):
        stamp, pid, level, message = found.groups()
        fields = made({"level": level, "pid": pid, "message": message})
        if level == "DEBUG" and (asked := _ASKED.fullmatch(message)):
            return fields | request(asked[0]), LogSource("gunicorn", "webserver", "server"), stamps.iso(stamp)
        return fields, LogSource("gunicorn", None, "server"), stamps.iso(stamp)
    if found := _UVICORN.fullmatch(text):
        seen, address, port, line, status = found.groups()
        fields = {**made({"c-ip": address, "c-port": port}), **request(line), "sc-status": int(status)}
        return fields, LogSource("uvicorn", "webserver", "server"), stamps.iso(seen) if seen else None
    if found := _OTHER.fullmatch(text):
        return made({"level": found[1], "message": found[2]}), LogSource("uvicorn", None, "server"), None
    return None


def reader() -> Stateless:
    """Return a reader of such lines."""
    return Stateless("MLflow server (gunicorn, uvicorn)", _parse)
