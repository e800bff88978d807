"""ATT&CK Enterprise as a STIX 2 bundle, such as `enterprise-attack-17.0.json`."""

import datetime
import re
from typing import Final

from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.stix_bundle import Bundle
from caponier.matrix.versions.loaders.stix_matrix import Dialect, read_bundle
from caponier.matrix.versions.loaders.version_name import NUMBER, own_number, version_name
from caponier.matrix.versions.release import Release

FORMAT: Final = "attack-stix"
_DIALECT: Final = Dialect(
    "mitre-attack",
    re.compile(r"TA\d{4}", re.ASCII),
    re.compile(r"T\d{4}(\.\d{3})?", re.ASCII),
    # Before M1013 and its like, each technique had a counter-measure of the same number.
    re.compile(r"[MT]\d{4}(\.\d{3})?", re.ASCII),
)


def read_attack_stix(source: SourceFile, top: Part, bundle: Bundle, version: str | None) -> Release:
    """Read a bundle of ATT&CK Enterprise.

    Raises:
        InputError: If it is of another domain, does not say its version, or something in it is wrong.
    """
    collection = bundle.first("x-mitre-collection")
    number = own_number(collection or top, "x_mitre_version", NUMBER, version)
    name = version_name("attack-enterprise", number, version)
    draft = Draft(source, FORMAT, name, "attack", "MITRE ATT&CK Enterprise", "mitre-attack/attack-stix-data")
    draft.released = _day(collection) if collection else None
    if number and name != f"attack-enterprise-{number}":
        draft.remarks.append(f"The file says it is {number}; it is kept as {name}.")
    read_bundle(bundle, _DIALECT, draft)
    return draft.release()


def _day(collection: Part) -> datetime.date | None:
    for key in ("modified", "created"):
        if collection.has(key):
            try:
                return datetime.datetime.fromisoformat(collection.name(key)).date()
            except ValueError:
                raise collection.at(key).wrong("a time such as 2025-04-22T14:00:00.000Z is wanted here") from None
    return None
