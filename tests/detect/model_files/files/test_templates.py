import json

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.templates import read
from detect.model_files.files.building import fresh, verdict
from pace import Stopwatch

ORDINARY = {
    "roles": (
        "{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] | trim }}"
        '{% elif message.role == "assistant" %}{{ message.content }}{{ eos_token }}{% endif %}{% endfor %}'
        "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
    ),
    "system first": (
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system = "
        "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system = '' %}{% endif %}"
        "{{ bos_token }}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('Roles alternate') }}{% endif %}{{ '[INST] ' ~ m['content'] ~ ' [/INST]' }}{% endfor %}"
    ),
    "tools": (
        "{%- set ns = namespace(last=0) -%}{%- for tool in tools %}{{- tool | tojson(indent=4) }}{%- endfor %}"
        "{%- for message in messages[::-1] %}{%- set index = (messages|length - 1) - loop.index0 %}"
        "{%- if message.tool_calls is defined and message.tool_calls|length > 0 %}"
        '{%- for call in message.tool_calls %}{{- \'{"name": "\' + call.function.name + \'", "arguments": \' }}'
        "{{- call.function.arguments | tojson }}{{- '}' }}{%- endfor %}{%- endif %}{%- endfor %}"
    ),
    "reasons": (
        "{% for m in messages %}{% set content = m.content %}{% if '</think>' in content %}"
        "{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}{{ content }}{% endfor %}"
    ),
    "filters": (
        "{{ messages | selectattr('role', 'equalto', 'system') | map(attribute='content') | join('\\n') }}"
        "{% for key in arguments %}{{ key ~ '=' ~ arguments[key] }}{% endfor %}{# a note about {{ braces }} #}"
        "{{ {'a': {'b': 1}} | tojson }}{% macro line(x) %}{{ x }}{% endmacro %}{{ line('__') }}"
    ),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_chat_templates_climb_nowhere(name: str) -> None:
    climb = read(ORDINARY[name], fresh())
    assert (climb.harms, climb.doubts) == ([], [])


@pytest.mark.parametrize(
    "expression",
    [
        "x.__class__", "x['__class__']", "x|attr('__class__')", "x['\\x5f_class__']", "g.gi_frame.f_back",
        "x.f_globals", "x|map(attribute='__class__')", "dict(__class__=1)|first",
    ],
)  # fmt: skip
def test_names_of_internals_are_harmful(expression: str) -> None:
    assert read("{{ " + expression + " }}", fresh()).harms


@pytest.mark.parametrize(
    "expression",
    [
        "x[a]", "x[a ~ b]", "x|attr('a')", "x|map(attribute=a)", "x|map('attr', a)", "'{0.a}'.format(x)",
        "lipsum", "x[(a)]", "x['a' if b else 'c']", "x|unknown", "x|sum(a)", "x[dict(a=1)|first]",
    ],
)  # fmt: skip
def test_names_that_are_computed_are_doubtful(expression: str) -> None:
    assert read("{{ " + expression + " }}", fresh()).doubts


@pytest.mark.parametrize(
    "unit", ["{{", "{% raw %}", "{#", "{{ '", "{{ x[", "{{ x|", "'", "{{ a }}", "{% for a in b %}"]
)
def test_long_templates_take_no_longer_than_they_are(unit: str) -> None:
    with Stopwatch() as watch:
        read(unit * (400_000 // len(unit)), fresh())
    assert watch.seconds < 4


@pytest.mark.parametrize(
    "document",
    [
        {"chat_template": "{{ x.__class__ }}"},
        {"chat_template": [{"name": "default", "template": "{{ x.__class__ }}"}]},
        {"processor": {"chat_template": "{{ x.__class__ }}"}},
        {"prompts": ["{{ x.__class__ }}"]},
    ],
)
def test_templates_are_found_wherever_a_document_keeps_them(document: object) -> None:
    assert verdict(json.dumps(document).encode()) is Verdict.UNSAFE


def test_a_document_that_two_readers_read_in_two_ways_is_unknown() -> None:
    twice = b'{"chat_template": "{{ x.__class__ }}", "chat_template": "a"}'
    assert verdict(twice) is Verdict.UNKNOWN
    assert verdict(b'[{"a": 1}, {"a": 2}]') is Verdict.CLEAN


def test_braces_that_are_no_template_are_left_alone() -> None:
    assert verdict(json.dumps({"format": "{{name}} {{a['b']}} {{1, 2}}"}).encode()) is Verdict.CLEAN
    assert verdict(json.dumps({"chat_template": "{{ x[a] }}"}).encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("text", ['{"cells": [], "nbformat": 4}', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///x">]><a/>'])
def test_notebooks_and_entities_are_unknown(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNKNOWN
