"""ATLAS as a STIX 2 bundle, `stix-atlas.json`: neither maturity nor case studies stand in it."""

import re
from typing import Final

from caponier.matrix.versions.loaders.atlas_parts import COUNTERMEASURE_ID, TACTIC_ID, TECHNIQUE_ID
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.stix_bundle import Bundle
from caponier.matrix.versions.loaders.stix_matrix import Dialect, read_bundle
from caponier.matrix.versions.loaders.version_name import atlas_draft, own_number
from caponier.matrix.versions.release import Release

FORMAT: Final = "atlas-stix"
SOURCE: Final = "mitre-atlas"
_DIALECT: Final = Dialect(SOURCE, TACTIC_ID, TECHNIQUE_ID, COUNTERMEASURE_ID)
_NUMBER: Final = re.compile(r"\d{1,4}\.\d{1,4}(\.\d{1,4})?", re.ASCII)


def read_atlas_stix(source: SourceFile, top: Part, bundle: Bundle, version: str | None) -> Release:
    """Read a bundle of ATLAS.

    Raises:
        InputError: If it does not say its version, or something in it is wrong.
    """
    number = own_number(bundle.first("x-mitre-collection") or top, "x_mitre_version", _NUMBER, version)
    draft = atlas_draft(source, FORMAT, number, version)
    draft.has_studies = False
    draft.remarks.append("The bundle has no case studies and no maturity: the ATLAS.yaml of the release has them.")
    read_bundle(bundle, _DIALECT, draft)
    return draft.release()
