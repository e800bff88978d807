import json

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
        "target: price\n", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n", "a: !!float 1\n",
        "channels:\n- conda-forge\ndependencies:\n- python=3.11\n", '{"target": "cpu"}', "# Wow!!\n\nNice: yes!\n",
    ],
)  # fmt: skip
def test_ordinary_configurations_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN
