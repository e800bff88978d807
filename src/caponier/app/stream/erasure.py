"""Erase a caller from what a stream keeps."""

from pathlib import Path

from caponier.app.stream.checkpoint import STATE, Checkpoint
from caponier.app.workspace.erasure import Erasure
from caponier.errors import InputError
from caponier.records.skip import Skip


def erase_from_checkpoint(folder: Path, name: str, done: Erasure) -> None:
    """Erase what the checkpoint of a stream holds of a caller, if there is one.

    Args:
        folder: Of the checkpoint.
        name: Of the principal.
        done: Takes what was erased, and what could not be looked into.
    """
    if not (folder / STATE).is_dir():
        return
    try:
        checkpoint = Checkpoint(folder)
        with checkpoint.alone():
            done.states += checkpoint.erase(name)
    except InputError as failed:
        done.skipped.append(Skip(failed.where or str(folder), f"{failed.what}: {failed.hint}"))
