"""Events in OCSF, the Open Cybersecurity Schema Framework, version 1.x: a `class_uid` and `metadata`."""

import re
from typing import Any, Final

import orjson

from caponier.telemetry.security_logs.fields import Fields, Scalar, flatten
from caponier.telemetry.security_logs.native import cloudtrail
from caponier.telemetry.security_logs.native.record import ObjectFormat
from caponier.telemetry.security_logs.sources import CLOUDTRAIL, LogSource, of_ocsf


def _fits(fields: Fields) -> bool:
    return "class_uid" in fields


def _complete(fields: Fields) -> LogSource:
    found = of_ocsf(fields)
    if found is None:
        raise ValueError(f"no log source: no Sigma category stands for the OCSF class {str(fields['class_uid'])[:20]}")
    if found == CLOUDTRAIL and "eventname" in fields:
        _ask(fields)
        return cloudtrail.FORMAT.complete(fields)
    return found


def _ask(fields: Fields) -> None:
    """Put what a call asks for where CloudTrail has it: mappings keep it as text, or as what they do not map."""
    for name in [name for name in fields if name.startswith(_UNMAPPED)]:
        fields.setdefault(name.removeprefix("unmapped."), fields[name])
    for name in _AS_TEXT:
        asked = _document(fields.get(name))
        if asked:
            for inner, value in flatten({"requestParameters": asked})[0].items():
                fields.setdefault(inner, value)
    if found := _BUCKET.match(str(fields.get("resources.uid", ""))):
        fields.setdefault("bucket", found[1])


def _document(text: Scalar | None) -> dict[str, Any] | None:
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        read = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return read if isinstance(read, dict) else None


_UNMAPPED: Final = "unmapped.requestparameters."
_AS_TEXT: Final = ("api.request.data", "unmapped.requestparameters")
_BUCKET: Final = re.compile(r"arn:aws:s3:::([^/,]+)")


FORMAT: Final = ObjectFormat("OCSF", _fits, _complete, ("time", "time_dt", "metadata.original_time"))
