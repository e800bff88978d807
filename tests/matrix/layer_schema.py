"""The layer format 4.5 as a JSON Schema, from the property tables of the Navigator's format page."""

from typing import Any, Final

import jsonschema

_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": properties, "additionalProperties": False}


_DIVIDER: Final = _object(("divider",), divider=_FLAG)
_METADATA: Final = {
    "type": "array",
    "items": {"anyOf": [_object(("name", "value"), name=_TEXT, value=_TEXT), _DIVIDER]},
}
_LINKS: Final = {
    "type": "array",
    "items": {
        "anyOf": [
            _object(("label", "url"), label=_TEXT, url={"type": "string", "pattern": "^[a-z]+://"}),
            _DIVIDER,
        ]
    },
}
_COLOR: Final = {"type": "string", "pattern": "^(|#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?)$"}
_TECHNIQUE: Final = _object(
    ("techniqueID",),
    techniqueID={"type": "string", "pattern": r"^(AML\.)?T[0-9]{4}(\.[0-9]{3})?$"},
    tactic={"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
    comment=_TEXT,
    enabled=_FLAG,
    score={"type": "number"},
    color=_COLOR,
    metadata=_METADATA,
    links=_LINKS,
    showSubtechniques=_FLAG,
)
_LAYER: Final = _object(
    ("name", "domain"),
    versions=_object(
        ("navigator", "layer"),
        attack=_TEXT,
        navigator={"type": "string", "pattern": r"^(4\.(9|[1-9][0-9])|[5-9])(\.[0-9]+)*$"},
        layer={"const": "4.5"},
    ),
    name=_TEXT,
    description=_TEXT,
    domain={"enum": ["enterprise-attack", "mobile-attack", "ics-attack", "atlas-atlas"]},
    customDataURL=_TEXT,
    filters=_object((), platforms={"type": "array", "items": _TEXT}),
    sorting={"enum": [0, 1, 2, 3]},
    layout=_object(
        (),
        layout={"enum": ["side", "flat", "mini"]},
        showID=_FLAG,
        showName=_FLAG,
        showAggregateScores=_FLAG,
        countUnscored=_FLAG,
        aggregateFunction={"enum": ["average", "min", "max", "sum"]},
        expandedSubtechniques={"enum": ["none", "all", "annotated"]},
    ),
    hideDisabled=_FLAG,
    techniques={"type": "array", "items": _TECHNIQUE},
    gradient=_object(
        ("colors", "minValue", "maxValue"),
        colors={"type": "array", "minItems": 2, "items": _COLOR},
        minValue={"type": "number"},
        maxValue={"type": "number"},
    ),
    legendItems={"type": "array", "items": _object(("label", "color"), label=_TEXT, color=_COLOR)},
    showTacticRowBackground=_FLAG,
    tacticRowBackground=_COLOR,
    selectTechniquesAcrossTactics=_FLAG,
    selectSubtechniquesWithParent=_FLAG,
    selectVisibleTechniques=_FLAG,
    metadata=_METADATA,
    links=_LINKS,
)


def complaints(document: Any) -> list[str]:
    """Say what is not as format 4.5 wants it; a file may hold one layer or a list of them."""
    layers = document if isinstance(document, list) else [document]
    validator = jsonschema.Draft202012Validator(_LAYER)
    found = [f"{error.json_path}: {error.message}" for layer in layers for error in validator.iter_errors(layer)]
    return found + ([] if layers else ["there is no layer"])
