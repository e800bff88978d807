"""The demo's model folder: a small registry of two versions, files that are harmless, and one that is not."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from caponier.demo.batch import Batch
from caponier.emulate.registry import files
from caponier.emulate.victims.digits import Pool
from caponier.formats.atomic_file import write_bytes
from caponier.remediate.model_registry import FILE_NAME, Registry
from caponier.remediate.reference_model import ReferenceModel, train

GOOD: Final = "2"
BAD: Final = "3"
"""Versions trained on the batch as it was, and as the account left it; version 1 is the one that is served."""
UNSAFE: Final = "digits-mlp-4.pkl"
ATTACK: Final = "plain_pickle_attack"
_OF_ATTACK: Final = "in-a-model.pkl"
_FROM_CONTROL: Final = "plain_data"
HARMLESS: Final = ("containers-4.pkl", "numbers.npy", "weights.safetensors", "config.json", "notes.md")
"""Of the control's files."""


def file_of(model: str, version: str) -> str:
    """Return the name of a version's file."""
    return f"{model}-{version}.safetensors"


def fill(folder: Path, model: str, batch: Batch, seed: int, canary: Path) -> None:
    """Write the model folder.

    Args:
        folder: An existing folder.
        model: The model's name in the registry.
        batch: What the two versions learn from.
        seed: Fixes their weights.
        canary: A file that the attacker's code would make, if anybody loaded it.
    """
    registry = Registry()
    for version, pool in ((GOOD, batch.clean), (BAD, batch.poisoned)):
        content = _trained(pool, seed).to_bytes()
        name = file_of(model, version)
        write_bytes(folder / name, content)
        registry = registry.register(model, version, name, hashlib.sha256(content).hexdigest())
    write_bytes(folder / FILE_NAME, registry.to_bytes())
    _copy(ATTACK, {_OF_ATTACK: UNSAFE}, folder, canary)
    _copy(_FROM_CONTROL, {name: name for name in HARMLESS}, folder, canary)


def _copy(emulation: str, names: dict[str, str], folder: Path, canary: Path) -> None:
    """Put some of an emulation's files into a folder."""
    with TemporaryDirectory(prefix="caponier-demo-") as where:
        for path in files()[emulation].write(Path(where), canary):
            if path.name in names:
                write_bytes(folder / names[path.name], path.read_bytes())


def _trained(pool: Pool, seed: int) -> ReferenceModel:
    labels = np.unique(pool.labels)
    places = np.searchsorted(labels, pool.labels)
    return train(pool.images.astype(np.float64), places, tuple(str(label) for label in labels), seed)
