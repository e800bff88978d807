"""Templates: names that are texts, names that are added up, and expressions that stand alone."""

import json

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files import templates
from detect.model_files.files.building import fresh, verdict

HARMFUL = [
    "{% set g = messages|map('upper') %}{{ g['gi_frame'] }}",
    '{% set g = messages|map("upper") %}{{ g["gi_frame"]["f_builtins"]["eval"]("1") }}',
    "{% set g = messages|map('upper') %}{{ g|map(attribute='gi_frame.f_globals') }}",
    "{% for m in messages %}{{ m['func_globals'] }}{% endfor %}",
    "{% for m in messages %}{{ m['__class__'] }}{% endfor %}",
    "{{ x['cr_frame'] }}{% if true %}{% endif %}",
]
DOUBTED = [
    "{% for a in range|string %}{% for b in range|string %}{{ namespace[a+b] }}{% endfor %}{% endfor %}",
    "{% for a in messages %}{{ namespace[a+a] }}{% endfor %}",
    "{% filter attr('x') %}y{% endfilter %}",
    "{% filter unheard_of %}y{% endfilter %}",
]
ORDINARY = [
    "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}",
    "{% for m in messages %}{{ messages[loop.index0 + 1] }}{% endfor %}",
    "{% for m in messages %}{{ messages[loop.index - 1]['content'] }}{% endfor %}",
    "{% for k in tools %}{{ tools[k] }}{% endfor %}",
    "{% filter upper %}y{% endfilter %}",
    "{% for m in messages %}{{ m['format_of_frame'] }}{% endfor %}",
]
ALONE = {
    "{{ (cycler|attr('a'~'b')).c(1) }}": False,
    "{{ x|attr('a') }}": False,
    "{{ joiner('a') }}": False,
    "Dear {{name}}, your order {{ order.id }} is here.": True,
    "\\frac{{a}}{{b}} and {{c}} in LaTeX": True,
    "f'{{not a field}}' % (1,)": True,
}


@pytest.mark.parametrize("template", HARMFUL)
def test_a_name_of_the_inside_is_harmful_as_a_text_too(template: str) -> None:
    assert templates.read(template, fresh()).harms
    assert verdict(json.dumps({"chat_template": template}).encode()) is Verdict.UNSAFE


@pytest.mark.parametrize("template", DOUBTED)
def test_names_that_are_put_together_are_doubted(template: str) -> None:
    climb = templates.read(template, fresh())
    assert climb.doubts
    assert not climb.harms


@pytest.mark.parametrize("template", ORDINARY)
def test_ordinary_templates_are_neither(template: str) -> None:
    climb = templates.read(template, fresh())
    assert (climb.harms, climb.doubts) == ([], [])


@pytest.mark.parametrize(("text", "clean"), ALONE.items())
def test_an_expression_alone_counts_where_it_calls_something(text: str, clean: bool) -> None:
    assert (verdict(json.dumps({"prompt": text}).encode()) is Verdict.CLEAN) is clean
