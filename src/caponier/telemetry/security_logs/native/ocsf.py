"""Events in OCSF, the Open Cybersecurity Schema Framework, version 1.x: a `class_uid` and `metadata`."""

from typing import Final

from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.record import ObjectFormat
from caponier.telemetry.security_logs.sources import LogSource, of_ocsf


def _fits(fields: Fields) -> bool:
    return "class_uid" in fields


def _complete(fields: Fields) -> LogSource:
    found = of_ocsf(fields)
    if found is None:
        raise ValueError(f"no log source: no Sigma category stands for the OCSF class {str(fields['class_uid'])[:20]}")
    return found


FORMAT: Final = ObjectFormat("OCSF", _fits, _complete, ("time", "time_dt", "metadata.original_time"))
