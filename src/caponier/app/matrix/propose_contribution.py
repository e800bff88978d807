"""Begin a contribution: a file with what is known filled in, and a blank for all that is still to be said."""

from dataclasses import dataclass
from pathlib import Path

from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.matrix.contributions.form import ContributionKind
from caponier.matrix.contributions.review_context import series, study_series
from caponier.matrix.contributions.template import Values, fill_in
from caponier.matrix.versions.catalogue import Matrix


@dataclass(frozen=True, slots=True)
class Proposal:
    """A contribution file, perhaps with blanks."""

    text: str
    blanks: tuple[str, ...]
    """Names of the required fields that somebody still has to fill in."""
    remarks: tuple[str, ...] = ()
    """What a person should know of how it was drafted."""


def propose(kind: ContributionKind, matrix: Matrix, values: Values) -> Proposal:
    """Write a contribution.

    Args:
        kind: What is contributed.
        matrix: What it is for.
        values: What is known; an id that is not given is the next free one.

    Raises:
        InputError: If a text is not Unicode.
    """
    filled = dict(values)
    if kind is ContributionKind.TECHNIQUE and not filled.get("id"):
        filled["id"] = _free_id(matrix, filled)
    if kind is ContributionKind.CASE_STUDY and not filled.get("id"):
        filled["id"] = study_series(matrix).next
    return Proposal(*fill_in(kind, matrix, filled))


def write_proposal(proposal: Proposal, out: Path) -> None:
    """Write a new file; what somebody has filled in is never written over.

    Raises:
        InputError: If the file is there already, or cannot be written.
    """
    if out.exists():
        raise InputError("the file is there already", where=str(out), hint="Name a new one with --out.")
    write_bytes(out, proposal.text.encode())


def _free_id(matrix: Matrix, values: Values) -> str:
    parent = values.get("parent")
    tactic = next(iter(values.get("tactics") or ()), None)
    known = {tactic.id for tactic in matrix.tactics}
    if (parent and parent in matrix) or (not parent and tactic in known):
        return series(matrix, tactic or "", parent).next
    return ""
