"""YAML of a stranger: text stays text, and what expands, nests or repeats is stopped with its line."""

import time

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.loaders import yaml_text
from caponier.matrix.versions.loaders.yaml_text import MAX_DEPTH, parse_yaml


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as wrong:
        parse_yaml(text, "f.yaml")
    return wrong.value


def test_every_scalar_is_the_text_that_was_written():
    parsed = parse_yaml("a: 4.10\nb: 2026-04-30\nc: '2026.10'\nd: no\ne: 0x10\nf: 1_000\ng: !!str 5\n", "f")
    assert parsed == {
        "a": "4.10",
        "b": "2026-04-30",
        "c": "2026.10",
        "d": "no",
        "e": "0x10",
        "f": "1_000",
        "g": "5",
    }


def test_null_is_none_unless_it_is_quoted():
    assert parse_yaml("[null, ~, 'null', \"\", NULL]\n", "f") == [None, None, "null", "", None]
    assert parse_yaml("a:\nb: ''\n", "f") == {"a": None, "b": ""}


def test_an_alias_stands_for_what_was_anchored():
    assert parse_yaml("a: &x [1, 2]\nb: *x\nc: &y z\nd: *y\n", "f") == {
        "a": ["1", "2"],
        "b": ["1", "2"],
        "c": "z",
        "d": "z",
    }


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_that_expand_beyond_all_bounds_are_stopped_at_once():
    started = time.process_time()
    wrong = refused(bomb(30))
    assert "stands for more than 1000000 values" in wrong.what
    assert wrong.where == "f.yaml:6"
    assert wrong.mend == "Write it without aliases."
    assert time.process_time() - started < 2


def test_a_few_aliases_are_fine():
    assert len(parse_yaml(bomb(4), "f")["a3"]) == 10


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is there twice", 3),
        ("a: &x\n  b: *x\n", "the alias *x names nothing", 2),
        ("a: *gone\n", "the alias *gone names nothing", 1),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys (<<) are not read", 3),
        ("? [a, b]\n: 1\n", "a key is a list or a mapping", 1),
        ("? null\n: 1\n", "a key is no text", 1),
        ("a: !!python/object/apply:os.system ['id']\n", "is not read", 1),
        ("a: !!binary aGk=\n", "is not read", 1),
        ("a: !mine x\n", "the tag '!mine' is not read", 1),
        ("a: 1\n---\nb: 2\n", "a second document begins here", 2),
        ("a: [1, 2\n", "this is not YAML", 2),
        ("a: 'cut off\n", "this is not YAML", 2),
        ("\ta: 1\n", "this is not YAML", 1),
        ("a: b: c\n", "this is not YAML", 1),
    ],
)
def test_what_is_wrong_names_its_line(text: str, what: str, line: int):
    wrong = refused(text)
    assert what in wrong.what
    assert wrong.where == f"f.yaml:{line}"
    assert wrong.mend


def test_control_characters_are_an_error():
    assert "this is not YAML" in refused("a: \x1b[2J\n").what


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_deep_nesting_is_stopped(opening: str):
    assert f"nests deeper than {MAX_DEPTH}" in refused(opening * 500).what


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? ", "? - "])
def test_very_deep_nesting_never_exhausts_the_stack(opening: str):
    assert refused(opening * 200_000).exit_code == 2


def test_too_many_values_are_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_text, "MAX_NODES", 100)
    assert "stands for more than 100 values" in refused("- a\n" * 101).what
    assert len(parse_yaml("- a\n" * 99, "f")) == 99


def test_a_file_that_ends_within_a_line_may_be_cut_off():
    wrong = refused("a: one\nb: tw")
    assert (wrong.what, wrong.where) == ("the last line has no end: the file may be cut off", "f.yaml:2")
    assert "line break" in (wrong.mend or "")


def test_an_empty_document_is_none():
    assert parse_yaml("# nothing\n", "f") is None
