"""Control: data files that lie beside models, and hold nothing that runs."""

import collections
import io
import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from caponier.emulate.file_emulation import write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class PlainData:
    """Writes arrays, pickled containers, safetensors and notes."""

    name: ClassVar[str] = "plain_data"
    description: ClassVar[str] = "numpy arrays, pickled containers, safetensors, JSON, YAML and notes"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    harmful: ClassVar[bool] = False

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        del canary
        from safetensors.numpy import save

        mixed = np.array([1, "two", None, {"three": 3.0}], dtype=object)
        contents = {
            "numbers.npy": _saved(np.save, arr=np.arange(12.0).reshape(3, 4)),
            "objects.npy": _saved(np.save, arr=mixed, allow_pickle=True),
            "several.npz": _saved(np.savez_compressed, a=np.eye(3), b=mixed),
            "weights.safetensors": save({"w": np.eye(3, dtype=np.float32)}),
            "config.json": json.dumps({"layers": [4, 3]}).encode(),
            "notes.md": b"# Digits\n\nTrained in a day.\n",
            "params.yaml": b"lr: 0.1\nshape: !!python/tuple [8, 8]\n",
        }
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            contents[f"containers-{protocol}.pkl"] = pickle.dumps(_containers(), protocol=protocol)
        return write_all(folder, contents)


def _saved(save: Callable[..., None], **arrays: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, **arrays)
    return stream.getvalue()


def _containers() -> list[Any]:
    return [
        {"a": (1, 2.5, None, True), "b": b"\x00\xff"},
        collections.OrderedDict(x=1),
        collections.defaultdict(list, {1: [2]}),
        {1, 2},
        frozenset((3, 4)),
        np.float32(1.5),
        np.arange(3),
        np.random.RandomState(0),
    ]


EMULATION = PlainData()
