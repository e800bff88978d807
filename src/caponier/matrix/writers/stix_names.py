"""Ids, moments and the maker of STIX objects: the same for the same thing, whichever release says it.

STIX recommends ids that are drawn at random, but allows any UUID; ids that follow from what they name let two exports,
and a flow and the matrix that it speaks of, meet in one collection.
"""

import datetime
import json
from typing import Any, Final
from uuid import UUID, uuid5

_NAMESPACE: Final = UUID("01400ede-f93b-4a16-9eaa-f40c1989e450")
_BEGIN: Final = datetime.date(2020, 10, 23)
"""When the first of the matrices came out: no release that is read here is older, but some of ATT&CK."""
SPEC: Final = "2.1"


def stix_id(type_: str, *names: str) -> str:
    """Return the id of an object of that type for what the names name."""
    return f"{type_}--{uuid5(_NAMESPACE, json.dumps([type_, *names]))}"


def moment(time: datetime.date | datetime.datetime) -> str:
    """Return a moment as STIX writes it, in milliseconds of UTC; a day is its first moment."""
    if not isinstance(time, datetime.datetime):
        time = datetime.datetime(time.year, time.month, time.day, tzinfo=datetime.UTC)
    return time.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def lifetime(released: datetime.date | None) -> dict[str, str]:
    """Return when an entry was created and modified.

    The first must never change while the id stays, so it is the same for all releases; the second is the release.
    """
    created = min(_BEGIN, released or _BEGIN)
    return {"created": moment(created), "modified": moment(released or _BEGIN)}


IDENTITY: Final = stix_id("identity", "Caponier")


def identity() -> dict[str, Any]:
    """Return the object that says who has written the others."""
    return {
        "type": "identity",
        "spec_version": SPEC,
        "id": IDENTITY,
        "created_by_ref": IDENTITY,
        **lifetime(None),
        "name": "Caponier",
        "identity_class": "system",
        "description": "Wrote these objects from the facts of a public matrix: ids, names and relations.",
    }
