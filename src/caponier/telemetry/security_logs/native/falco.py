"""Falco alerts as JSON (`json_output: true`).

`time`, `rule`, `priority`, `output` and `output_fields`, as in "Falco Outputs" of Falco's documentation.
"""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FieldMap, ObjectFormat, fill
from caponier.telemetry.security_logs.sources import ALARM, LogSource

_NAMES: Final[FieldMap] = {
    "commandline": "output_fields.proc.cmdline",
    "image": ("output_fields.proc.exepath", "output_fields.proc.name"),
    "parentimage": ("output_fields.proc.pexepath", "output_fields.proc.pname"),
    "parentcommandline": "output_fields.proc.pcmdline",
    "user": ("output_fields.user.name", "output_fields.user.loginname", "output_fields.ka.user.name"),
    "host": ("hostname", "output_fields.evt.hostname"),
    "targetfilename": "output_fields.fd.name",
    "container.image": ("output_fields.container.image.repository", "output_fields.container.image"),
    "namespace": ("output_fields.k8s.ns.name", "output_fields.ka.target.namespace"),
    "pod": "output_fields.k8s.pod.name",
}
_STARTS: Final = frozenset(["execve", "execveat", "clone"])


def _fits(fields: Fields) -> bool:
    return "rule" in fields and "priority" in fields and "output" in fields


def _complete(fields: Fields) -> LogSource:
    fill(fields, _NAMES)
    started = fields.get("output_fields.evt.type") in _STARTS and "commandline" in fields
    return LogSource("linux" if started else "falco", "process_creation" if started else ALARM, "falco")


FORMAT: Final = ObjectFormat("Falco", _fits, _complete, ("time", "output_fields.evt.time"))
