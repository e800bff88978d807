"""The gate: contributions held against a version of a matrix, everything that is wrong with them at once."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.matrix.contributions.contribution import Contribution, contribution_of
from caponier.matrix.contributions.contribution_form import ContributionForm, read_sheet
from caponier.matrix.contributions.evidence_check import check_evidence
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.review_context import ReviewContext
from caponier.matrix.contributions.review_issue import ReviewIssue, ReviewLevel
from caponier.matrix.contributions.study_check import check_study
from caponier.matrix.contributions.technique_check import check_technique
from caponier.matrix.contributions.tree import shown
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.versions.library import Library

MOST_FILES: Final = 200
_ENDINGS: Final = (".yaml", ".yml")
_CHECKS: Final = {
    ContributionKind.TECHNIQUE: check_technique,
    ContributionKind.EVIDENCE: check_evidence,
    ContributionKind.CASE_STUDY: check_study,
}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One file."""

    file: str
    kind: ContributionKind | None
    """None if it does not say what it contributes."""
    version: str
    """Of the matrix that it was held against; empty if there is none."""
    issues: tuple[ReviewIssue, ...]
    contribution: Contribution | None
    """None if an issue is an error."""

    @property
    def level(self) -> ReviewLevel | None:
        """The worst of its issues; None if there is none."""
        levels = {issue.level for issue in self.issues}
        return next((level for level in ReviewLevel if level in levels), None)


@dataclass(frozen=True, slots=True)
class Review:
    """All files that were reviewed together."""

    files: tuple[Reviewed, ...]

    @property
    def issues(self) -> tuple[ReviewIssue, ...]:
        """Every issue, file by file, line by line."""
        return tuple(issue for one in self.files for issue in one.issues)

    @property
    def level(self) -> ReviewLevel | None:
        """The worst of all issues; None if there is none."""
        levels = {one.level for one in self.files}
        return next((level for level in ReviewLevel if level in levels), None)


def review(paths: Sequence[Path], library: Library, version: str | None = None) -> Review:
    """Review contributions together.

    Args:
        paths: Their files.
        library: The versions at hand.
        version: Hold all of them against this version; None takes the one that each names.

    Raises:
        InputError: If there is no such version, or there are too many files.
    """
    if len(paths) > MOST_FILES:
        raise InputError(f"{len(paths):,} files are too many at once", hint=f"Review at most {MOST_FILES} together.")
    asked = library.load(version) if version else None
    read = [read_sheet(path) for path in paths]
    load = cache(library.load)
    matrices = [_matrix(sheet, load, asked) if sheet else None for sheet, _ in read]
    beside: dict[str, list[ContributionForm]] = {}
    for (sheet, _), matrix in zip(read, matrices, strict=True):
        if sheet and isinstance(matrix, Matrix):
            beside.setdefault(matrix.version, []).append(sheet)
    grounds = {one.version: ReviewContext(one, beside[one.version]) for one in matrices if isinstance(one, Matrix)}
    return Review(
        tuple(
            _reviewed(shown(path), sheet, found, matrix, grounds)
            for path, (sheet, found), matrix in zip(paths, read, matrices, strict=True)
        )
    )


def contribution_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files, and the YAML files in the folders, each once; a folder's in order of their names.

    Raises:
        InputError: If a folder holds none, or a link that would have to be followed.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.is_dir():
            found[path] = None
            continue
        inside = sorted(_in_folder(path))
        if not inside:
            raise InputError("the folder holds no contribution", where=str(path), hint="Their names end in .yaml.")
        found.update(dict.fromkeys(inside))
    return list(found)


def _in_folder(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = [name for name in names if name.lower().endswith(_ENDINGS)]
        for link in (Path(place) / name for name in (*folders, *files)):
            if link.is_symlink():
                hint = "Put the file itself there."
                raise InputError("this is a link, which is not followed", where=shown(link), hint=hint)
        yield from (Path(place) / name for name in files)


def _matrix(
    sheet: ContributionForm, load: Callable[[str], Matrix], asked: Matrix | None
) -> Matrix | ReviewIssue | None:
    """Return the matrix to hold a sheet against, or why there is none; None if the sheet names none."""
    named = sheet.text("matrix")
    if not named:
        return asked
    try:
        own = load(named)
    except InputError as unknown:
        # What a newer version was merged from may be elsewhere, as long as somebody says what to hold it against.
        if asked and named.startswith(f"{asked.kind}"):
            return asked
        return sheet.object("matrix", unknown.what, unknown.hint or "Name a version that is at hand.")
    if asked and own.kind != asked.kind:
        what = f"it is for {named}, and cannot be held against {asked.version}, which is another matrix"
        return sheet.object("matrix", what, f"Name a version of {asked.kind}.")
    return asked or own


def _reviewed(
    name: str,
    sheet: ContributionForm | None,
    found: list[ReviewIssue],
    matrix: Matrix | ReviewIssue | None,
    grounds: dict[str, ReviewContext],
) -> Reviewed:
    if sheet is None:
        return Reviewed(name, None, "", tuple(found), None)
    issues = list(found)
    version = ""
    if isinstance(matrix, ReviewIssue):
        issues.append(matrix)
    elif matrix is not None:
        version = matrix.version
        issues += _CHECKS[sheet.kind](sheet, grounds[version])
    issues.sort(key=lambda issue: (issue.line, issue.field))
    wrong = any(issue.level is ReviewLevel.ERROR for issue in issues)
    return Reviewed(name, sheet.kind, version, tuple(issues), None if wrong else contribution_of(sheet))
