"""A model file with other numbers in it: written, and read back. Neither file is ever loaded."""

from typing import Final

from caponier.app.scan.model import ModelReport, OpenedModel
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Floats, rewritten
from caponier.errors import InputError

PRICE: Final = 0.02
"""Accuracy that the repair of a model may cost."""


def written(opened: OpenedModel, new: Network) -> bytes:
    """Return the file of a model with other numbers in it, byte for byte the same besides.

    Raises:
        InputError: If its numbers are packed.
    """
    old = opened.model.network
    changes = [(tensor, new.layers[at].tensors[name]) for (at, name), tensor in old.stored.items()]
    try:
        return rewritten(opened.content, opened.contents, changes)
    except InputError as packed:
        raise InputError(packed.what, where=str(opened.path), hint=packed.hint) from packed


def read_back(report: ModelReport, new: Network, x: Floats) -> None:
    """Make sure that the file that was written is the network that was measured.

    Raises:
        InputError: If it is not.
    """
    if report.opened is None:
        raise InputError(f"what was written cannot be read again: {report.skipped[0].reason}", where=str(report.path))
    answers = report.opened.model.network.answers(x)
    # Sixteen bits hold less than what was computed.
    if (answers == new.answers(x)).mean() < 0.98:
        raise InputError("what was written answers otherwise than what was measured", where=str(report.path))
