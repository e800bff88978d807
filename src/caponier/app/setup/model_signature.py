"""What a model takes, as its MLflow signature says: read from the text of an `MLmodel` file, and nothing is loaded."""

import json
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.strict_yaml import YamlDialect, read_value
from caponier.records.inventory import FeatureColumn, FeatureSpec

FILE: Final = "MLmodel"
_DIALECT: Final = YamlDialect(letters=4 * 2**20, aliases=None)
_NUMBERS: Final = frozenset(("double", "float", "long", "integer", "boolean"))
_DTYPES: Final = frozenset(("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64"))


def spec_of_signature(path: Path) -> FeatureSpec:
    """Read a signature.

    Args:
        path: The file `MLmodel`, or the folder of the model.

    Raises:
        InputError: If there is none, or it describes no table and no tensor.
    """
    file = path / FILE if path.is_dir() else path
    try:
        with file.open("rb") as stream:
            text = stream.read((_DIALECT.letters or 0) + 1).decode()
    except OSError as failed:
        raise InputError(f"the signature cannot be read: {failed.strerror}", where=str(file)) from failed
    except UnicodeDecodeError:
        raise InputError("this is no MLmodel file", where=str(file)) from None
    value = read_value(text, str(file), _DIALECT)
    signature = value.get("signature") if isinstance(value, dict) else None
    if not isinstance(signature, dict) or not isinstance(signature.get("inputs"), str):
        hint = "Log the model with a signature (mlflow.models.infer_signature), or describe its features by hand."
        raise InputError("the model has no signature of its inputs", where=str(file), hint=hint)
    try:
        inputs = json.loads(signature["inputs"])
        return _spec(inputs)
    except (ValueError, KeyError, TypeError, RecursionError) as wrong:
        raise InputError(f"the signature cannot be understood: {str(wrong)[:200]}", where=str(file)) from wrong


def _spec(inputs: Any) -> FeatureSpec:
    if not isinstance(inputs, list) or not inputs:
        raise ValueError("no inputs")
    if not all(isinstance(one, dict) for one in inputs):
        raise ValueError("inputs that are no objects")
    if inputs[0].get("type") == "tensor":
        return _tensor(inputs)
    columns = tuple(FeatureColumn(name=str(one["name"])) for one in inputs if "name" in one)
    kinds = [str(one["type"]) for one in inputs]
    texts = tuple(place for place, kind in enumerate(kinds) if kind not in _NUMBERS)
    if columns and len(columns) != len(inputs):
        raise ValueError("columns with and without names")
    if kinds == ["string"]:
        return FeatureSpec(kind="text")
    kind = "categorical" if texts else "numeric"
    return FeatureSpec(kind=kind, shape=(len(inputs),), categories=texts, columns=columns)


def _tensor(inputs: list[Any]) -> FeatureSpec:
    if len(inputs) > 1:
        raise ValueError("several tensors")
    about = inputs[0]["tensor-spec"]
    # The first size is the batch's.
    shape = tuple(int(size) for size in about["shape"][1:])
    if not shape or any(size < 1 for size in shape):
        raise ValueError("a shape of any size")
    dtype = about["dtype"] if about["dtype"] in _DTYPES else "float32"
    return FeatureSpec(kind="image" if len(shape) in (2, 3) else "numeric", shape=shape, dtype=dtype)
