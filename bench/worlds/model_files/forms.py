"""The forms in which a library's objects are kept: pickles, joblib's files, torch's, numpy's, skops, ONNX, and more."""

import importlib.util
import io
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import numpy as np

from bench.worlds.model_files import estimators, values
from bench.worlds.model_files.estimators import Example

PROTOCOLS: Final = (2, 4, 5)
COMPRESSIONS: Final = (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lz4", 3))
_ONNX_MODULES: Final = ("skl2onnx", "onnx")


class BenignFile(NamedTuple):
    """A file that a library wrote."""

    library: str
    name: str
    form: str
    content: bytes


def all_files() -> Iterator[BenignFile]:
    """Yield every file that the installed libraries can write, in the same order each time."""
    turn = 0
    for example in (*estimators.of_scikit_learn(), *estimators.of_boosters()):
        yield from _of_estimator(example, turn)
        turn += 1
    for source in (values.of_python, values.of_numpy, values.of_scipy, values.of_pandas):
        for example in source():
            yield from _of_estimator(example, turn)
            turn += 1
            yield from _as_numpy(example)
    for example in values.of_torch():
        yield from _of_torch(example)
    yield from _of_boosters()


def _of_estimator(example: Example, turn: int) -> Iterator[BenignFile]:
    """Yield an object in two protocols, in joblib's files plain and compressed, in skops and in ONNX."""
    library, name, value = example
    for protocol in (PROTOCOLS[turn % 2], PROTOCOLS[2]):
        yield BenignFile(library, name, f"pickle {protocol}", pickle.dumps(value, protocol))
    for compression in (COMPRESSIONS[0], COMPRESSIONS[1 + turn % (len(COMPRESSIONS) - 1)]):
        written = _joblib(value, compression)
        if written is not None:
            kind = compression[0] if isinstance(compression, tuple) else "plain"
            yield BenignFile(library, name, f"joblib {kind}", written)
    for form, content in (("skops", _skops(value)), ("onnx", _onnx(value))):
        if content is not None:
            yield BenignFile(library, name, form, content)


def _joblib(value: Any, compression: Any) -> bytes | None:
    import joblib

    stream = io.BytesIO()
    try:
        joblib.dump(value, stream, compress=compression)
    except (ValueError, ImportError):
        return None
    return stream.getvalue()


def _skops(value: Any) -> bytes | None:
    if importlib.util.find_spec("skops") is None or not hasattr(value, "get_params"):
        return None
    import skops.io

    try:
        return bytes(skops.io.dumps(value))
    except Exception:  # noqa: BLE001 - whatever skops cannot write is no file
        return None


def _onnx(value: Any) -> bytes | None:
    if any(importlib.util.find_spec(module) is None for module in _ONNX_MODULES) or not hasattr(
        value, "n_features_in_"
    ):
        return None
    from skl2onnx import to_onnx

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bytes(to_onnx(value, np.zeros((1, value.n_features_in_), np.float32)).SerializeToString())
    except Exception:  # noqa: BLE001 - whatever has no converter is no file
        return None


def _as_numpy(example: Example) -> Iterator[BenignFile]:
    library, name, value = example
    if not isinstance(value, np.ndarray):
        return
    for form, write in (("npy", np.save), ("npz", np.savez), ("npz packed", np.savez_compressed)):
        stream = io.BytesIO()
        write(stream, value)
        yield BenignFile(library, name, form, stream.getvalue())


def _of_torch(example: Example) -> Iterator[BenignFile]:
    import safetensors.torch
    import torch

    library, name, value = example
    for form, words in (("torch", {}), ("torch, old form", {"_use_new_zipfile_serialization": False})):
        stream = io.BytesIO()
        torch.save(value, stream, **words)
        yield BenignFile(library, name, form, stream.getvalue())
    yield BenignFile(library, name, "pickle 4", pickle.dumps(value, 4))
    tensors = isinstance(value, dict) and all(isinstance(one, torch.Tensor) for one in value.values())
    if tensors and value:
        yield BenignFile(library, name, "safetensors", safetensors.torch.save(value))


def _of_boosters() -> Iterator[BenignFile]:
    """Yield the boosters' own forms: JSON, UBJSON and text."""
    for library, name, model in estimators.of_boosters():
        with TemporaryDirectory() as folder:
            for form, path in _own_forms(library, model, Path(folder)):
                yield BenignFile(library, name, form, path.read_bytes())


def _own_forms(library: str, model: Any, folder: Path) -> Iterator[tuple[str, Path]]:
    if library == "xgboost":
        for ending in ("json", "ubj"):
            model.get_booster().save_model(path := folder / f"model.{ending}")
            yield ending, path
    elif library == "lightgbm":
        model.booster_.save_model(path := folder / "model.txt")
        yield "text", path
