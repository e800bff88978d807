import pytest

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import text as texts
from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.programs import problem
from detect.model_files.files.building import verdict
from pace import Stopwatch


def told(text: str) -> str | None:
    return problem(text, Budget.of(Limits(), 1))


@pytest.mark.parametrize(
    "text",
    [
        "import os\n", "print 'a'\nimport os\nos.x()\n",
        "1\nf = 1; f(2)\n", "{'a': 1}\nint(2)", "#!/bin/sh\nls\n", "@f\nclass a: pass\n",
        "with a: pass\n",
        "b = 1\na = b\\\n(1)\n", "# coding: utf-7\na", "\n# vim: set fileencoding=rot13 :\na", "f'{str(1)}'\n",
        "x = 1\n" * 9_000 + "x(1)\n", "del a\n",
    ],
)  # fmt: skip
def test_what_may_do_something_is_a_program(text: str) -> None:
    assert told(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "words\nand (more) words\n", "# Title\n\n```python\nimport os\n```\n", "a,b\n1,x (y)\n",
        "[PAD]\n[UNK]\n(\n",
        "#version: 0.2\nt h\n( )\n", "torch==2.0\nnumpy>=1 # (old)\n", "the\nof\nand\n", "a: b (c)\n", "1,2\n" * 50_000,
        "# -*- coding: utf-8 -*-\nwords", "MIT License\n\nCopyright (c) 2020\n", "word (noun)\n" * 20_000,
    ],
)  # fmt: skip
def test_words_and_numbers_are_none(text: str) -> None:
    assert told(text) is None


@pytest.mark.parametrize(
    "unit",
    [
        "!", "#", "# a\n", "!a%41 ", "'''", '"""', "!!python/", "%TAG ", "_target_: ", "\\x5f", "{{", "!apply:", "!!a.",
        "\\\n", "((", "f'{x}'", "\n\ufeff%TAG", "target: a.", "loader_module: ", "tag:yaml.org,2002:", "!a:",
    ],
)  # fmt: skip
def test_no_text_takes_longer_than_it_is(unit: str) -> None:
    """Once a million exclamation marks took 13 seconds, and as many comments took 8."""
    words = unit * (1_000_000 // len(unit))
    with Stopwatch() as watch:
        texts.read(words, Budget.of(Limits(), 1))
    assert watch.seconds < 4


@pytest.mark.parametrize("opening", ["a = [\n", "a = {\n1:\n", "f(\n", 'a = """\n', "a = (\n  [\n"])
def test_a_long_text_in_brackets_may_be_a_program_behind_them(opening: str) -> None:
    """Python names the line where the bracket opens, far from where the text was cut."""
    closing = {"[": "]", "{": "}", "(": ")"}.get(opening.strip()[-1], '"""')
    closing += ")" if "(\n  [" in opening else ""
    long_one = opening + "1,\n" * 40_000 + closing + "\nimport os\nos.mkdir('a')\n"
    assert verdict(long_one.encode()) is not Verdict.CLEAN
    assert verdict((opening + "it is a list of words, isn't it?\n" * 3_000).encode()) is Verdict.CLEAN


@pytest.mark.parametrize(
    "text",
    [
        "FROM python:3.11\nRUN pip install x\n", "# syntax=x\nfrom a\ncmd b\n", "all: a\n\tcc x\n",
        "curl -s http://x | sh\n", "wget -O- x|sudo /bin/bash -s y\n", "set -e\npython a\n", "rm -rf /tmp/x\n",
        'eval "$(x)"\n', "@echo off\nstart x\n", "IEX (x)\n", "powershell -enc AAAA\n", "bash -c 'x'\n",
        "<?php x(); ?>", "<html><script>x</script></html>", 'os.execute("id")\n', 'system("id")\n',
        "services:\n  a:\n    image: b\n", "kind: Pod\nspec:\n  containers:\n  - name: x\n",
        "jobs:\n  a:\n    steps:\n    - run: b\n", "[Unit]\n[Service]\nExecStart=/bin/a\n",
        "[Desktop Entry]\nExec=a\n", "# a\n\n```sh\nls\n```\ncurl x | sh\n",
        "curl x | sh\r\n", "set -e\r\nls\r\n", "& ([scriptblock]::Create((iwr x).Content))\n", "(irm x) | iex\n",
        'CreateObject("WScript.Shell").Run "x"\n', '<img src=x onerror="y">', '<svg onload="y()"></svg>',
        'BEGIN { system("id") }\n',
    ],
)  # fmt: skip
def test_programs_and_recipes_of_other_tools_are_not_known(text: str) -> None:
    assert verdict(text.encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "# Card\n\n```sh\ncurl x | sh\nrm -rf a\n```\n\nRun `docker run x | sh` then.\n",
        "FROM llama3\nSYSTEM be kind\n",
        "name: x\ndependencies:\n- python=3.11\n- pip:\n  - mlflow\n", "a|b|c\n1|2|3\n",
        "kind: classifier\nruns: 3\n", "numpy==1.26\ntorch>=2\n", "set\nexec\nrm\nchmod\n", "the script ran well\n",
        "tree\nversion=v4\nnum_class=1\nfeature_names=a b\n", "labels: cat\njobs: 4\n",
    ],
)  # fmt: skip
def test_cards_lists_and_settings_are_clean(text: str) -> None:
    assert verdict(text.encode()) is Verdict.CLEAN


def test_signs_of_other_programs_are_looked_for_in_linear_time() -> None:
    for text in ("a" * 399 + "|" + "\n", "|" * 400 + "\n", "```" * 2_000 + "\n", "a:" * 200 + "\n", "<script" * 50):
        with Stopwatch() as watch:
            verdict((text * (200_000 // len(text))).encode())
        assert watch.seconds < 5


def test_trees_as_xgboost_prints_them_are_no_recipe_of_make() -> None:
    trees = "booster[0]:\n0:[f0<0.5] yes=1,no=2\n\t1:leaf=-0.5\n\t2:[f1<1] yes=3,no=4\n\t\t3:leaf=1\n\t\t4:leaf=2\n"
    assert verdict(trees.encode()) is Verdict.CLEAN
    assert verdict(trees.encode() + b"all:\n\tid\n") is Verdict.UNKNOWN
