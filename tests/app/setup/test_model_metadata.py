"""What a model file's own metadata say that it takes; nothing is loaded, and what does not say is told."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.app.setup.model_metadata import spec_of_model
from caponier.errors import InputError

LIGHTGBM = """tree
version=v4
num_class=1
max_feature_idx=3
objective=binary sigmoid:1
feature_names={names}
feature_infos=[0:1] [2:9] none 0:1:2
tree_sizes=10

Tree=0
num_leaves=2
"""


def xgboost(path: Path, **learner: Any) -> Path:
    plain = {"learner_model_param": {"num_feature": "3", "num_class": "0"}, "feature_names": [], "feature_types": []}
    path.write_text(json.dumps({"learner": {**plain, **learner}, "version": [2, 1, 0]}))
    return path


def keras(path: Path, model: Any) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("metadata.json", "{}")
        out.writestr("config.json", json.dumps(model))
    return path


def layers(*configs: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"config": {"layers": [{"class_name": kind, "config": config} for kind, config in configs]}, **more}


def test_xgboost_says_its_columns_and_categories(tmp_path: Path) -> None:
    spec = spec_of_model(
        xgboost(tmp_path / "a.json", feature_names=["a", "b", "c"], feature_types=["float", "c", "int"])
    )
    assert (spec.kind, spec.shape, spec.categories) == ("categorical", (3,), (1,))
    assert [column.name for column in spec.columns] == ["a", "b", "c"]
    nameless = spec_of_model(xgboost(tmp_path / "b.json"))
    assert (nameless.kind, nameless.shape, nameless.columns) == ("numeric", (3,), ())


def test_lightgbm_says_its_columns_and_categories(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(LIGHTGBM.format(names="age rate none city"))
    spec = spec_of_model(path)
    assert (spec.kind, spec.shape, spec.categories) == ("categorical", (4,), (3,))
    assert [column.name for column in spec.columns] == ["age", "rate", "none", "city"]
    path.write_text(LIGHTGBM.format(names="Column_0 Column_1 Column_2 Column_3"))
    assert spec_of_model(path).columns == ()


@pytest.mark.parametrize(
    "model",
    [
        layers(("InputLayer", {"batch_shape": [None, 28, 28, 1]}), ("Dense", {})),
        layers(("InputLayer", {"batch_input_shape": [None, 28, 28, 1]})),
        layers(("Conv2D", {"batch_input_shape": [None, 28, 28, 1]})),
        layers(("Conv2D", {}), build_config={"input_shape": [None, 28, 28, 1]}),
    ],
)
def test_keras_says_its_shape(model: Any, tmp_path: Path) -> None:
    spec = spec_of_model(keras(tmp_path / "m.keras", model))
    assert (spec.kind, spec.shape) == ("image", (28, 28, 1))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b"{}"),
        ("a.json", b'{"learner": []}'),
        ("a.json", b"{"),
        ("a.txt", LIGHTGBM.format(names="a b").encode()),
        ("a.pkl", b"\x80\x04."),
        ("a.zip", b"PK\x03\x04 not really"),
        ("a.txt", b""),
    ],
)
def test_what_does_not_say_is_told(name: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=name) as told:
        spec_of_model(path)
    assert told.value.hint


def test_several_inputs_are_told(tmp_path: Path) -> None:
    two = layers(("InputLayer", {"batch_shape": [None, 4]}), ("InputLayer", {"batch_shape": [None, 5]}))
    with pytest.raises(InputError, match="no input of one shape"):
        spec_of_model(keras(tmp_path / "m.keras", two))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["learner", "feature_names", "feature_types", "config", "layers", "class_name"]), one
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_any_metadata_is_a_specification_or_a_reason(tmp_path: Path, value: Any) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"learner": value}))
    for path in (tmp_path / "a.json", keras(tmp_path / "m.keras", value)):
        try:
            spec_of_model(path)
        except InputError:
            continue
