"""Field maps by name and from files: those that ship, those of a workspace, and what a user wrote."""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from caponier.errors import InputError
from caponier.formats.strict_yaml import SHIPPED, YamlDialect, read_value
from caponier.formats.suggest import did_you_mean, nearest
from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.paths import keys_of_path, steps_of

PACKAGE: Final = "caponier.telemetry.field_maps"
ACCESS_LOG: Final = "access-log-combined"
SUFFIXES: Final = (".yaml", ".yml")
_FIELDS: Final = ("record", "opened")
_DIALECT: Final = YamlDialect(letters=2**20, nodes=100_000)


@cache
def shipped_maps() -> tuple[FieldMap, ...]:
    """Return the maps that ship, by name."""
    found = [place for place in files(PACKAGE).iterdir() if place.name.endswith(SUFFIXES)]
    maps = [map_of(read_value(place.read_text("utf-8"), place.name, SHIPPED), place.name) for place in found]
    return tuple(sorted(maps, key=lambda one: one.name))


def find_map(said: str, own: Sequence[FieldMap] = ()) -> FieldMap:
    """Return the map of a file, or of a name: the workspace's own count before those that ship.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    path = Path(said)
    if path.suffix.lower() in SUFFIXES or path.is_file():
        return read_map(path)
    by_name = {one.name: one for one in (*shipped_maps(), *own)}
    if said in by_name:
        return by_name[said]
    raise InputError(
        f"there is no field map {said!r}",
        hint=did_you_mean(
            nearest(said, by_name),
            otherwise="Give a .yaml file, or a name of: caponier map list. Propose one with: caponier map guess FILE",
        ),
    )


def read_map(path: Path) -> FieldMap:
    """Read a map from a YAML file.

    Raises:
        InputError: If it cannot be read, or says what cannot be meant.
    """
    try:
        with path.open("rb") as file:
            text = file.read((_DIALECT.letters or 0) + 1).decode("utf-8")
    except OSError as failed:
        raise InputError(f"the map cannot be read: {failed.strerror}", where=str(path)) from failed
    except UnicodeDecodeError:
        raise InputError("the map is not UTF-8", where=str(path)) from None
    return map_of(read_value(text, str(path), _DIALECT), str(path), path.stem)


def map_of(value: Any, where: str, name: str | None = None) -> FieldMap:
    """Make a map of plain values.

    Raises:
        InputError: If they say what cannot be meant.
    """
    if not isinstance(value, dict):
        raise InputError("a field map is a mapping with columns", where=where, hint="See docs/how-to/field-maps.md")
    try:
        found = FieldMap.model_validate({"name": name, **value} if name else value)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        key = ".".join(str(step) for step in first["loc"] if step not in ("function-before", "tuple"))
        known = [*FieldMap.model_fields]
        hint = nearest(str(first["loc"][-1]), known) if first["type"] == "extra_forbidden" else None
        raise InputError(
            first["msg"].removeprefix("Value error, "),
            where=f"{where}: {key}" if key else where,
            hint=did_you_mean(hint, otherwise="See docs/how-to/field-maps.md, or: caponier map guess FILE"),
        ) from None
    for key, path in _paths(found):
        try:
            if key in _FIELDS:
                keys_of_path(path, deepest=1 if key == "record" else None)
            else:
                steps_of(path)
        except InputError as wrong:
            raise InputError(wrong.what, where=f"{where}: {key}", hint=wrong.hint) from None
    return found


def _paths(found: FieldMap) -> Iterator[tuple[str, str]]:
    """Yield each path of a map with the key that it stands under."""
    for key in ("record", "request", "response"):
        if (path := getattr(found, key)) is not None:
            yield key, path
    for key in ("opened", "when", "extra"):
        yield from ((key, path) for path in getattr(found, key))
    yield from (("says", path) for path in found.says)
    for name, column in found.columns.items():
        yield from ((f"columns.{name}", path) for path in (*column.path, *column.parts))
    yield from (("features", one.path) for one in found.features if one.path is not None)
    for model, features in found.models.items():
        yield from ((f"models.{model}", one.path) for one in features if one.path is not None)
