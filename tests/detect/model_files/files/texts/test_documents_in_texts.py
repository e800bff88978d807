"""A document is judged alike whether it is JSON, a line of JSON among others, JSON with a tail, or YAML."""

import base64
import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict
from pace import Stopwatch


def toml(value: object) -> str:
    """A value as TOML, which writes texts as JSON does, and has no word for nothing."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + "}"
    return (
        f"[{', '.join(map(toml, value))}]" if isinstance(value, list) else json.dumps(value if value is not None else 0)
    )


FORMS: dict[str, Callable[[Any], str]] = {
    "JSON": json.dumps,
    "a line among others": lambda document: '{"a": 1}\n' + json.dumps(document),
    "something behind": lambda document: json.dumps(document) + " }",
    "YAML": lambda document: yaml.safe_dump(document, width=30),
    "YAML in flow": lambda document: "# words\n" + json.dumps(document),
    "JSON with comments": lambda document: "// words\n" + json.dumps(document, indent=1).replace("\n", " // x\n"),
    "JSON with a comma too many": lambda document: json.dumps(document)[:-1] + " , /* x */ }",
    "JSON of bare keys": lambda document: "/* x */ " + re.sub(r'"(\w+)":', r"\1:", json.dumps(document)),
    "TOML": lambda document: "# words\n" + "\n".join(f"{json.dumps(key)} = {toml(document[key])}" for key in document),
    "escaped": lambda document: "# words\n" + json.dumps(document).replace("_", "\\u005f").replace("{{", "\\u007b{"),
}


def layers(**layer: object) -> dict[str, object]:
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}


HARM: dict[str, dict[str, Any]] = {
    "function of Keras": layers(module="keras.utils", class_name="get_file", config={"origin": "http://e"}),
    "file of a layer": layers(module="keras.layers", class_name="StringLookup", config={"vocabulary": "/etc/x"}),
    "code in a layer": layers(module="keras.layers", class_name="Lambda", config={}),
    "template": {"chat_template": "{{ x.__class__ }}"},
    "template in pieces": {"chat_template": "{{ x['__cla' ~ 'ss__'] }}"},
    "pickle": {":serialized:": base64.b64encode(HARMFUL).decode()},
    "skops": {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "content": {}},
}
HARMLESS: dict[str, dict[str, Any]] = {
    "layers": layers(module="keras.layers", class_name="Dense", config={"units": 3}, registered_name=None),
    "template": {"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"},
    "words": {"a": ["b", "c"], "class_name": "Model", "e": {"f": 1.5}},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HARM)
def test_harm_is_told_in_any_form(name: str, form: str) -> None:
    assert verdict(FORMS[form](HARM[name]).encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("form", [form for form in FORMS if form != "JSON of bare keys"])
@pytest.mark.parametrize("name", HARMLESS)
def test_no_form_makes_harm(name: str, form: str) -> None:
    """All on one line, bare keys in brackets are a program of AWK's as well."""
    assert verdict(FORMS[form](HARMLESS[name]).encode()) is Verdict.CLEAN


def test_a_template_of_yaml_climbs_where_no_letter_shows_it() -> None:
    jinja2 = pytest.importorskip("jinja2")
    text = 'chat_template: "\\x7b{ x.\\x5f_class__ }}"\n'
    assert jinja2.Template(yaml.safe_load(text)["chat_template"]).render(x=1) == "<class 'int'>"
    assert verdict(text.encode()) is Verdict.UNSAFE


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "keras.layers", "class_name": "Other", "registered_name": "Lambda"},
        {"module": "keras.src.layers.core.lambda_layer", "class_name": "Other", "registered_name": "Lambda"},
        {"module": "keras.layers", "class_name": "Other", "registered_name": "keras>Lambda"},
        {"class_name": "keras>Lambda"},
        {"class_name": "keras.layers>TorchModuleWrapper", "registered_name": None},
    ],
)
def test_layers_that_carry_code_are_known_by_any_name(layer: dict[str, object]) -> None:
    """Keras looks for a class under its registered name as well, and keeps its own with a name before theirs."""
    assert verdict(json.dumps(layers(config={}, **layer)).encode()) is Verdict.UNSAFE


def test_toml_of_the_tests_is_toml() -> None:
    for document in (*HARM.values(), *HARMLESS.values()):
        assert tomllib.loads(FORMS["TOML"](document)).keys() == document.keys()


@pytest.mark.parametrize(
    "text",
    [
        '// for editors\n{"postCreateCommand": "touch x",}\n',
        "{\n  // for tools\n  postCreateCommand: 'touch x',\n}\n",
        '{"a": "/*", "auto_map": {"AutoModel": "made.Model"}, /* "b": "*/ "c": "//"}',
        '[auto_map]\nAutoModel = "made.Model"\n',
        '[model]\nclass_path = "made.Model"\n',
        'a = """\nx"""\n[b]\n"_target_" = \'os.system\'\n',
        "[a]\nclass = made.model.Net\n",
    ],
)
def test_documents_of_looser_forms_are_judged_as_documents(text: str) -> None:
    assert verdict(text.encode()) is not Verdict.CLEAN


@pytest.mark.parametrize(
    "text",
    [
        '{\n  // see https://e/x\n  "strict": true, /* yes */\n  "paths": ["a//b", "/*"],\n}\n',
        '[project]\nname = "x"\nyear = 2026\nday = 2026-01-31\n',
        '[build-system]\nbuild-backend = "setuptools.build_meta"\n',
        "{a: 1, // b\n",
        "[a]\nb = \n",
        "{" * 5000 + "//",
        "a = " + "[" * 5000,
    ],
)
def test_ordinary_settings_and_broken_ones_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN


def test_many_comments_and_tables_take_no_longer_than_they_are() -> None:
    with Stopwatch() as watch:
        for text in (
            "{" + "/*" * 200_000,
            '{"a": ' + '"' * 200_000,
            "{//\n" * 100_000,
            "a.b.c.d = 1\n" * 20_000,
            "," * 300_000,
        ):
            judged(text.encode())
    assert watch.seconds < 5
