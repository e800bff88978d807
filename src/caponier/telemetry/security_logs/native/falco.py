"""Falco alerts as JSON (`json_output: true`), and as lines of text.

`time`, `rule`, `priority`, `output` and `output_fields`, as in "Falco Outputs" of Falco's documentation.
"""

import re
from typing import Final

from caponier.telemetry.framing import stamps
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import FieldMap, ObjectFormat, Parsed, Stateless, fill, made
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

_LINE: Final = re.compile(
    r"(?:(\d{4}-\d\d-\d\dT\S{8,24})|\d\d:\d\d:\d\d\.\d{9}): "
    r"(Emergency|Alert|Critical|Error|Warning|Notice|Informational|Debug) (.*)",
    re.DOTALL,
)
_FIELD: Final = re.compile(r"(?<![\w.])([a-z][\w.]{0,63})=(\S+)")
_TOLD: Final = frozenset(["command", "cmdline", "proc.cmdline", "pcmdline", "gcmdline", "args"])
_SHORT: Final[FieldMap] = {
    "commandline": ("command", "cmdline"),
    "image": ("proc_exepath", "process", "proc.name"),
    "parentimage": "parent",
    "user": ("user.name",),
    "container.image": ("container_image", "container_image_repository", "image"),
    "namespace": ("k8s_ns", "k8s_ns_name", "k8s.ns"),
    "pod": ("k8s_pod_name", "k8s.pod"),
}


def _parse(text: str) -> Parsed:
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    fields = made({"priority": found[2], "output": found[3]})
    before: frozenset[str] | None = None
    for name, value in _FIELD.findall(found[3]):
        # What a program was told may go on with names of fields. Falco's own stand before it, or as the last ones.
        if name not in (fields if before is None else before):
            fields[name] = value.rstrip(")")
        if before is None and name in _TOLD:
            before = frozenset(fields)
    fill(fields, _SHORT)
    # By itself a line has the time of day alone; the day stands in what carries it.
    return fields, LogSource("falco", ALARM, "falco"), stamps.iso(found[1]) if found[1] else None


def reader() -> Stateless:
    """Return a reader of Falco's lines (`json_output: false`)."""
    return Stateless("Falco", _parse)
