"""A field map in a line of words, for whoever has to agree with it."""

from collections.abc import Sequence
from typing import Any

import yaml

from caponier.records.field_map import FieldMap, MapColumn

FEW = 8


def understood(field_map: FieldMap, remarks: Sequence[str] = ()) -> str:
    """Say which columns a map takes from which fields."""
    parts = [f"{name} from {_place(about)}" for name, about in field_map.columns.items()]
    if features := field_map.features:
        named = [f"{one.name}{' (category)' if one.kind == 'category' else ''}" for one in features]
        more = f" and {len(named) - FEW} more" if len(named) > FEW else ""
        parts.append(f"{len(named)} features ({', '.join(named[:FEW])}{more})")
    if field_map.models:
        parts.append(f"of them those of each of {len(field_map.models)} models")
    if field_map.request:
        parts.append(f"request from {field_map.request}")
    if field_map.response:
        parts.append(f"response from {field_map.response}")
    name = "these columns: " if field_map.name == "guessed" else f"{field_map.name}: "
    return f"{name}{', '.join(parts)}" + "".join(f"; {remark}" for remark in remarks)


def _place(about: MapColumn) -> str:
    place = " or ".join(about.path) or ", ".join(about.parts)
    more = [word for word in (about.format, about.zone, "hashed" if about.secret else None) if word]
    return f"{place} ({', '.join(more)})" if more else place


def yaml_of(field_map: FieldMap) -> str:
    """Write a map as people write it: a path alone where nothing more is said."""
    plain: dict[str, Any] = field_map.model_dump(mode="json", exclude_defaults=True)
    columns = plain.get("columns", {})
    for name, about in columns.items():
        if list(about) == ["path"]:
            columns[name] = about["path"][0] if len(about["path"]) == 1 else about["path"]
        elif len(about.get("path", ())) == 1:
            about["path"] = about["path"][0]
    if "features" in plain:
        plain["features"] = _short(plain["features"])
    if "models" in plain:
        plain["models"] = {name: _short(features) for name, features in plain["models"].items()}
    written: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)
    return written


def _short(features: Sequence[dict[str, Any]]) -> list[Any]:
    return [one["name"] if list(one) == ["name"] else one for one in features]
