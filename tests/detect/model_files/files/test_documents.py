"""Documents and texts by which a library that is not installed here would make, import or run what they name."""

import io
import json
import struct
import zipfile
import zlib
from base64 import b64encode

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL as HARMFUL_PICKLE
from detect.model_files.files.building import field, judged, verdict

HARMFUL = {
    "jsonpickle": {"a": [{"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["id"]}]}]},
    "jsonpickle of a class": {"py/object": "somebody.Model", "x": 1},
    "json_tricks": {"__instance_type__": ["somebody", "Model"], "attributes": {}},
    "LangChain": {"lc": 1, "type": "constructor", "id": ["langchain", "x", "Y"], "kwargs": {}},
    "PEFT": {"auto_mapping": {"base_model_class": "Model", "parent_library": "somebody"}},
    "Sentence Transformers": [{"idx": 0, "name": "0", "path": "", "type": "somebody.Module"}],
    "a layer's activation": {"in_features": 1, "activation_function": "somebody.run"},
    "a dangerous name": {"anything": ["subprocess.Popen"]},
    "Diffusers": {"_class_name": "StableDiffusionPipeline", "unet": ["somebody", "Model"]},
    "Diffusers, a file": {"_class_name": ["pipeline", "Mine"]},
    "Transformers, below the top": {"text_config": {"auto_map": {"AutoModel": "model.Mine"}}},
    "Spark": {"class": "somebody.Stage", "uid": "x", "paramMap": {}},
    "MXNet": {"nodes": [{"op": "Custom", "name": "x", "attrs": {"op_type": "mine"}}]},
    "Keras, a type": {"class_name": "__typespec__", "module": "os", "spec_name": "x"},
    "Stable Baselines": {"policy_class": {":type:": "x", ":serialized:": b64encode(HARMFUL_PICKLE).decode()}},
    "a pickle as base64": {"model": [b64encode(b"\x80\x04" + HARMFUL_PICKLE).decode()]},
    "skops beside a layer": {
        "__loader__": "ObjectNode", "__module__": "os", "__class__": "system",
        "x": {"class_name": "Dense", "config": {}},
    },
    "Keras, a function that fetches": {
        "module": "keras.datasets.mnist", "class_name": "get_file", "config": {"fname": "/x", "origin": "http://x"}
    },
    "Keras, a function that looks up": {"module": "keras.layers", "class_name": "function", "config": "deserialize"},
    "MLflow": {"flavors": {"python_function": {"loader_module": "somebody"}}},
}  # fmt: skip
ORDINARY = {
    "Sentence Transformers": [{"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"}],
    "a layer's activation": {"in_features": 1, "activation_function": "torch.nn.modules.activation.Tanh"},
    "Diffusers": {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]},
    "Diffusers, blocks": {"_class_name": "UNet2DConditionModel", "down_block_types": ["CrossAttnDownBlock2D", "Down"]},
    "Spark": {"class": "org.apache.spark.ml.PipelineModel", "uid": "x", "paramMap": {}},
    "tokenizers": {"model": {"type": "BPE"}, "normalizer": {"type": "NFC"}, "version": "1.0"},
    "a harmless pickle as base64": {"model": b64encode(b"\x80\x04]K\x01a.").decode(), "game": "gAMES.of chance"},
    "PEFT": {"auto_mapping": None, "peft_type": "LORA", "base_model_name_or_path": "a/b.c"},
    "Keras": {
        "module": "keras.layers", "class_name": "Dense",
        "config": {"activation": {"module": "keras.activations", "class_name": "function", "config": "relu"}},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HARMFUL)
def test_what_has_a_library_make_or_import_something_is_not_clean(name: str) -> None:
    judgement = judged(json.dumps(HARMFUL[name]).encode())
    assert judgement.verdict is not Verdict.CLEAN
    assert judgement.reasons


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_documents_are_clean(name: str) -> None:
    assert verdict(json.dumps(ORDINARY[name]).encode()) is Verdict.CLEAN, judged(json.dumps(ORDINARY[name]).encode())


@pytest.mark.parametrize(
    "text",
    [
        "flavors: {python_function: {loader_module: somebody, data: x}}\n",
        'flavors:\n  python_function:\n    "loader_module": somebody\n',
        "name: &a somebody\nflavors:\n  python_function:\n    loader_module: *a\n",
        "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    model_code_path: model.py\n",
        "_base_: ./other.py\n",
        "custom_imports:\n  imports: [somebody]\n",
        "class_name: Sequential\nconfig:\n- class_name: Lambda\n",
        "run: os.system\n",
        'node <\n  # first\n  op : "WriteFile"\n>\n',
        "4\n1\n3\nV 1\n13\nnn.Sequential\n",
        '{"a": 1}\n{"py/object": "somebody.Model"}\n',
        "stages:\n  train:\n    cmd: rm x\n",
        "entry_points:\n  main:\n    command: rm x\n",
        "<?xml version='1.0'?><a xmlns:x='http://www.w3.org/2001/XInclude'><x:include href='/etc/passwd'/></a>",
        "a: !<tag:yaml.org,2002:javax.script.ScriptEngineManager> []\n",
        'node {\n  name: "w"\n  op: "WriteFile"\n}\n',
        'layer { type: "Python" python_param { module: "somebody" layer: "Mine" } }\n',
        "A\n3\n262913\n197888\n5\nUTF-8\n238\n",
        "RDX3\nA\n3\n262913\n197888\n",
        '<?xml version="1.0"?>\n<java class="java.beans.XMLDecoder"><object class="java.lang.ProcessBuilder"/></java>',
        "\x08\x01\x12\x0b\n\tWriteFile",
        'import os\nx = f"{"a"}"\nos.mkdir("x")\n',
        'from os import mkdir as f\ntype X = int\nf("x")\n',
        "exec \"__import__\\x28'os'\\x29\"\n",
        "\r# coding: utf-7\r+AF8-\r",
        "{% filter attr('_'~'_class_'~'_') %}x{% endfilter %}",
    ],
)
def test_texts_that_would_run_something_are_not_clean(text: str) -> None:
    assert verdict(text.encode()) is not Verdict.CLEAN


@pytest.mark.parametrize(
    "text",
    [
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    code: null\n",
        "# Model card\n\nUse it (with care):\n\n    import torch\n    model = torch.load('x')\n\nIt was trained.\n",
        "Install it with pip, then call model.predict(x) for a row, or import it where you need it.\nGood luck.\n",
        "target: label\nfeatures: [a, b]\nbase: null\n",
    ],
)
def test_ordinary_texts_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN, judged(text.encode())


def test_a_name_among_the_notes_of_a_zip_archive_counts() -> None:
    note = struct.pack("<BL", 1, zlib.crc32(b"model.pkl")) + b"../../model.pkl"
    for directory in (True, False):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            entry = zipfile.ZipInfo("model.pkl")
            entry.extra = struct.pack("<HH", 0x7075, len(note)) + note
            archive.writestr(entry, b"\x80\x04N.")
            if not directory:
                entry.extra = b""
        assert verdict(stream.getvalue()) is Verdict.UNSAFE


@pytest.mark.parametrize("system", [0, 3, 19])
def test_a_link_is_one_whatever_system_made_it(system: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo("model.pkl")
        entry.create_system, entry.external_attr = system, 0o120777 << 16
        archive.writestr(entry, b"../../somewhere")
    assert verdict(stream.getvalue()) is Verdict.UNSAFE


@pytest.mark.parametrize("operator", [b"PythonOp", b"EPContext", b"ATen"])
def test_operators_of_onnx_that_reach_outside_are_unknown(operator: bytes) -> None:
    def model(name: bytes) -> bytes:
        node = field(1, b"x") + field(2, b"y") + field(4, name) + field(7, b"com.microsoft")
        return field(1, 8) + field(7, field(1, node)) + field(8, field(2, 17))

    assert verdict(model(operator)) is Verdict.UNKNOWN
    assert verdict(model(b"Gelu")) is Verdict.CLEAN


@pytest.mark.parametrize(
    ("operator", "domain", "expected"),
    [
        (b"Relu", b"", Verdict.CLEAN),
        (b"Gemm", b"ai.onnx", Verdict.CLEAN),
        (b"ImageScaler", b"", Verdict.CLEAN),
        (b"Loop", b"", Verdict.CLEAN),
        (b"FleetOp", b"", Verdict.UNKNOWN),
        (b"PyOp", b"ai.onnx", Verdict.UNKNOWN),
        (b"relu", b"", Verdict.UNKNOWN),
    ],
)
def test_operators_that_onnx_never_had_are_somebody_else_s(operator: bytes, domain: bytes, expected: Verdict) -> None:
    node = field(1, b"x") + field(2, b"y") + field(4, operator) + (field(7, domain) if domain else b"")
    assert verdict(field(1, 8) + field(7, field(1, node)) + field(8, field(2, 17))) is expected
    own = field(25, field(1, operator) + field(10, domain or b"ai.onnx"))
    if domain:
        assert verdict(field(1, 8) + field(7, field(1, node)) + field(8, field(2, 17)) + own) is Verdict.CLEAN


LOADERS: dict[str, tuple[str, str]] = {
    "XMLDecoder by its element": (
        '<java><object class="java.lang.ProcessBuilder"/></java>',
        "<object>a class</object>",
    ),
    "XStream": ("<java.util.PriorityQueue serialization='custom'/>", "<queue/>"),
    "a proxy of XStream": ("<set><dynamic-proxy><interface/></dynamic-proxy></set>", "<proxy/>"),
    "Json.NET": ('{"$type": "System.Windows.Data.ObjectDataProvider"}', '{"@type": "sc:Dataset", "type": "a"}'),
    "Jackson": ('{"@class": "com.sun.rowset.JdbcRowSetImpl"}', '{"class": "a"}'),
    "tags of Ruby": ("--- !ruby/object:Gem::Installer\ni: x\n", "--- !!map\ni: x\n"),
    "tags of R": ("a: !expr system('id')\n", "a: expr is a word\n"),
    "tags of JavaScript": ("a:\n  - !!js/function 'function(){}'\n", "a:\n  - !!str x\n"),
    "tags that call": ("a: !call {b: 1}\n", "a: !mine {b: 1}\n"),
    "a resolver of OmegaConf": ("a: ${eval:'1 + 1'}\n", "a: ${b.c}\nd: ${oc.env:HOME}\n"),
    "a resolver in JSON": ('{"a": "${eval:x}"}', '{"a": "${x}"}'),
    "an activation of YOLO": ("activation: \"__import__('os').system('id')\"\n", "activation: nn.SiLU()\n"),
    "layers of YOLO": ("a:\n  - [-1, 1, eval('x'), [64]]\n", "a:\n  - [-1, 1, Conv, [64, 3]]\n"),
    "a way up to Python": ("a: ().__class__.__base__.__subclasses__()\n", "a: the __class__ of it\n"),
    "MLServer": (
        '{"name": "m", "implementation": "models.Evil"}',
        '{"implementation": "mlserver_sklearn.SKLearnModel"}',
    ),
    "a class in YAML": ("model:\n  class: evil.Model\n", "model:\n  class: sklearn.svm.SVC\n"),
    "Triton": ('name: "m"\nbackend: "python"\n', 'name: "m"\nbackend: "onnxruntime"\n'),
    "Triton's libraries": ('name: "m"\nbackend: "../../tmp/x"\n', 'name: "m"\nplatform: "tensorrt_plan"\n'),
    "an old notebook": ('{"worksheets": [], "nbformat": 3}', '{"worksheets": []}'),
    "a base of Detectron": ("_BASE_: ../evil.yaml\n", "BASE: ../evil.yaml\n"),
    "BentoML": ('service: "service:svc"\n', "service:\n  - a\n"),
    "pip": ('[build-system]\nbackend-path = ["."]\n', '[build-system]\nbuild-backend = "setuptools"\n'),
    "joblib of old": ("ZF0x20               plain", "ZF is no prefix"),
}


@pytest.mark.parametrize("name", LOADERS)
def test_what_a_loader_runs_imports_or_evaluates_is_unknown(name: str) -> None:
    open_to_harm, plain = LOADERS[name]
    judgement = judged(open_to_harm.encode())
    assert judgement.verdict is Verdict.UNKNOWN, judgement.reason
    assert verdict(plain.encode()) is Verdict.CLEAN, judged(plain.encode()).reason


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"tokenizer_class": "LlamaTokenizer", "tokenizer_file": "/srv/other/tokenizer.json"}, Verdict.UNKNOWN),
        ({"tokenizer_class": "LlamaTokenizer", "vocab_file": "../other/vocab.json"}, Verdict.UNKNOWN),
        ({"tokenizer_class": "LlamaTokenizer", "target_spm_file": "..\\spm.model"}, Verdict.UNKNOWN),
        ({"tokenizer_file": "/home/ada/.cache/huggingface/transformers/../../../tokenizer.json"}, Verdict.UNKNOWN),
        ({"tokenizer_file": "/home/ada/.cache/huggingface/transformers/0a1b.c2d3"}, Verdict.CLEAN),
        ({"tokenizer_class": "LlamaTokenizer", "tokenizer_file": None, "vocab_file": "vocab.json"}, Verdict.CLEAN),
        ({"custom_generate": "somebody/generating"}, Verdict.UNKNOWN),
        ({"custom_generate": None, "do_sample": True}, Verdict.CLEAN),
        ({"format": "graph-model", "modelTopology": {"node": [{"name": "a", "op": "PyFunc"}]}}, Verdict.UNSAFE),
        (
            {"modelTopology": {"library": {"function": [{"nodeDef": [{"name": "b", "op": "ReadFile"}]}]}}},
            Verdict.UNSAFE,
        ),
        ({"format": "graph-model", "modelTopology": {"node": [{"name": "a", "op": "_FusedConv2D"}]}}, Verdict.CLEAN),
    ],
)
def test_tokenizers_generation_and_graphs_keep_to_their_folder(document: object, expected: Verdict) -> None:
    assert verdict(json.dumps(document).encode()) is expected


def test_the_code_by_which_a_model_generates_is_a_program() -> None:
    code = b"import torch\n\ndef generate(model, input_ids, **kwargs):\n    return input_ids\n"
    assert verdict(code) is not Verdict.CLEAN
