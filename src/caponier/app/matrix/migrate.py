"""Carry users' documents over to another version of the matrix: into new files, the old ones stay."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from caponier.app.matrix.lint import NO_DOCUMENT, STDIN, Versions, documents, one_line
from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.formats.walk_files import read_file, shown
from caponier.matrix.documents import findings, ids, reading, stix
from caponier.matrix.documents.layer_edits import layer_edits
from caponier.matrix.documents.mention import Document, DocumentKind, apply
from caponier.matrix.documents.rewriting import Carried, Rewriter, listed, met
from caponier.matrix.versions.catalogue import DEFAULT, Matrix
from caponier.records.skip import Skip


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What became of one document."""

    path: Path
    out: Path | None
    """The new file; None if none was written."""
    format: str
    before: str
    after: str
    annotations: tuple[Carried, ...]
    """Every annotation of the document, in order."""

    @property
    def needs_human(self) -> tuple[Carried, ...]:
        """What a person has to look at, each with why and what it may become."""
        return tuple(row for row in self.annotations if row.needs_human)

    @property
    def counts(self) -> dict[str, int]:
        """How many annotations there are of each outcome."""
        return dict(Counter(row.outcome for row in self.annotations))


def migrate_file(path: Path, before: Matrix, after: Matrix, out: Path | None) -> MigrationReport:
    """Carry one document over.

    Args:
        path: A Navigator layer, Sigma rules, STIX, CSV, Markdown or findings.
        before: The version that it is about.
        after: The version to carry it over to.
        out: The new file; None only tells what would become of it.

    Raises:
        InputError: If the file is none of the formats, the two versions have nothing to do with each other, or the new
            file cannot be written or would replace the old one.
    """
    try:
        document = reading.read(read_file(path, reading.BYTES), shown(path))
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=shown(path)) from failed
    if document is None:
        raise InputError(NO_DOCUMENT, where=shown(path))
    return migrate_document(path, document, Rewriter(before, after), out)


def migrate_document(path: Path, document: Document, rewriter: Rewriter, out: Path | None) -> MigrationReport:
    """Carry a document over that was read already; see `migrate_file`."""
    _refuse_entries(document)
    text, rows = rewritten(document, rewriter)
    if out is not None:
        _refuse_itself(path, out)
        write_bytes(out, text.encode())
    return MigrationReport(path, out, document.kind.value, rewriter.before.version, rewriter.after.version, rows)


def _refuse_entries(document: Document) -> None:
    if document.kind is DocumentKind.ENTRIES:
        hint = "Write the other version with: caponier matrix export"
        raise InputError("is a version of the matrix itself, not written against one", hint=hint)


def rewritten(document: Document, rewriter: Rewriter) -> tuple[str, tuple[Carried, ...]]:
    """Return the new text of a document, and what became of each of its annotations."""
    moves = rewriter.moves(document)
    edits = [edit for move in moves for edit in move.edits]
    rows = listed(moves)
    if document.kind is DocumentKind.LAYER:
        root = reading.tree(document.text, "layer")
        found = layer_edits(document.text, root, moves, rewriter.before, rewriter.after)
        edits += found.edits
        rows = tuple(found.carried.get(row.where, row) for row in rows)
    if document.kind in (DocumentKind.CSV, DocumentKind.SIGMA):
        why = met(moves)
        rows = tuple(_joined(row, why.get(row.place)) for row in rows)
    if document.kind is DocumentKind.SIGMA:
        alone = rewriter.left_alone(moves)
        rows = tuple(_alone(row, alone.get(row.place)) for row in rows)
    if document.kind is DocumentKind.FINDINGS and rewriter.before.version != rewriter.after.version:
        root = reading.tree(document.text, "findings")
        changed = [move.mention.where for move in moves if move.to != move.mention.id]
        edits += findings.matrix_edits(root, changed, rewriter.before, rewriter.after)
    if document.kind is DocumentKind.STIX:
        edits += stix.version_edits(reading.tree(document.text, "bundle"), rewriter.before, rewriter.after)
    return apply(document.text, edits), (*rows, *_strangers(document, rewriter))


def _joined(row: Carried, why: str | None) -> Carried:
    return replace(row, outcome="merged", needs_human=True, why=f"{row.why}; {why}") if why else row


def _alone(row: Carried, why: str | None) -> Carried:
    return replace(row, needs_human=True, why=f"{row.why}; {why}") if why else row


def _strangers(document: Document, rewriter: Rewriter) -> list[Carried]:
    """List the ids that are malformed: nobody knows what they were to become."""
    return [
        Carried(
            mention.where,
            document.line_and_column(mention.written.start)[0],
            mention.id,
            mention.id,
            "malformed",
            needs_human=rewriter.before.version != rewriter.after.version,
            why="this is not an id",
        )
        for mention in document.mentions
        if mention.kind is None and mention.certain
    ]


@dataclass(frozen=True, slots=True)
class Task:
    """A document to carry over, and where to."""

    path: Path
    document: Document
    rewriter: Rewriter
    out: Path


def plan(
    paths: Sequence[Path], versions: Versions, after: Matrix, asked: str | None, out: Path | None
) -> tuple[list[Task], list[Skip]]:
    """Find the documents, the version that each is about, and the name of each new file; nothing is written yet.

    Args:
        paths: Files and folders; `-` is standard input.
        versions: The versions at hand.
        after: The version to carry over to.
        asked: The version that the documents are about; None to go by what each says.
        out: A file for one document, or a folder; None for names beside the old ones.

    Raises:
        InputError: If a path or a version is not there, or new files would have one name.
    """
    if STDIN in paths and (out is None or len(paths) > 1):
        raise InputError("standard input has no name", hint="Migrate it alone, and name the new file with --out.")
    if out == STDIN:
        raise InputError("a new document is not printed", hint="Name a file or a folder with --out.")
    before = versions.library.load(asked) if asked else None
    rewriters: dict[str, Rewriter] = {}
    skipped: list[Skip] = []
    tasks: list[Task] = []
    found = list(documents(paths, skipped))
    for path, document in found:
        if path not in paths and path.stem.endswith(f".{after.version}"):
            # The new file of an earlier migration, which lies beside its old one.
            continue
        try:
            version = before.version if before else said_version(document, versions, after)
            _refuse_entries(document)
            if version == after.version and before is None:
                raise InputError(f"is about {version} already")
            if version not in rewriters:
                rewriters[version] = Rewriter(versions.library.load(version), after)
            if not any(rewriters[version].is_about(mention) for mention in document.mentions):
                raise InputError(f"names nothing of {version}")
        except InputError as wrong:
            skipped.append(Skip(shown(path), one_line(wrong)))
            continue
        alone = len(paths) == 1 and len(found) == 1 and not paths[0].is_dir()
        tasks.append(Task(path, document, rewriters[version], _new_name(path, paths, after, out, alone=alone)))
    _refuse_twins(tasks)
    return tasks, skipped


def said_version(document: Document, versions: Versions, after: Matrix) -> str:
    """Return the version that a document is about.

    Raises:
        InputError: If it says one that is not at hand, or none and no version is pinned.
    """
    kinds = {mention.kind for mention in document.mentions}
    if after.kind not in kinds and kinds & {ids.FOUNDING, ids.FIRST}:
        return DEFAULT
    said = next((version for _, kind, version in document.said if kind == after.kind), None)
    if said is None:
        pinned = versions.pinned_of(after.kind)
        if pinned or after.kind == ids.FOUNDING:
            return pinned or DEFAULT
        raise InputError("says nowhere which version it is about", hint="Name it with --from VERSION.")
    version = versions.named(after.kind, said)
    if version is None:
        hint = "Import that version with: caponier matrix import FILE. Or name another with --from VERSION."
        raise InputError(f"is about {after.kind} {said}, which is not at hand", hint=hint)
    return version


def _new_name(path: Path, paths: Sequence[Path], after: Matrix, out: Path | None, *, alone: bool) -> Path:
    if out is None:
        return path.with_name(f"{path.stem}.{after.version}{path.suffix}")
    if alone and not out.is_dir():
        return out
    above = next((named for named in paths if named != path and path.is_relative_to(named)), path.parent)
    return out / path.relative_to(above)


def _refuse_twins(tasks: Sequence[Task]) -> None:
    twice = [out for out, count in Counter(task.out for task in tasks).items() if count > 1]
    if twice:
        raise InputError("two documents would become this file", where=shown(twice[0]), hint="Migrate them one by one.")
    for task in tasks:
        _refuse_itself(task.path, task.out)


def _refuse_itself(path: Path, out: Path) -> None:
    if path != STDIN and out.exists() and out.samefile(path):
        hint = "Name another file or folder with --out."
        raise InputError("this is the document itself, which stays as it is", where=shown(out), hint=hint)


def _refuse_other(out: Path, new: bytes) -> None:
    try:
        other = out.is_file() and out.read_bytes() != new
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror or failed}", where=shown(out)) from failed
    if other:
        hint = "Move it away, name another file or folder, or replace it with --force."
        raise InputError("this file is there already, and says something else", where=shown(out), hint=hint)


def carry_out(tasks: Sequence[Task], *, dry_run: bool = False, force: bool = False) -> list[MigrationReport]:
    """Write the new files; a dry run only tells what would become of the documents.

    Args:
        tasks: From `plan`.
        dry_run: Write nothing.
        force: Replace new files that are there already and say something else: somebody may have worked on them.

    Raises:
        InputError: If a file cannot be written, or one is there already with other content; then none is written.
    """
    texts = [(task, *rewritten(task.document, task.rewriter)) for task in tasks]
    if not force:
        for task, text, _ in texts:
            _refuse_other(task.out, text.encode())
    reports = []
    for task, text, rows in texts:
        if not dry_run:
            try:
                task.out.parent.mkdir(parents=True, exist_ok=True)
            except OSError as failed:
                raise InputError(
                    f"the folder cannot be made: {failed.strerror}", where=shown(task.out.parent)
                ) from failed
            write_bytes(task.out, text.encode())
        before, after = task.rewriter.before.version, task.rewriter.after.version
        out = None if dry_run else task.out
        reports.append(MigrationReport(task.path, out, task.document.kind.value, before, after, rows))
    return reports
