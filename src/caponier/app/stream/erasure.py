"""Erase a caller from what a stream keeps."""

from pathlib import Path

from caponier.app.stream.checkpoint import STATE, Checkpoint
from caponier.app.workspace.erasure import Erasure
from caponier.errors import InputError
from caponier.records.skip import Skip


def is_checkpoint(folder: Path) -> bool:
    """Tell whether a stream keeps, or kept, something in a folder."""
    return (folder / STATE).is_dir()


def erase_from_checkpoint(folder: Path, name: str, done: Erasure) -> None:
    """Erase what the checkpoint of a stream holds of a caller, if there is one.

    Args:
        folder: Of the checkpoint.
        name: Of the principal.
        done: Takes what was erased, and what could not be looked into.
    """
    if not is_checkpoint(folder):
        return
    try:
        checkpoint = Checkpoint(folder)
        with checkpoint.alone():
            done.states += checkpoint.erase(name)
    except InputError as failed:
        done.skipped.append(Skip(failed.where or str(folder), f"{failed.what}: {failed.hint}"))
