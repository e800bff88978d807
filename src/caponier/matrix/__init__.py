"""The threat matrices: tactics, techniques, evidence and how the versions map to each other.

`technique` has the nouns, `catalogue` loads a version, `crosswalk` maps the 2020 matrix to ATLAS and back,
`evidence_gate` keeps out what is not known, `lookup` finds an entry by any of its ids, `writers` turn entries into
text.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caponier.matrix.versions.catalogue import Matrix


def load(version: str = "amltm-2020") -> "Matrix":
    """Load one version of a matrix; see `caponier.matrix.versions.catalogue.load`."""
    # Late, because every record imports the nouns of this package and must not pay for reading YAML.
    from caponier.matrix.versions import catalogue

    return catalogue.load(version)
