"""Validate flows against the schema of Attack Flow 2.0, where a checkout has it beside it."""

import json
import re
from functools import cache
from typing import Any

import pytest

from matrix.conftest import SHARED

_SCHEMAS = SHARED / "reference" / "schemas"
_FLOW = _SCHEMAS / "attack-flow-schema-2.0.0.json"
_STIX = re.compile(r"https?://raw\.githubusercontent\.com/oasis-open/cti-stix2-json-schemas/[^/]+/schemas/(.+\.json)")


def complaints(text: str) -> list[str]:
    """Say which objects of a bundle the schema refuses; skip the test if there is no schema."""
    if not _FLOW.is_file():
        pytest.skip("nothing to validate with beside the repository: shared/reference/schemas")
    validator, found = _validator(), []
    for one in json.loads(text)["objects"]:
        if one["type"].startswith("attack-") and one["type"] != "attack-pattern":
            found += [f"{one['id']}: {error.json_path}: {error.message}" for error in validator.iter_errors(one)]
    return found


@cache
def _validator() -> Any:
    # Only here: it takes seconds to import.
    import jsonschema
    import referencing

    schema = json.loads(_FLOW.read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema, registry=referencing.Registry(retrieve=cache(_retrieve)))


def dangling(text: str) -> set[str]:
    """Return the ids that the flow's own objects name and the bundle does not have; matrix objects stand elsewhere."""
    objects = json.loads(text)["objects"]
    named = {
        id_
        for one in objects
        for key in ("start_refs", "effect_refs", "asset_refs", "created_by_ref", "extensions")
        for id_ in ([one[key]] if isinstance(one.get(key), str) else one.get(key, ()))
    }
    return named - {one["id"] for one in objects}


def _retrieve(uri: str) -> Any:
    import referencing

    found = _STIX.fullmatch(uri)
    if not found:
        raise referencing.exceptions.NoSuchResource(ref=uri)
    path = _SCHEMAS / "oasis-open" / found[1]
    return referencing.Resource.from_contents(
        json.loads(path.read_text(encoding="utf-8")), referencing.jsonschema.DRAFT202012
    )
