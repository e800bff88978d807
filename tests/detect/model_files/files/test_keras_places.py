"""Keras configurations: objects in odd places, functions of Python and of Keras itself, and what stays clean."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files import keras
from detect.model_files.files.building import HARMFUL, fresh, hdf5, judged, verdict, zipped

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}, "registered_name": None}
LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {}}, "registered_name": None}


def function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def model(*layers: Any) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": [DENSE, *layers]}}


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


PLACES: dict[str, Any] = {
    "a plain dictionary": {"anything": LAMBDA},
    "a list at the top": [LAMBDA],
    "a list of lists": [[1, [LAMBDA]]],
    "an argument of a call": model(DENSE | {"inbound_nodes": [{"args": [LAMBDA], "kwargs": {}}]}),
    "a wrapped layer": model({"module": "keras.layers", "class_name": "Bidirectional", "config": {"layer": LAMBDA}}),
    "a build configuration": model(DENSE | {"build_config": {"input_shape": LAMBDA}}),
    "a compile configuration": model() | {"compile_config": {"loss": LAMBDA}},
    "a dictionary without a class": {"config": {"layers": [LAMBDA]}},
}


@pytest.mark.parametrize("place", PLACES)
def test_a_layer_of_code_is_found_in(place: str) -> None:
    judgement = judged(encoded(PLACES[place]))
    assert judgement.verdict is Verdict.UNSAFE
    assert judgement.reason == "has a layer that carries code: Lambda"


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (
            {"module": "keras.src.utils.file_utils", "class_name": "None1", "registered_name": "get_file"},
            Verdict.UNSAFE,
        ),
        ({"module": "keras.layers", "class_name": "None1", "registered_name": "made"}, Verdict.UNKNOWN),
        ({"module": "keras", "class_name": "None1", "registered_name": "utils.get_file"}, Verdict.UNSAFE),
        ({"module": "keras", "class_name": "__typespec__", "spec_name": "saving.load_model"}, Verdict.UNSAFE),
        ({"module": "keras.layers", "class_name": "Dense", "registered_name": "Dense"}, Verdict.CLEAN),
        ({"module": "keras.layers", "class_name": "Dense", "registered_name": None}, Verdict.CLEAN),
    ],
)
def test_a_name_is_looked_for_under_other_keys_as_well(node: dict[str, Any], expected: Verdict) -> None:
    """Where a module has no such class, Keras takes what the module has under the registered name."""
    assert verdict(encoded(model(node | {"config": {}}))) is expected


def test_letters_may_be_escaped() -> None:
    content = b'{"a": {"class_\\u006eame": "\\u004cambda", "config": {}}}'
    assert verdict(content) is Verdict.UNSAFE


@pytest.mark.parametrize("name", ["eval", "exec", "open", "compile", "__import__", "getattr", "print", "breakpoint"])
def test_functions_of_python_are_none_of_keras(name: str) -> None:
    """Keras looks for a function of that name in itself first, and then imports the module: `builtins`."""
    judgement = judged(encoded(model(DENSE | {"config": {"activation": function("builtins", name)}})))
    assert judgement.verdict is Verdict.UNSAFE
    assert f"builtins.{name}" in judgement.reason


@pytest.mark.parametrize("name", ["relu", "mean_squared_error", "glorot_uniform", "my_own_loss"])
def test_functions_of_keras_are_written_as_built_in(name: str) -> None:
    assert verdict(encoded(model(DENSE | {"config": {"activation": function("builtins", name)}}))) is Verdict.CLEAN


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
        ("tensorflow.keras.utils", "get_file"),
        ("tf_keras.src.utils.data_utils", "get_file"),
        ("keras.config", "enable_unsafe_deserialization"),
        ("keras.models", "load_model"),
        ("keras.saving", "load_model"),
        ("keras._tf_keras.keras.utils", "get_file"),
        ("keras.src.legacy.saving.legacy_h5_format", "load_model_from_hdf5"),
    ],
)
def test_functions_of_keras_that_reach_files_are_no_layers(module: str, name: str) -> None:
    """A function of Keras's own is called with the arguments of a layer's node (CVE-2025-1550, CVE-2025-8747)."""
    judgement = judged(encoded(model(function(module, name))))
    assert judgement.verdict is Verdict.UNSAFE
    assert f"{module}.{name}" in judgement.reason
    by_class = {"module": module, "class_name": name, "config": {}}
    assert verdict(encoded(model(by_class))) is Verdict.UNSAFE


@pytest.mark.parametrize(
    "layer",
    [
        function("keras.activations", "relu"),
        function("keras.ops.nn", "silu"),
        {"module": "keras.utils", "class_name": "FeatureSpace", "config": {}},
        {"module": "keras.models", "class_name": "Model", "config": {}},
        {"module": "keras.src.models.functional", "class_name": "Functional", "config": {}},
        {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
        {"module": "builtins", "class_name": "int", "config": 3},
        {"class_name": "__tuple__", "items": [1, 2]},
    ],
)
def test_what_keras_itself_writes_is_clean(layer: dict[str, Any]) -> None:
    assert verdict(encoded(model(layer))) is Verdict.CLEAN


@pytest.mark.parametrize("module", ["os", "subprocess", "kerass", "keras_cv", "Keras", "keras\u200b", "tensorflow", ""])
def test_modules_that_only_look_like_keras_are_others(module: str) -> None:
    assert verdict(encoded(model(DENSE | {"module": module}))) is Verdict.UNSAFE


@pytest.mark.parametrize("module", [3, None, ["os"], {"a": 1}])
def test_a_module_that_is_no_text_is_no_error(module: Any) -> None:
    assert verdict(encoded(model(DENSE | {"module": module}))) is Verdict.CLEAN
    judged(encoded(model({"module": "builtins", "class_name": "function", "config": module})))


@pytest.mark.parametrize("document", [{"a": 1}, [], {"class_name": "x"}, {"config": {}}, ["class_name", "config"], 3])
def test_json_of_no_model_is_no_configuration(document: Any) -> None:
    assert keras.read_config(document) is None


def test_json_that_is_too_deep_for_the_scan_is_open() -> None:
    """Another reader may go deeper, and find a layer there."""
    content = b'{"a":' * 100_000 + encoded(LAMBDA) + b"}" * 100_000
    judgement = judged(content)
    assert (judgement.verdict, judgement.kind) == (Verdict.UNKNOWN, "json")


def archive(config: Any, **parts: bytes) -> bytes:
    own = {"config.json": encoded(config), "metadata.json": b"{}", "model.weights.h5": hdf5("weights ordered")}
    return zipped(own | parts)


def test_an_archive_is_as_its_configuration() -> None:
    assert judged(archive(model())).kind == "keras"
    assert verdict(archive(model())) is Verdict.CLEAN
    assert verdict(archive({"x": LAMBDA})) is Verdict.UNSAFE
    assert verdict(archive(model(), **{"assets/vocabulary.pkl": HARMFUL})) is Verdict.UNSAFE


def test_weights_with_layers_in_them_are_told() -> None:
    assert verdict(archive(model())) is Verdict.CLEAN
    assert verdict(archive(model(), **{"model.weights.h5": hdf5("layer of code new")})) is Verdict.UNSAFE
    assert verdict(archive(model(), **{"model.weights.h5": hdf5("numbers elsewhere old")})) is Verdict.UNSAFE
    assert verdict(archive(model(), **{"model.weights.h5": keras.HDF5 + bytes(100)})) is Verdict.UNKNOWN


@pytest.mark.parametrize("at", [0, (1 << 22) - 30, (1 << 22) - 1, 1 << 22])
def test_a_layer_on_the_border_of_two_windows_is_found(at: int) -> None:
    content = keras.HDF5 + bytes(at) + b'"class_name" : "TFSMLayer"' + bytes(3_000)
    assert keras.read_hdf5(memoryview(content), fresh()).unsafe


plain = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def planted(document: Any, path: list[int], what: Any) -> Any:
    """Put something into a document, at a place that a list of numbers leads to."""
    if not path or not isinstance(document, dict | list) or not document:
        return [document, what]
    if isinstance(document, list):
        at = path[0] % len(document)
        return [planted(value, path[1:], what) if number == at else value for number, value in enumerate(document)]
    chosen = sorted(document)[path[0] % len(document)]
    return {key: planted(value, path[1:], what) if key == chosen else value for key, value in document.items()}


@given(plain, st.lists(st.integers(0, 5), max_size=6))
@settings(max_examples=200, deadline=None)
def test_no_place_hides_a_layer_of_code(document: Any, path: list[int]) -> None:
    assert keras.read_config(document) is None
    part = keras.read_config(planted(document, path, LAMBDA))
    assert part is not None
    assert part.unsafe == ["has a layer that carries code: Lambda"]


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ({"module": "keras", "class_name": "layers.Lambda", "config": {}}, Verdict.UNSAFE),
        ({"module": "keras.src", "class_name": "layers.core.lambda_layer.Lambda", "config": {}}, Verdict.UNSAFE),
        ({"class_name": "keras.layers.Lambda", "config": {}}, Verdict.UNSAFE),
        (function("keras", "utils.get_file"), Verdict.UNSAFE),
        (function("keras", "saving.load_model"), Verdict.UNSAFE),
        (function("keras", "activations.relu"), Verdict.CLEAN),
        ({"module": "keras", "class_name": "layers.Dense", "config": {}}, Verdict.CLEAN),
        ({"class_name": "my.own.Net", "config": {}}, Verdict.CLEAN),
    ],
)
def test_a_name_may_be_a_path_from_the_module_on(layer: dict[str, Any], expected: Verdict) -> None:
    """Keras takes both together: `keras` and `layers.Lambda` are a layer that carries code."""
    assert verdict(encoded(model(layer))) is expected


def test_a_layer_of_code_by_its_path_is_found_in_hdf5() -> None:
    content = b"\x89HDF\r\n\x1a\n" + encoded({"class_name": "layers.Lambda", "module": "keras"})
    assert verdict(content) is Verdict.UNSAFE


@pytest.mark.parametrize(
    ("words", "expected"), [("/etc/passwd", Verdict.UNKNOWN), (["a", "b"], Verdict.CLEAN), ("", Verdict.CLEAN)]
)
def test_a_vocabulary_that_is_a_file_is_told(words: Any, expected: Verdict) -> None:
    """CVE-2025-12058: the file is read, or fetched, while the model is loaded."""
    layer = {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": words}}
    assert verdict(encoded(model(layer))) is expected
