"""What a model takes, as its own file says: read from its metadata, and nothing is loaded.

XGBoost's JSON (its documentation, "Introduction to Model IO"), LightGBM's text (`Booster.save_model`), and the
configuration in Keras's `.keras` archives (keras.io, "Save, serialize, and export models").
"""

import lzma
import zipfile
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, Final

import orjson

from caponier.app.setup.model_signature import FILE, spec_of_signature
from caponier.errors import InputError
from caponier.records.inventory import FeatureColumn, FeatureSpec

LARGEST: Final = 64 * 2**20
"""Bytes of a model as JSON, and of a configuration."""
HEAD: Final = 2**20
"""Bytes of a LightGBM model in which its metadata stand: they come before the trees."""
KINDS: Final = "an MLflow model, or a model file of XGBoost (.json), LightGBM (text) or Keras (.keras)"
_CATEGORY: Final = "c"
MOST_NUMBERS: Final = 2**24
"""Numbers of one example; a line of a log holds no more of them."""
_BAD: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError)
_BAD_ARCHIVE: Final = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError)
"""What an archive raises that is damaged, locked by a password or packed in a way that nobody here reads."""


def spec_of_model(path: Path) -> FeatureSpec:
    """Read what a model takes from its files.

    Args:
        path: The folder of an MLflow model or its file `MLmodel`, or a model file.

    Raises:
        InputError: If it is none of these, or does not say.
    """
    if path.is_dir() or path.name == FILE:
        return spec_of_signature(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as failed:
        raise InputError(f"the model cannot be read: {failed.strerror}", where=str(path)) from failed
    read = _reader(head)
    if read is None:
        raise InputError("this is not a model file whose metadata can be read", where=str(path), hint=f"Give {KINDS}.")
    try:
        spec = read(path, head)
        if prod(spec.shape) > MOST_NUMBERS:
            raise ValueError(f"more than {MOST_NUMBERS:,} numbers in one example: {spec.shape}")
        return spec
    except (*_BAD, *_BAD_ARCHIVE) as wrong:
        why = f"no {wrong.args[0]!r}" if isinstance(wrong, KeyError) else str(wrong)
        hint = "Describe its features in [[model]] by hand, or leave --signature out: the log tells what it can."
        raise InputError(f"its metadata cannot be understood: {why[:200]}", where=str(path), hint=hint) from wrong


def _reader(head: bytes) -> Callable[[Path, bytes], FeatureSpec] | None:
    if head[:4] == b"PK\x03\x04":
        return _keras
    if head.lstrip()[:1] == b"{":
        return _xgboost
    return _lightgbm if head.startswith(b"tree") and b"max_feature_idx=" in head else None


def _xgboost(path: Path, _: bytes) -> FeatureSpec:
    if path.stat().st_size > LARGEST:
        raise ValueError(f"more than {LARGEST:,} bytes")
    learner = orjson.loads(path.read_bytes())["learner"]
    names = [str(name) for name in learner.get("feature_names") or ()]
    kinds = learner.get("feature_types") or ()
    size = len(names) or int(learner["learner_model_param"]["num_feature"])
    return _row(size, names, tuple(place for place, kind in enumerate(kinds) if kind == _CATEGORY))


def _lightgbm(_: Path, head: bytes) -> FeatureSpec:
    about = head.partition(b"\nTree=")[0].decode("utf-8", "replace")
    told = dict(line.partition("=")[::2] for line in about.splitlines() if "=" in line)
    names = told["feature_names"].split(" ")
    # [0:1] is the range of a number, 0:1:2 are the categories of another column, and none is a column without use.
    infos = told.get("feature_infos", "").split(" ")
    categories = tuple(place for place, info in enumerate(infos) if info.replace(":", "").isdecimal())
    if len(names) != int(told["max_feature_idx"]) + 1:
        raise ValueError("names of another number than its features")
    # What LightGBM calls columns whose names it never heard is no name.
    known = [] if all(name == f"Column_{place}" for place, name in enumerate(names)) else names
    return _row(len(names), known, categories)


def _keras(path: Path, _: bytes) -> FeatureSpec:
    with zipfile.ZipFile(path) as archive:
        about = archive.getinfo("config.json")
        if about.file_size > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes")
        with archive.open(about) as file:
            model = orjson.loads(file.read(LARGEST))
    shapes = [shape for shape in _input_shapes(model) if isinstance(shape, list)]
    if len({tuple(shape) for shape in shapes}) != 1:
        raise ValueError("no input of one shape")
    # The first size is the batch's.
    if not all(isinstance(size, int) for size in shapes[0][1:]):
        raise ValueError(f"an input whose size is not fixed: {shapes[0]}")
    shape = tuple(int(size) for size in shapes[0][1:])
    return FeatureSpec(kind="image" if len(shape) in (2, 3) else "numeric", shape=shape)


def _input_shapes(model: Any) -> list[Any]:
    """Return the shapes of a model's inputs, as the versions of Keras write them."""
    config = model["config"]
    layers = config["layers"] if isinstance(config, dict) else config
    inputs = [layer["config"] for layer in layers if layer["class_name"] == "InputLayer"] or [layers[0]["config"]]
    found = [one.get("batch_shape") or one.get("batch_input_shape") for one in inputs]
    return found if any(found) else [(model.get("build_config") or {}).get("input_shape")]


def _row(size: int, names: list[str], categories: tuple[int, ...]) -> FeatureSpec:
    columns = tuple(FeatureColumn(name=name) for name in names)
    return FeatureSpec(
        kind="categorical" if categories else "numeric", shape=(size,), categories=categories, columns=columns
    )
