"""What a signature of MLflow says that a model takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caponier.app.setup.model_signature import spec_of_signature
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec


def written(folder: Path, inputs: Any) -> Path:
    path = folder / "MLmodel"
    path.write_text(yaml.safe_dump({"flavors": {}, "signature": {"inputs": json.dumps(inputs), "outputs": None}}))
    return path


def tensor(*shape: int, dtype: str = "float32") -> list[Any]:
    return [{"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": list(shape)}}]


names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=12)
types = st.sampled_from(["double", "float", "long", "integer", "boolean", "string", "datetime"])


@given(st.dictionaries(names, types, min_size=2, max_size=8))
def test_columns_keep_their_order_and_texts_are_categories(
    tmp_path_factory: pytest.TempPathFactory, columns: dict[str, str]
) -> None:
    path = written(tmp_path_factory.mktemp("m"), [{"name": name, "type": kind} for name, kind in columns.items()])
    spec = spec_of_signature(path)
    assert [column.name for column in spec.columns] == list(columns)
    texts = [place for place, kind in enumerate(columns.values()) if kind in ("string", "datetime")]
    assert list(spec.categories) == texts
    assert spec.kind == ("categorical" if texts else "numeric")
    assert spec.size == len(columns)
    assert spec_of_signature(path.parent) == spec, "the folder of the model means the file in it"


@pytest.mark.parametrize(
    ("inputs", "spec"),
    [
        ([{"type": "string"}], FeatureSpec(kind="text")),
        ([{"name": "prompt", "type": "string"}], FeatureSpec(kind="text")),
        ([{"type": "double"}, {"type": "long"}], FeatureSpec(kind="numeric", shape=(2,))),
        (tensor(-1, 28, 28, dtype="uint8"), FeatureSpec(kind="image", shape=(28, 28), dtype="uint8")),
        (tensor(-1, 3, 8, 8), FeatureSpec(kind="image", shape=(3, 8, 8))),
        (tensor(-1, 5, dtype="str"), FeatureSpec(kind="numeric", shape=(5,))),
        (tensor(-1, 2, 3, 4, 5), FeatureSpec(kind="numeric", shape=(2, 3, 4, 5))),
    ],
)
def test_forms(tmp_path: Path, inputs: Any, spec: FeatureSpec) -> None:
    assert spec_of_signature(written(tmp_path, inputs)) == spec


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ([], "no inputs"),
        ({}, "no inputs"),
        ([{"name": "a", "type": "double"}, {"type": "double"}], "with and without names"),
        (tensor(-1, 3) * 2, "several tensors"),
        (tensor(-1), "a shape of any size"),
        (tensor(-1, -1, 3), "a shape of any size"),
        ([{"name": "a"}], "type"),
        ([{"type": "tensor"}], "tensor-spec"),
        ([3], "cannot be understood"),
        (["x"], "cannot be understood"),
        ([{"name": "a", "type": "double"}, None], "cannot be understood"),
        ([{"type": "tensor", "tensor-spec": {"dtype": ["x"], "shape": [1, 2]}}], "cannot be understood"),
        ([{"type": "tensor", "tensor-spec": [1]}], "cannot be understood"),
    ],
)
def test_what_cannot_be_understood_says_why_and_where(tmp_path: Path, inputs: Any, says: str) -> None:
    path = written(tmp_path, inputs)
    with pytest.raises(InputError, match=says) as wrong:
        spec_of_signature(path)
    assert wrong.value.where == str(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- 1",
        b"signature: {}",
        b"signature: {inputs: [1]}",
        b"signature: text",
        b"\xff\xfe",
        b"signature: {inputs: '{'}",
    ],
)
def test_a_file_without_signature_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "MLmodel").write_bytes(content)
    with pytest.raises(InputError):
        spec_of_signature(tmp_path)


def test_a_folder_without_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        spec_of_signature(tmp_path)
