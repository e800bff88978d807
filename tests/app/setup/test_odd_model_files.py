"""Model files that are damaged, locked, huge or strange say why they are not read, and what to do instead."""

import contextlib
import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.app.setup.model_metadata import MOST_NUMBERS, spec_of_model
from caponier.errors import InputError

LIGHTGBM = (
    "tree\nversion=v4\nmax_feature_idx={last}\nfeature_names={names}\nfeature_infos={infos}\n\nTree=0\nnum_leaves=2\n"
)


def keras(path: Path, model: Any, packed: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", packed) as out:
        out.writestr("config.json", model if isinstance(model, bytes) else json.dumps(model))
    return path


def inputs(*shapes: Any) -> Any:
    return {"config": {"layers": [{"class_name": "InputLayer", "config": {"batch_shape": one}} for one in shapes]}}


def xgboost(path: Path, **learner: Any) -> Path:
    path.write_text(json.dumps({"learner": {"learner_model_param": {"num_feature": "3"}, **learner}}))
    return path


def why_not(path: Path) -> str:
    with pytest.raises(InputError, match="metadata cannot be understood") as refused:
        spec_of_model(path)
    assert str(path) in str(refused.value)
    assert "leave --signature out" in (refused.value.hint or "")
    return str(refused.value)


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_may_be_packed_in_any_way(packed: int, tmp_path: Path) -> None:
    assert spec_of_model(keras(tmp_path / "m.keras", inputs([None, 28, 28, 1]), packed)).shape == (28, 28, 1)


@pytest.mark.parametrize("packed", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_archive_is_an_error_of_the_input(packed: int, tmp_path: Path) -> None:
    path = keras(tmp_path / "m.keras", inputs(*[[None, 28, 28, 1]] * 20), packed)
    data, chance = path.read_bytes(), random.Random(packed)
    for _ in range(60):
        made = bytearray(data)
        for _ in range(3):
            made[chance.randrange(4, len(made))] = chance.randrange(256)
        path.write_bytes(made)
        try:
            spec_of_model(path)
        except InputError:
            continue


def test_an_archive_with_a_password_is_an_error_of_the_input(tmp_path: Path) -> None:
    path = keras(tmp_path / "m.keras", inputs([None, 4]))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "password" in why_not(path)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (inputs([None, None, 4]), "size is not fixed: [None, None, 4]"),
        (inputs([None, 4, "x"]), "size is not fixed"),
        (inputs([None, 10**9, 10**9]), "more than 16,777,216 numbers"),
        (inputs([None, 4], [None, 5]), "no input of one shape"),
        (inputs([]), "no input of one shape"),
        ({"config": {}}, "no 'layers'"),
        (b"[" * 100_000, "depth"),
        (b"\xff", "UTF-8"),
    ],
)
def test_an_input_without_one_shape_is_said(model: Any, why: str, tmp_path: Path) -> None:
    assert why in why_not(keras(tmp_path / "m.keras", model))


def test_several_inputs_of_one_shape_are_one(tmp_path: Path) -> None:
    assert spec_of_model(keras(tmp_path / "m.keras", inputs([None, 4], [None, 4]))).shape == (4,)


@pytest.mark.parametrize("size", ["-3", "0", "x", "", str(10**12), "9" * 5_000])
def test_a_number_of_features_that_cannot_be_is_said(size: str, tmp_path: Path) -> None:
    assert why_not(xgboost(tmp_path / "m.json", learner_model_param={"num_feature": size}))


def test_as_many_numbers_as_a_line_holds_are_taken(tmp_path: Path) -> None:
    path = xgboost(tmp_path / "m.json", learner_model_param={"num_feature": str(MOST_NUMBERS)})
    assert spec_of_model(path).shape == (MOST_NUMBERS,)


@pytest.mark.parametrize("names", [["a", "a", "b"], ["", "b"]])
def test_names_that_name_nothing_are_said(names: list[str], tmp_path: Path) -> None:
    assert why_not(xgboost(tmp_path / "m.json", feature_names=names))


@pytest.mark.parametrize(
    ("infos", "categories"),
    [
        ("[0:1] [2:9] none", ()),
        ("[0:1] 0:1:2 none", (1,)),
        ("7 [0:1] 5", (0, 2)),
        ("[-1:1e+300] [-inf:inf] [0:0]", ()),
        ("none none none", ()),
        ("", ()),
    ],
)
def test_a_column_of_categories_may_have_one_alone(infos: str, categories: tuple[int, ...], tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    path.write_text(LIGHTGBM.format(last=2, names="a b c", infos=infos))
    assert spec_of_model(path).categories == categories


def test_what_stands_in_the_trees_is_not_of_the_model(tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    plain = LIGHTGBM.format(last=1, names="a b", infos="[0:1] [0:1]")
    path.write_text(plain + "feature_names=x\nmax_feature_idx=0\npandas_categorical:[]\n")
    assert [column.name for column in spec_of_model(path).columns] == ["a", "b"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_may_end_as_on_windows(end: str, tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    path.write_bytes(LIGHTGBM.format(last=1, names="a b", infos="[0:1] 0:1").replace("\n", end).encode())
    spec = spec_of_model(path)
    assert (spec.shape, spec.categories) == ((2,), (1,))


NAMES = ["config", "layers", "class_name", "batch_shape", "learner", "feature_names", "feature_types"]
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=4), st.floats(allow_nan=False)),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            one,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=VALUES, is_keras=st.booleans())
def test_any_metadata_are_a_form_or_an_error_of_the_input(value: Any, is_keras: bool, tmp_path: Path) -> None:
    path = keras(tmp_path / "m.keras", value) if is_keras else tmp_path / "m.json"
    if not is_keras:
        path.write_text(json.dumps({"learner": value}))
    with contextlib.suppress(InputError):
        assert spec_of_model(path).shape is not None
