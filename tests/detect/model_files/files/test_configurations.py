import json
import time

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict, zipped


def skops(content: dict[str, object]) -> bytes:
    return zipped({"schema.json": json.dumps({"protocol": 2, "_skops_version": "0.13", **content}).encode()})


def function(module: str, name: str) -> dict[str, object]:
    content = {"module_path": module, "function": name}
    return {"__class__": "function", "__module__": "builtins", "__loader__": "FunctionNode", "content": content}


def transformer(func: dict[str, object]) -> dict[str, object]:
    attributes = {"__class__": "dict", "__module__": "builtins", "__loader__": "DictNode", "content": {"func": func}}
    home = "sklearn.preprocessing._function_transformer"
    return {
        "__class__": "FunctionTransformer", "__module__": home, "__loader__": "ObjectNode", "content": attributes
    }  # fmt: skip


def test_a_skops_file_is_judged_by_all_names_in_it() -> None:
    harmful = judged(skops(transformer(function("posix", "system"))))
    assert harmful.verdict is Verdict.UNSAFE
    assert "posix.system" in harmful.reason
    assert verdict(skops(transformer(function("numpy", "log1p")))) is Verdict.CLEAN
    assert verdict(skops(transformer(function("somebody.s", "own")))) is Verdict.UNKNOWN


@pytest.mark.parametrize("loader", ["OperatorFuncNode", "MethodNode", "PartialNode", "ReduceNode", "NewerNode", None])
def test_nodes_of_skops_that_may_call_something_are_unknown(loader: str | None) -> None:
    node = transformer({"__class__": "list", "__module__": "builtins", "__loader__": loader, "content": []})
    assert verdict(skops(node)) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "_target_: os.system", "a: {_target_: builtins.eval}", "'_target_' : subprocess.Popen", "target: os.system",
        "class_path: posix.system", "a: !apply:os.system [id]", "- !new:subprocess.Popen", '{"_target_": "os.system"}',
        '{"\\u005ftarget_": "os.system"}', "loader_module: os", "_target_: pickle.loads",
    ],
)  # fmt: skip
def test_dangerous_names_in_configurations_are_unsafe(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNSAFE


@pytest.mark.parametrize(
    "text",
    [
        "_target_: torch.nn.Linear", "? _target_\n: a.b", "_target_: ${a}", "a: !new:my.Net {}", "a: !include:b.yaml",
        "a: !!javax.script.ScriptEngineManager []", "loader_module: mine", '{"a": {"_target_": 1}}',
    ],
)  # fmt: skip
def test_other_names_that_are_made_are_unknown(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        '{"item": "a", "target": 100.0}',
        "target: price\n", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n", "a: !!float 1\n",
        "channels:\n- conda-forge\ndependencies:\n- python=3.11\n", '{"target": "cpu"}', "# Wow!!\n\nNice: yes!\n",
    ],
)  # fmt: skip
def test_ordinary_configurations_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN


@pytest.mark.parametrize("loader", ["NdArrayNode", "ObjectNode", "LossNode", "TypeNode"])
def test_a_node_of_skops_that_names_a_function_is_unknown(loader: str) -> None:
    named: dict[str, object] = {"__loader__": loader, "__module__": "torch.storage", "__class__": "_load_from_bytes"}
    judgement = judged(skops(named | {"content": {}, "__reduce__": {"args": {}}}))
    assert judgement.verdict is Verdict.UNKNOWN
    assert "call torch.storage._load_from_bytes" in judgement.reason


@pytest.mark.parametrize(
    ("module", "name", "expected"),
    [
        ("_loss", "CyHalfSquaredError", Verdict.CLEAN),
        ("sklearn.tree._tree", "Tree", Verdict.CLEAN),
        ("numpy.random._pickle", "__randomstate_ctor", Verdict.UNKNOWN),
        ("collections", "OrderedDict", Verdict.UNKNOWN),
        ("os", "system", Verdict.UNSAFE),
    ],
)
def test_losses_of_skops_are_classes_of_losses(module: str, name: str, expected: Verdict) -> None:
    node: dict[str, object] = {"__loader__": "LossNode", "__module__": module, "__class__": name, "content": {}}
    empty = {"__loader__": "TupleNode", "__module__": "builtins", "__class__": "tuple", "content": []}
    assert verdict(skops(node | {"__reduce__": {"args": empty}})) is expected


def test_what_is_made_by_reduce_elsewhere_than_in_skops_is_unknown() -> None:
    assert verdict(b'{"__reduce__": ["os.system"]}') is Verdict.UNKNOWN
    assert verdict(b'{"__loader__": ["LossNode"], "__module__": "_loss", "__reduce__": 1}') is Verdict.UNKNOWN


@pytest.mark.parametrize("word", ["infer_target_type", "_target_type_", "my_target_x"])
def test_a_word_that_only_holds_the_key_of_hydra_is_no_target(word: str) -> None:
    assert verdict(b'{"a": "%s"}' % word.encode()) is Verdict.CLEAN
    assert verdict(b"{_target_\n: x}") is not Verdict.CLEAN


@pytest.mark.parametrize("words", [".. _target: http://a.example/x\n", "target: https://os.system/\n", "target: os\n"])
def test_an_address_is_no_target(words: str) -> None:
    assert verdict(words.encode()) is Verdict.CLEAN
    assert verdict(b"target: http.server.test\n") is Verdict.UNSAFE


@pytest.mark.parametrize(
    "entry",
    [
        '{"model": {"modelName": "m", "handler": "evil.py", "serializedFile": "m.pt"}}',
        '{"model": {"modelName": "m", "modelFile": "net/evil.py"}}',
        '{"custom_module": "evil.py"}',
        '{"delegate_library": "/tmp/evil.so"}',
        "model_class_filename: model.py\nmodel_class_name: Model\n",
    ],
)
def test_a_file_of_code_that_a_loader_runs_by_its_key_leaves_a_file_open(entry: str) -> None:
    assert verdict(entry.encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "entry",
    [
        '{"model": {"modelName": "m", "handler": "image_classifier", "serializedFile": "m.pt"}}',
        '{"source": "train.py", "handler": "text_classifier"}',
        '{"a": {"value_type": "jax.Array"}, "item_handlers": "orbax.checkpoint.handlers.StandardCheckpointHandler"}',
    ],
)
def test_handlers_of_the_server_itself_and_sources_are_clean(entry: str) -> None:
    judgement = judged(entry.encode())
    assert judgement.verdict is Verdict.CLEAN, judgement.reason


def test_keys_of_files_of_code_are_looked_for_in_bounded_time() -> None:
    start = time.process_time()
    for part in ("handler: ", "module: a./", "library_", "model_file" + " " * 50, "x_" * 30 + " "):
        judged((part * (500_000 // len(part))).encode())
    assert time.process_time() - start < 5 * 5


_PYFUNC = "flavors:\n  python_function:\n    env:%s\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("\n      conda: conda.yaml\n      virtualenv: python_env.yaml", Verdict.CLEAN),
        (" conda.yaml", Verdict.CLEAN),
        ("\n      conda: ../../conda.yaml", Verdict.UNSAFE),
        ("\n      conda: conda.yaml\n      virtualenv: /srv/other/python_env.yaml", Verdict.UNSAFE),
        (" {conda: ..\\conda.yaml}", Verdict.UNSAFE),
        (" ../conda.yaml", Verdict.UNSAFE),
    ],
)
def test_what_mlflow_installs_lies_in_the_model_s_own_folder(environment: str, expected: Verdict) -> None:
    assert verdict((_PYFUNC % environment).encode()) is expected


@pytest.mark.parametrize(
    ("line", "expected"), [("-r requirements.txt", Verdict.CLEAN), ("-r ../x.txt", Verdict.UNKNOWN)]
)
def test_an_environment_without_conda_lists_requirements_beside_it(line: str, expected: Verdict) -> None:
    assert verdict(f"python: 3.10.8\ndependencies:\n- {line}\n".encode()) is expected
