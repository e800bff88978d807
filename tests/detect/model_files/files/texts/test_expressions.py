"""Values and templates that a loader evaluates as Python, and such that only look like it."""

import json

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts import expressions
from detect.model_files.files.building import fresh, judged, verdict
from pace import Stopwatch

CODE = {
    "an import of MONAI": json.dumps({"imports": ["$import os"]}),
    "another import of MONAI": json.dumps({"imports": ["$from os import mkdir"]}),
    "a call of MONAI": json.dumps({"run": "$os.system('touch x')"}),
    "a call with a reference": json.dumps({"net": "$@network_def.to(@device)"}),
    "a call of MONAI in YAML": 'a: "$[exec(x) for x in @b]"\nb: [1]\n',
    "an equation": json.dumps({"equations": ["x0 + (lambda: open('x', 'w'))()"]}),
    "an equation that climbs": json.dumps({"equation": "x.__class__.mro()"}),
    "an equation in a table": "Complexity,Loss,Equation\n1,0.5,x0\n3,0.1,\"x0 + open('x', 'w')\"\n",
    "an equation behind tabs": "loss\tequation\n0.1\tos.mkdir('x')\n",
    "a long equation": json.dumps({"equation": "open('x', 'w')" + " + 1" * 1000}),
    "brackets of Mako": "Dear ${name}, ${open('x', 'w')}\n",
    "brackets of Mako before a formula": "${open('x', 'w')} costs $\n",
    "brackets of Mako that are open": "Dear ${[f(x) for x in (1, 2)][0]",
    "a block of Mako": "hello\n% for x in y:\n a\n% endfor\n",
}
WORDS = {
    "a place": json.dumps({"a": "${b.c}", "d": "$HOME/x", "e": "$ref", "f": "$(HOME)", "$schema": "http://e"}),
    "a formula": "The score is ${f(x)}$ for $x$, and ${p(x|y)}$ for $y$.\n",
    "a formula in a document": json.dumps({"question": "$f(x) = x^2$", "answer": "$g(2)$"}),
    "brackets of a shell": "a ${b} ${c:-d} ${e[0]} ${f:-$(g)}\n",
    "an example": "# Card\n\n```js\nconst a = `${f(x)}`\n```\n",
    "prose": 'text,label\n"open(file) is a call, and eval(x) another",a\n',
    "a call that only computes": json.dumps({"a": "max(1, 2)", "b": "softmax(x)"}),
    "a comment of TeX": "% for each of them:\n\\section{x}\nwords\n",
    "a share": "10 % of it\n% more\n",
    "a method": json.dumps({"name": "open", "call": "file.open(x)"}),
}


@pytest.mark.parametrize("name", CODE)
def test_what_a_loader_evaluates_is_unknown(name: str) -> None:
    judgement = judged(CODE[name].encode())
    assert judgement.verdict is not Verdict.CLEAN
    assert "evaluate as code" in judgement.reason


@pytest.mark.parametrize("name", WORDS)
def test_what_only_looks_like_it_is_clean(name: str) -> None:
    assert judged(WORDS[name].encode()).reason == ""


def test_mako_runs_what_the_tests_say(tmp_path: object) -> None:
    template = pytest.importorskip("mako.template").Template
    canary = f"{tmp_path}/x"
    text = f"Dear ${{name}}, ${{open('{canary}', 'w').close()}}\n"
    assert template(text).render(name="x") == "Dear x, None\n"
    assert verdict(text.encode()) is Verdict.UNKNOWN
    open(canary).close()


def test_many_brackets_and_cells_take_no_longer_than_they_are() -> None:
    with Stopwatch() as watch:
        for text in (
            "${" * 300_000,
            "${a(" * 100_000,
            "a,b\n" + "open(x),b\n" * 50_000,
            "% for:\n" * 50_000,
            "$" * 300_000,
        ):
            expressions.in_text(text, fresh())
        assert not expressions.is_code("(" * 1900)
        assert expressions.is_code("$" + "f(x)" * 1000)
    assert watch.seconds < 3
