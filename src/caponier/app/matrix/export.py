"""Write a version of the matrix, or a part of it, for another program."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from caponier.errors import InputError
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.layer import to_text
from caponier.matrix.technique import Technique
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import Matrix, nearest
from caponier.matrix.versions.release import Release
from caponier.matrix.writers.attack_flow import of_study, to_attack_flow
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.markdown_file import to_markdown
from caponier.matrix.writers.navigator import layers
from caponier.matrix.writers.stix import to_stix
from caponier.matrix.writers.svg import to_svg


class MatrixFormat(StrEnum):
    """What a version can be written as."""

    JSON = "json"
    """All that is known, as `load_file` reads it back."""
    NAVIGATOR = "navigator"
    STIX = "stix"
    ATTACK_FLOW = "attack-flow"
    """Of one case study."""
    SVG = "svg"
    MARKDOWN = "markdown"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a version is to be written."""

    techniques: tuple[Technique, ...]
    studies: tuple[CaseStudy, ...]
    left_out: int = 0
    """Entries that were shown in research only, of a view that leaves them out."""


def select(matrix: Matrix, ids: Sequence[str] = (), *, everything: bool = False) -> Selection:
    """Choose what of a version to write.

    Args:
        matrix: The version.
        ids: Of techniques, of tactics for all in their columns, of case studies for all that their steps name. None
            means the whole version.
        everything: Also what was shown in research only; an entry that is named is there anyway.

    Raises:
        InputError: If nothing in the version has one of the ids; it names the nearest.
    """
    shown = matrix.shown(everything=everything)
    if not ids:
        return Selection(shown, matrix.studies, len(matrix.techniques) - len(shown))
    known = [noun.id for nouns in (matrix.techniques, matrix.tactics, matrix.studies) for noun in nouns]
    written = {id_.upper(): id_ for id_ in known}
    wanted: set[str] = set()
    studies = []
    for typed in ids:
        id_ = written.get(typed.upper())
        if id_ is None:
            hint = nearest(typed, known)
            raise InputError(f"{matrix.name} has nothing with the id {typed!r}", where=matrix.version, hint=hint)
        study = next((study for study in matrix.studies if study.id == id_), None)
        if study:
            studies.append(study)
            wanted |= {step.technique for step in study.steps}
        else:
            wanted |= {id_} if id_ in matrix else {t.id for t in shown if id_ in t.tactics}
    return Selection(tuple(t for t in matrix.techniques if t.id in wanted), tuple(dict.fromkeys(studies)))


def export_matrix(release: Release, chosen: Selection, format_: MatrixFormat) -> str:
    """Write what was chosen of a version.

    Args:
        release: The version.
        chosen: What of it.
        format_: As what.

    Raises:
        InputError: If a flow is wanted of anything but one case study.
        MissingExtraError: If a library for the format is not installed.
    """
    if format_ is MatrixFormat.JSON:
        return release_file.to_bytes(_part(release, chosen)).decode()
    return _WRITERS[format_](release.matrix, chosen)


def _part(release: Release, chosen: Selection) -> Release:
    """Return what was chosen as a release, with the entries that it names; as it is if that is all of it."""
    matrix = release.matrix
    if len(chosen.techniques) == len(matrix.techniques):
        return release
    kept: set[str] = set()
    wanted = [technique.id for technique in chosen.techniques]
    while wanted:
        id_ = wanted.pop()
        kept.add(id_)
        entry = matrix.technique(id_)
        wanted += [other for other in (entry.parent, entry.same_as) if other and other not in kept]
    techniques = tuple(technique for technique in matrix.techniques if technique.id in kept)
    part = replace(matrix, techniques=techniques, studies=chosen.studies, retired=())
    return Release(part, release.format, release.sha256, remarks=(f"a part of {matrix.version}",))


def _flow(matrix: Matrix, chosen: Selection) -> str:
    if len(chosen.studies) != 1:
        known = ", ".join(study.id for study in matrix.studies[:3])
        hint = f"Name one, such as {known}." if known else "Choose another version with --matrix VERSION."
        raise InputError("an attack flow is of one case study", where=matrix.version, hint=hint)
    return to_attack_flow(of_study(matrix, chosen.studies[0]))


_WRITERS: Final[dict[MatrixFormat, Callable[[Matrix, Selection], str]]] = {
    MatrixFormat.NAVIGATOR: lambda matrix, chosen: to_text(layers(matrix, chosen.techniques)),
    MatrixFormat.STIX: lambda matrix, chosen: to_stix(matrix, chosen.techniques, chosen.studies),
    MatrixFormat.ATTACK_FLOW: _flow,
    MatrixFormat.SVG: lambda matrix, chosen: to_svg(matrix, chosen.techniques),
    MatrixFormat.MARKDOWN: lambda matrix, chosen: to_markdown(matrix, chosen.techniques),
    MatrixFormat.CSV: lambda matrix, chosen: to_csv(matrix, chosen.techniques),
}
