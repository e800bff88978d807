"""YAML is judged by its values, in whatever spelling they are written, and ordinary YAML stays clean."""

import pytest
import yaml

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.part import Budget, TooMuchError
from caponier.detect.model_files.files.texts import yaml_values
from caponier.detect.model_files.files.texts.yaml_values import read, spelled
from detect.model_files.files.building import verdict
from pace import Stopwatch

SPELLINGS = {
    "next line": "{key}:\n  {value}",
    "behind an anchor": "{key}: &a {value}",
    "behind a tag": "{key}: !!str {value}",
    "behind both": "{key}: &a !!str {value}",
    "a whole tag": "{key}: !<tag:yaml.org,2002:str> {value}",
    "folded block": "{key}: >-\n  {value}",
    "literal block": "{key}: |\n  {value}\n",
    "behind a comment": "{key}: # a word\n  {value}",
    "behind comments": "{key}: # a word\n\n  # another\n  {value}",
    "a question": "? {key}\n: {value}",
    "quoted twice": '"{key}": "{value}"',
    "quoted once": "'{key}': '{value}'",
    "a carriage return": "a: 1\r{key}: {value}\r",
    "a line of its own": "a: 1\u2028{key}: {value}\u2028",
    "in braces": "{{a: 1, {key}: {value}}}",
    "in braces, over lines": "{{a: 1, {key}:\n  {value}\n}}",
    "an alias": "a: &x {value}\n{key}: *x",
    "an alias for the key": "a: &x {key}\n*x : {value}",
    "merged": "a: &x\n  {key}:\n    {value}\nb:\n  <<: *x\n",
    "a second document": "a: 1\n---\n{key}:\n  {value}\n",
    "before a mistake": "{key}:\n  {value}\nb: [\n",
}
IMPORTED = {
    "class_path": "fleet.made.Thing",
    "type": "fleet.made.Thing",
    "_component_": "fleet.made.run",
    "model_code_path": "made.py",
    "trust_remote_code": "true",
}


@pytest.mark.parametrize("form", SPELLINGS.values(), ids=list(SPELLINGS))
@pytest.mark.parametrize("key", IMPORTED)
def test_what_a_loader_imports_is_found_in_every_spelling(key: str, form: str) -> None:
    text = form.format(key=key, value=IMPORTED[key])
    assert verdict(text.encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("form", SPELLINGS.values(), ids=list(SPELLINGS))
def test_the_same_spellings_of_ordinary_values_are_clean(form: str) -> None:
    if form.endswith("[\n"):
        return
    assert verdict(form.format(key="optimizer", value="adamw").encode()) is Verdict.CLEAN
    assert verdict(form.format(key="dtype", value="torch.float16").encode()) is Verdict.CLEAN


FLAVOR = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    {0}"


@pytest.mark.parametrize(
    "row",
    [
        "code:\n      code\n", "? code\n    : code\n", "code: # a word\n      code\n", "code: !!str code\n",
        "model_path:\n      ../../x.pkl\n", "model_path: !!str ../../x.pkl\n", "data: ' ../../x'\n",
        "data: >-\n      ../../x\n", "data: &x /etc/x\n",
    ],
)  # fmt: skip
def test_a_flavor_of_mlflow_is_judged_in_every_spelling(row: str) -> None:
    assert verdict(FLAVOR.format(row).encode()) is not Verdict.CLEAN


@pytest.mark.parametrize(
    "row", ["code: null\n", "code: ~\n", "code:\n", "data: model.pkl\n", "env:\n      conda.yaml\n"]
)
def test_an_ordinary_flavor_is_clean(row: str) -> None:
    assert verdict(FLAVOR.format(row).encode()) is Verdict.CLEAN


def test_it_reads_what_a_reader_of_yaml_does() -> None:
    text = """\
# A comment
a: &x {b: 1, "c\\x64": 'd e', f: [g, ~, ""]}
h: *x
i:
  <<: *x
  j: |
    two
    lines
"""
    (mine,) = read(text, Budget.of(Limits(), len(text)))
    theirs = yaml.load(text, Loader=yaml.BaseLoader)
    inner = {"b": "1", "cd": "d e", "f": ["g", None, ""]}
    assert mine == {"a": inner, "h": inner, "i": {**inner, "j": "two\nlines\n"}}
    assert theirs["a"]["cd"] == mine["a"]["cd"]
    assert theirs["i"]["j"] == mine["i"]["j"]


def test_values_are_spelled_a_line_each_and_once() -> None:
    text = "a: &x\n  - {b: c}\n  - d\ne: *x\nf: null\ng: |\n  two\n  lines\n"
    documents = read(text, Budget.of(Limits(), len(text)))
    assert spelled(documents).splitlines() == ["a:", " -", "  b: c", " - d", "f: null", "g: two", " lines"]
    assert spelled(documents).count("b: c") == 1


@pytest.mark.parametrize(
    "text",
    ["Just a sentence, and one more.", "a\nb\nc\n", "[section]\nname = value\n", "", "# only a comment\n", "\t\n"],
)
def test_what_is_no_mapping_has_no_values(text: str) -> None:
    assert read(text, Budget.of(Limits(), len(text))) == []


def test_a_key_that_is_there_twice_counts_both_times() -> None:
    text = "type: linear\ntype:\n  fleet.made.Thing\n"
    assert len(read(text, Budget.of(Limits(), len(text)))) == 2
    assert verdict(text.encode()) is Verdict.UNKNOWN
    assert verdict(b"loss: 1\nloss: 2\n") is Verdict.CLEAN


BOMBS = {
    "aliases": "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]\n" for i in range(1, 20)),
    "merges": "a: &a {" + ", ".join(f"k{i}: 1" for i in range(500)) + "}\n" + "b: {<<: *a}\n" * 400,
}
ORDINARY = {"itself": "a: &a {b: *a, c: [*a]}\n", "deep": "- " * 900 + "x", "braces": "{a: b, " * 2_000}


@pytest.mark.parametrize("text", BOMBS.values(), ids=list(BOMBS))
def test_more_than_a_scan_reads_is_unknown_and_soon(text: str) -> None:
    with Stopwatch() as watch:
        assert verdict(text.encode()) is Verdict.UNKNOWN
    assert watch.seconds < 5


@pytest.mark.parametrize("text", ORDINARY.values(), ids=list(ORDINARY))
def test_loops_and_depth_end(text: str) -> None:
    with Stopwatch() as watch:
        verdict(text.encode())
    assert watch.seconds < 2


def test_many_values_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_values, "_MOST_EVENTS", 1_000)
    assert verdict(b"- [a]\n" * 200) is Verdict.CLEAN
    assert verdict(b"- [a]\n" * 400) is Verdict.UNKNOWN


def test_values_count_against_the_budget_of_the_file() -> None:
    budget = Budget.of(Limits(), 10)
    budget.looks_left = 100
    with pytest.raises(TooMuchError):
        read("- a\n" * 100, budget)
