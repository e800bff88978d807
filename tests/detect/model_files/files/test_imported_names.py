"""Names of classes, sources and places by which a library imports or runs something, under whatever key they stand."""

import json

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import verdict

CLASSES = {
    "an agent": {"provider": "fleet.agents.Agent", "component_type": "agent", "config": {}},
    "a list": {"plugins": ["fleet.plugins.Own"]},
    "deep": {"a": [{"b": {"c": ["fleet.made.Thing"]}}]},
    "a tokenizer": {"tokenizer_class": "fleet.words.Tokenizer", "max_seq_length": 1000},
    "an activation": {"sentence_transformers": {"activation_fn": "fleet.made.Act", "version": "5"}},
    "java's": {"implementation": "com.fleet.Model"},
    "two pieces": {"data_context": {"class_name": "DataContext", "module_name": "fleet"}},
}
SOURCES = {
    "a tool": {"config": {"source_code": "def f():\n    return 1\n", "name": "f"}},
    "a function": {"function_code": "import os\n"},
    "a flow": {"nodes": [{"type": "python", "source": {"type": "code", "path": "made.py"}}]},
}
ORDINARY = {
    "of a known library": {"model": "sklearn.linear_model.Ridge", "dtype": "torch.float32"},
    "files": {"files": ["model.safetensors", "config.json", "iris.RData", "README.md"]},
    "names of tensors": {"weight_map": {"encoder.layer.0.weight": "model.safetensors"}},
    "people": {"author": "J.Smith", "degree": "Ph.D", "place": "St.Louis"},
    "layers": {"layers": ["Conv2D", "nn.Upsample", "attention.self.query"]},
    "source of the data": {"source": "a survey from 2020", "code": "DE"},
    "a class beside a module of its own": {"class_name": "Dense", "module_name": "keras"},
    "a package": {"name": "x", "main": "./lib/index.js", "types": "./lib/index.d.ts"},
    "training": {"command": "train", "run": "x1", "hidden_act": "gelu"},
}


@pytest.mark.parametrize("document", (CLASSES | SOURCES).values(), ids=list(CLASSES | SOURCES))
def test_what_a_library_would_import_or_run_is_unknown(document: dict[str, object]) -> None:
    assert verdict(json.dumps(document).encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("document", ORDINARY.values(), ids=list(ORDINARY))
def test_ordinary_values_are_clean(document: dict[str, object]) -> None:
    assert verdict(json.dumps(document).encode()) is Verdict.CLEAN


SPARK = json.dumps({"class": "fleet.made.Model", "paramMap": {}})
MODULES = json.dumps([{"idx": 0, "type": "fleet.made.Model"}])


@pytest.mark.parametrize("tail", ["\n{}\n", "\nword", " x", "\n\n#", "\n[]", "\n{", "\n" + "{}\n" * 20])
@pytest.mark.parametrize("head", [SPARK, MODULES])
def test_what_stands_behind_a_document_hides_nothing_in_it(head: str, tail: str) -> None:
    """Spark reads the first line alone; other readers stop behind the first value."""
    assert verdict((head + tail).encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("tail", ["\n{}\n", "\n" + '{"a": 1}\n' * 20])
def test_lines_of_documents_are_clean(tail: str) -> None:
    assert verdict(('{"text": "a word", "label": 1}' + tail).encode()) is Verdict.CLEAN


def pipeline(*unet: str) -> bytes:
    return json.dumps({"_class_name": "MadePipeline", "_diffusers_version": "0.30", "unet": unet}).encode()


def test_parts_of_a_pipeline_are_classes_in_whatever_letters() -> None:
    assert verdict(pipeline("os", "system")) is Verdict.UNKNOWN
    assert verdict(pipeline("fleet", "made")) is Verdict.UNKNOWN
    assert verdict(pipeline("diffusers", "UNet2DModel")) is Verdict.CLEAN


def test_a_package_of_apple_keeps_its_parts_in_its_folder() -> None:
    def package(path: str) -> bytes:
        items = {"A": {"author": "com.apple.CoreML", "name": "x", "path": path}}
        return json.dumps({"fileFormatVersion": "1.0.0", "itemInfoEntries": items}).encode()

    assert verdict(package("../../x")) is Verdict.UNSAFE
    assert verdict(package("com.apple.CoreML/model.mlmodel")) is Verdict.CLEAN


XML = {
    "a definition elsewhere": '<!DOCTYPE PMML SYSTEM "http://e/x.dtd"><PMML version="4.4"/>',
    "a public one": '<!DOCTYPE PMML PUBLIC "-//E//X" "file:///x.dtd"><PMML version="4.4"/>',
    "a style sheet": '<?xml-stylesheet type="text/xsl" href="x.xsl"?><PMML version="4.4"/>',
    "letters of its own": '<?xml version="1.0" encoding="UTF-7"?>+ADw-PMML/+AD4-',
    "a layer of its own": '<net name="x"><layer id="0" type="Made" version="extension"/></net>',
}
PLAIN_XML = {
    "pmml": '<?xml version="1.0" encoding="UTF-8"?><PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"/>',
    "openvino": '<net name="x"><layer id="0" type="Parameter" version="opset1"/></net>',
    "apple's": '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0"><string>x</string></plist>',
}


@pytest.mark.parametrize("text", XML.values(), ids=list(XML))
def test_xml_that_needs_what_lies_elsewhere_is_unknown(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("text", PLAIN_XML.values(), ids=list(PLAIN_XML))
def test_other_xml_is_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN


FETCHED = [
    "numpy\n-r http://e/r.txt\n", "numpy\n-c https://e/c.txt\n", "https://e/x-1.0-py3-none-any.whl\n",
    "dependencies:\n- pip:\n  - https://e/x.tar.gz\n", "channels:\n- http://e/channel\ndependencies:\n- python\n",
    "channels:\n- conda-forge\n- file:///x\ndependencies:\n- python\n",
]  # fmt: skip
NOT_FETCHED = [
    "numpy\n-r more.txt\n", "channels:\n- conda-forge\n- https://conda.anaconda.org/pytorch\ndependencies:\n- python\n",
    "The data is here:\n\nhttps://example.org/housing.tgz\n", "- https://example.org/housing.zip\n",
]  # fmt: skip


@pytest.mark.parametrize("text", FETCHED)
def test_requirements_that_name_their_own_source_are_unknown(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("text", NOT_FETCHED)
def test_other_requirements_and_addresses_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN
