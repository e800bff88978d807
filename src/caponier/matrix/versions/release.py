"""A release: a version of a matrix as it was read from a file, with what must not get lost on the way."""

from dataclasses import dataclass

from caponier.matrix.versions.catalogue import Matrix


@dataclass(frozen=True, slots=True)
class Countermeasure:
    """A counter-measure that a source lists beside its matrix: facts only, kept so that an import loses nothing.

    It stands beside the matrix and never in it: the matrix advises no defence.
    """

    id: str
    name: str
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """One version, where it came from, and what the reader had to correct or leave out."""

    matrix: Matrix
    format: str
    """Of the file it was read from: `atlas-3`, `atlas-4`, `atlas-6`, `attack-stix` or `caponier`."""
    sha256: str
    """Of that file; empty for what ships with the package."""
    countermeasures: tuple[Countermeasure, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a person should know of how it was read, such as objects that stood in a wrong place."""
