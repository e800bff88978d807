"""A layer of the ATT&CK Navigator: annotations of techniques, read from formats 4.0 to 4.5 and written as 4.5.

Facts: the layer format pages of the Navigator's own repository. Each format from 4.0 on only adds keys to the one
before, so what an older file says stays as it is; keys that nobody knows here stay too.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from caponier.errors import InputError
from caponier.formats.strict_json import read_value

FORMAT: Final = "4.5"
NAVIGATOR: Final = "5.1.0"
"""What is written where a file names a Navigator that is too old to read the format."""
SIZE_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of a file; a layer that annotates all of ATT&CK has half a megabyte."""
_FORMATS: Final = re.compile(r"4(\.[0-5])?")
_HINT: Final = "Write it again with the Navigator, as layer format 4.0 to 4.5."


@dataclass(frozen=True, slots=True)
class Annotation:
    """What a layer says about one technique, under one tactic or under all."""

    document: Mapping[str, Any]
    """The JSON object, unknown keys included; treat it as read-only."""

    @property
    def technique(self) -> str:
        """Id of the technique."""
        return str(self.document["techniqueID"])

    @property
    def tactic(self) -> str | None:
        """Short name of the tactic, such as `initial-access`; None if it holds under each tactic of the technique."""
        return self.document.get("tactic")

    def changed(self, **keys: Any) -> Self:
        """Return a copy with other values, such as `techniqueID="AML.T0115.000"`; None takes the key away."""
        given = {**self.document, **keys}
        return type(self)({key: value for key, value in given.items() if key not in keys or value is not None})


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, whole."""

    document: Mapping[str, Any]
    """The JSON object but for `techniques`, unknown keys included; treat it as read-only."""
    annotations: tuple[Annotation, ...] = ()

    @classmethod
    def read(cls, data: bytes, where: str = "layer") -> tuple[Self, ...]:
        """Read a file that holds one layer or a list of them.

        Args:
            data: The file's content, JSON in UTF-8.
            where: The file's name, for the message.

        Raises:
            InputError: If it is no layer of format 4.0 to 4.5; it names the key at fault.
        """
        plain = _parse(data, where)
        if isinstance(plain, list):
            return tuple(cls.from_dict(one, f"{where}: [{place}]") for place, one in enumerate(plain))
        return (cls.from_dict(plain, where),)

    @classmethod
    def from_dict(cls, plain: Any, where: str = "layer") -> Self:
        """Read one layer from parsed JSON.

        Raises:
            InputError: If it is no layer of format 4.0 to 4.5; it names the key at fault.
        """
        if not isinstance(plain, dict):
            raise InputError("a layer is an object", where=where, hint=_HINT)
        _check(plain, where)
        annotations = tuple(
            _annotation(one, f"{where}: techniques[{n}]") for n, one in enumerate(_listed(plain, where))
        )
        return cls({key: value for key, value in plain.items() if key != "techniques"}, annotations)

    @property
    def name(self) -> str:
        """What the layer is called."""
        return str(self.document["name"])

    @property
    def domain(self) -> str:
        """`atlas-atlas`, `enterprise-attack`, …."""
        return str(self.document["domain"])

    @property
    def metadata(self) -> dict[str, str]:
        """Name to value, dividers left out; of a name that is there twice, the last."""
        pairs = [pair for pair in self.document.get("metadata") or [] if isinstance(pair, dict)]
        return {str(pair["name"]): str(pair["value"]) for pair in pairs if {"name", "value"} <= pair.keys()}

    def changed(self, annotations: Iterable[Annotation] | None = None, **keys: Any) -> Self:
        """Return a copy with other annotations or other values of the layer's own keys."""
        given = self.annotations if annotations is None else tuple(annotations)
        return type(self)({**self.document, **keys}, given)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form in format 4.5; all but `versions` is as it was read, in the same order of keys."""
        versions = {**(self.document.get("versions") or {}), "layer": FORMAT}
        if _number(versions.get("navigator")) < (4, 9, 0):
            versions["navigator"] = NAVIGATOR
        return {**self.document, "versions": versions, "techniques": [dict(one.document) for one in self.annotations]}


def to_text(layers: Iterable[Layer]) -> str:
    """Write layers as a file: one as an object, several as a list."""
    plain = [layer.to_dict() for layer in layers]
    return json.dumps(plain[0] if len(plain) == 1 else plain, indent=2, ensure_ascii=False) + "\n"


def _parse(data: bytes, where: str) -> Any:
    if len(data) > SIZE_LIMIT:
        raise InputError(f"this is larger than {SIZE_LIMIT:,} bytes, which no layer is", where=where)
    try:
        return read_value(data.decode("utf-8-sig"), where, _HINT)
    except UnicodeDecodeError as wrong:
        raise InputError(f"this is no layer: {wrong}", where=where, hint=_HINT) from None


def _check(plain: dict[str, Any], where: str) -> None:
    if "version" in plain and "versions" not in plain:
        raise InputError(f"layer format {plain['version']} is too old", where=f"{where}: version", hint=_HINT)
    versions = plain.get("versions")
    if versions is not None and not isinstance(versions, dict):
        raise InputError("this is no object", where=f"{where}: versions", hint=_HINT)
    written = (versions or {}).get("layer", FORMAT)
    if not (isinstance(written, str) and _FORMATS.fullmatch(written)):
        raise InputError(f"layer format {written!r} is not known", where=f"{where}: versions.layer", hint=_HINT)
    for key in ("name", "domain"):
        if not isinstance(plain.get(key), str):
            raise InputError("this is missing or no text", where=f"{where}: {key}", hint=_HINT)


def _listed(plain: dict[str, Any], where: str) -> list[Any]:
    techniques = plain.get("techniques", [])
    if not isinstance(techniques, list):
        raise InputError("this is no list", where=f"{where}: techniques", hint=_HINT)
    return techniques


def _annotation(plain: Any, where: str) -> Annotation:
    if not isinstance(plain, dict):
        raise InputError("this is no object", where=where, hint=_HINT)
    if not isinstance(plain.get("techniqueID"), str):
        raise InputError("this is missing or no text", where=f"{where}.techniqueID", hint=_HINT)
    if not isinstance(plain.get("tactic"), str | None):
        raise InputError("this is no text", where=f"{where}.tactic", hint=_HINT)
    return Annotation(plain)


def _number(version: Any) -> tuple[int, ...]:
    parts = str(version).split(".")
    return tuple(map(int, parts)) if all(re.fullmatch("[0-9]{1,4}", part) for part in parts) else ()
