"""What the STIX bundles of MITRE share: objects by type, ids in external references, and relationships."""

import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix.technique import Tactic
from caponier.matrix.versions.loaders.part import Part, shown

_STIX_ID: Final = re.compile(r"[a-z0-9-]+--[0-9A-Za-z-]{1,64}")


class Bundle:
    """A STIX 2 bundle.

    Args:
        top: The whole file.

    Raises:
        InputError: If an object is none, or a STIX id is there twice.
    """

    def __init__(self, top: Part) -> None:
        self._by_type: dict[str, list[Part]] = {}
        self._by_id: dict[str, Part] = {}
        for row in top.rows("objects"):
            self._by_type.setdefault(row.name("type"), []).append(row)
            if row.has("id"):
                id_ = row.id(_STIX_ID, "a STIX object")
                if id_ in self._by_id:
                    raise row.wrong("this STIX id is there twice")
                self._by_id[id_] = row

    def of(self, *types: str) -> Iterator[Part]:
        """Yield the objects of some types, in the order of the file."""
        for type_ in types:
            yield from self._by_type.get(type_, ())

    def first(self, type_: str) -> Part | None:
        """Return the first object of a type."""
        return next(self.of(type_), None)

    def get(self, stix_id: str) -> Part | None:
        """Return the object of a STIX id."""
        return self._by_id.get(stix_id)

    def links(self, type_: str) -> Iterator[tuple[Part, str, str]]:
        """Yield the relationships in force of a type, each with the STIX ids of its two ends."""
        for row in self._by_type.get("relationship", ()):
            if row.value.get("relationship_type") == type_ and is_in_force(row):
                yield row, row.name("source_ref"), row.name("target_ref")


def is_in_force(row: Part) -> bool:
    """Tell whether an object is neither revoked nor deprecated."""
    return not any(row.value.get(key) in (True, "true") for key in ("revoked", "x_mitre_deprecated"))


def external_id(row: Part, source: str, pattern: re.Pattern[str], what: str) -> str:
    """Return the id that a source such as `mitre-attack` gives an object.

    Raises:
        InputError: If the source gives it none, or one of another kind.
    """
    for reference in row.rows("external_references"):
        if reference.value.get("source_name") == source:
            return reference.id(pattern, what, "external_id")
    raise row.wrong(f"it has no id of {source} among its external references")


def tactics_in_order(bundle: Bundle, source: str, pattern: re.Pattern[str]) -> dict[str, Tactic]:
    """Return the tactics by short name, in the order of the matrix.

    Raises:
        InputError: If two bear the same short name.
    """
    matrix = bundle.first("x-mitre-matrix")
    order = {ref: place for place, ref in enumerate(matrix.words("tactic_refs"))} if matrix else {}
    rows = [row for row in bundle.of("x-mitre-tactic") if is_in_force(row)]
    found: dict[str, Tactic] = {}
    for row in sorted(rows, key=lambda row: order.get(str(row.value.get("id")), len(order))):
        short = row.name("x_mitre_shortname")
        if short in found:
            raise row.wrong(f"the short name {short!r} is there twice")
        id_ = external_id(row, source, pattern, "a tactic")
        found[short] = Tactic(id_, row.name("name"), description=row.prose("description"))
    return found


def tactics_of(row: Part, chain: str, tactics: dict[str, Tactic]) -> tuple[str, ...]:
    """Return the ids of the tactics that a technique stands under.

    Raises:
        InputError: If it stands under one that is not there.
    """
    named: list[str] = []
    for phase in row.rows("kill_chain_phases"):
        if phase.value.get("kill_chain_name") != chain:
            continue
        short = phase.name("phase_name")
        if short not in tactics:
            raise row.wrong(f"it stands under the tactic {short!r}, which is not there")
        named.append(tactics[short].id)
    return tuple(dict.fromkeys(named))


def end(bundle: Bundle, link: Part, stix_id: str) -> Part:
    """Return the object at an end of a relationship.

    Raises:
        InputError: If it is not in the bundle.
    """
    found = bundle.get(stix_id)
    if found is None:
        raise link.wrong(f"it names {shown(stix_id)}, which is not there")
    return found
