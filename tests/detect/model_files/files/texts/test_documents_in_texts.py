"""A document is judged alike whether it is JSON, a line of JSON among others, JSON with a tail, or YAML."""

import base64
import json
from collections.abc import Callable

import pytest
import yaml

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, verdict

FORMS: dict[str, Callable[[object], str]] = {
    "JSON": json.dumps,
    "a line among others": lambda document: '{"a": 1}\n' + json.dumps(document),
    "something behind": lambda document: json.dumps(document) + " }",
    "YAML": lambda document: yaml.safe_dump(document, width=30),
    "YAML in flow": lambda document: "# words\n" + json.dumps(document),
    "escaped": lambda document: "# words\n" + json.dumps(document).replace("_", "\\u005f").replace("{{", "\\u007b{"),
}


def layers(**layer: object) -> dict[str, object]:
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [layer]}}


HARM = {
    "function of Keras": layers(module="keras.utils", class_name="get_file", config={"origin": "http://e"}),
    "file of a layer": layers(module="keras.layers", class_name="StringLookup", config={"vocabulary": "/etc/x"}),
    "code in a layer": layers(module="keras.layers", class_name="Lambda", config={}),
    "template": {"chat_template": "{{ x.__class__ }}"},
    "template in pieces": {"chat_template": "{{ x['__cla' ~ 'ss__'] }}"},
    "pickle": {":serialized:": base64.b64encode(HARMFUL).decode()},
    "skops": {"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode", "content": {}},
}
HARMLESS = {
    "layers": layers(module="keras.layers", class_name="Dense", config={"units": 3}, registered_name=None),
    "template": {"chat_template": "{% for m in messages %}{{ m.content }}{% endfor %}"},
    "words": {"a": ["b", "c"], "class_name": "Model", "e": {"f": 1.5}},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HARM)
def test_harm_is_told_in_any_form(name: str, form: str) -> None:
    assert verdict(FORMS[form](HARM[name]).encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HARMLESS)
def test_no_form_makes_harm(name: str, form: str) -> None:
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
