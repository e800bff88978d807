"""A part knows its place, and asks of its content what a reader needs."""

import re

import pytest

from caponier.errors import InputError
from caponier.matrix.versions.loaders.part import MAX_NAME, MAX_TEXT, Part, shown

TOP = Part(
    "f.yaml",
    "",
    {
        "id": "AML.T0000",
        "name": "  A name ",
        "text": "One.\nTwo.\n",
        "none": None,
        "empty": "",
        "number": 5,
        "list": ["a", "b"],
        "rows": [{"id": "x"}, {"id": "y"}],
        "mixed": [{"id": "x"}, "y"],
        "map": {"k": {"id": "k"}, "l": {"id": "l"}},
    },
)


def refused(call) -> InputError:
    with pytest.raises(InputError) as wrong:
        call()
    return wrong.value


def test_the_place_grows_with_every_step():
    part = TOP.at("rows").at(1).at("id")
    assert (part.place, part.value) == ("rows.1.id", "y")


def test_an_error_names_the_file_the_place_and_the_id():
    wrong = TOP.wrong("it is wrong")
    assert (wrong.what, wrong.where) == ("it is wrong", "f.yaml: top (AML.T0000)")
    assert wrong.hint
    assert TOP.at("rows").at(0).wrong("it is").where == "f.yaml: rows.0 (x)"
    assert TOP.at("number").wrong("it is", "Mend it.").hint == "Mend it."


@pytest.mark.parametrize("key", ["\x1b[31m", "a\u202eb", "k" * 500, "\ud800"])
def test_a_key_is_never_obeyed_by_a_terminal(key: str):
    where = Part("f", "", {key: 1}).at(key).wrong("it is").where or ""
    assert where.isprintable()
    assert len(where) < 200
    assert shown("plain") == "plain"


def test_names_are_one_trimmed_line():
    assert TOP.name("name") == "A name"


@pytest.mark.parametrize(
    ("key", "what", "place"),
    [
        ("missing", "the key 'missing' is missing or empty", "top (AML.T0000)"),
        ("none", "the key 'none' is missing or empty", "top (AML.T0000)"),
        ("empty", "one line of 1 to 300 plain characters", "empty"),
        ("text", "one line of 1 to 300 plain characters", "text"),
        ("number", "text is wanted here, this is a number or a truth value", "number"),
        ("list", "text is wanted here, this is a list", "list"),
        ("map", "text is wanted here, this is a mapping", "map"),
    ],
)
def test_what_is_no_name_is_said(key: str, what: str, place: str):
    wrong = refused(lambda: TOP.name(key))
    assert what in wrong.what
    assert wrong.where == f"f.yaml: {place}"


@pytest.mark.parametrize(
    "bad", ["a" * (MAX_NAME + 1), "a\tb", "a\x7f", "a\u2028b", "a\u202eb", "a\u2066b", "\ud800", " "]
)
def test_a_name_holds_nothing_that_is_not_plain(bad: str):
    assert "plain characters" in refused(lambda: Part("f", "", {"name": bad}).name("name")).what


@pytest.mark.parametrize("good", ["a" * MAX_NAME, "Château d'If", "模型", "a\u2013b"])
def test_a_name_may_be_of_any_language(good: str):
    assert Part("f", "", {"name": good}).name("name") == good


def test_prose_may_have_lines_and_may_be_missing():
    assert TOP.prose("text") == "One.\nTwo."
    assert TOP.prose("missing") == TOP.prose("none") == ""
    for bad in ("x" * (MAX_TEXT + 1), ["x"], 5, "\udfff"):
        assert "at most 100000 characters" in refused(lambda bad=bad: Part("f", "", {"t": bad}).prose("t")).what


def test_lists_and_maps():
    assert TOP.words("list") == ("a", "b")
    assert [row.value["id"] for row in TOP.rows("rows")] == ["x", "y"]
    assert [(key, part.place) for key, part in TOP.entries("map")] == [("k", "map.k"), ("l", "map.l")]
    for key in ("missing", "none"):
        assert list(TOP.rows(key)) == list(TOP.entries(key)) == []


@pytest.mark.parametrize(
    ("call", "what", "place"),
    [
        (lambda: list(TOP.rows("mixed")), "a mapping is wanted here, this is text", "mixed.1"),
        (lambda: list(TOP.rows("map")), "a list is wanted here, this is a mapping", "map"),
        (lambda: list(TOP.entries("rows")), "a mapping is wanted here, this is a list", "rows"),
        (lambda: TOP.words("rows"), "text is wanted here, this is a mapping", "rows.0 (x)"),
        (lambda: TOP.required("missing"), "the key 'missing' is missing: the file may be cut off", "top (AML.T0000)"),
    ],
)
def test_what_has_another_shape_is_said(call, what: str, place: str):
    wrong = refused(call)
    assert (wrong.what, wrong.where) == (what, f"f.yaml: {place}")


def test_a_key_that_has_to_be_there_may_be_empty():
    assert TOP.required("none").value is None


def test_ids_have_to_look_like_ids():
    pattern = re.compile(r"AML\.T\d{4}", re.ASCII)
    assert TOP.id(pattern, "a technique") == "AML.T0000"
    wrong = refused(lambda: TOP.id(pattern, "a technique", "name"))
    assert (wrong.what, wrong.where) == ("'A name' is no id of a technique", "f.yaml: name")


def test_digits_of_other_scripts_make_no_id(changed):
    def respell(content):
        content["matrices"][0]["techniques"][0]["id"] = "AML.T\u0660\u0660\u0660\u0660"

    assert "is no id of a technique" in refused(lambda: changed("format-5.yaml", respell)).what
