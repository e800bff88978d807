"""YAML of a stranger: what expands, nests, repeats or makes objects is stopped with its line; text can stay text."""

import contextlib
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import caponier
from caponier.formats.strict_yaml import (
    SHIPPED,
    YamlAlias,
    YamlDialect,
    YamlError,
    YamlMapping,
    YamlScalar,
    read_nodes,
    read_text,
    read_value,
    read_values,
    shipped_yaml,
    yaml_signs,
)
from pace import Stopwatch

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
STRICT = YamlDialect()
ALIASES = YamlDialect(aliases=None, advice="Download it again.")
MERGES = YamlDialect(aliases=10, merges=True)

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1000, 1000)
    | st.dates()
    | st.floats(allow_nan=False)
    | st.text("abc xyz.:<=~-1", max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", min_size=1), inner, max_size=4),
    max_leaves=10,
)


def refused(text: str, dialect: YamlDialect = ALIASES) -> YamlError:
    with pytest.raises(YamlError) as wrong:
        read_text(text, "f.yaml", dialect)
    with pytest.raises(YamlError) as again:
        read_value(text, "f.yaml", dialect)
    assert str(again.value) == str(wrong.value)
    assert wrong.value.exit_code == 2
    return wrong.value


def refused_value(text: str, dialect: YamlDialect = STRICT) -> str:
    with pytest.raises(YamlError) as wrong:
        read_value(text, "f.yaml", dialect)
    return str(wrong.value)


@given(plain)
@settings(max_examples=100, deadline=None)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    assert read_value(yaml.safe_dump(value), "a.yaml", ALIASES) == value


@given(st.text(max_size=200) | st.text("ab:-{}[]&*#|>?%@`'\"\n ,.019T<", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_as_yaml_reads_it_or_refused(text: str) -> None:
    with contextlib.suppress(YamlError):
        read = read_values(text, "a.yaml", MERGES)
        try:
            assert repr(read) == repr(list(yaml.load_all(text, LOADER)))
        except yaml.constructor.ConstructorError:
            # PyYAML has no value for these two where they are no keys; here they are text.
            assert "<<" in text or "=" in text
    with contextlib.suppress(YamlError):
        read_text(text, "a.yaml", STRICT)


@pytest.mark.parametrize("path", sorted(Path(str(files(caponier))).rglob("*.y*ml")), ids=lambda path: path.name)
def test_our_own_files_are_read_as_yaml_reads_them(path: Path) -> None:
    text = path.read_text("utf-8")
    assert read_values(text, path.name, SHIPPED) == list(yaml.load_all(text, LOADER))


def test_a_shipped_file_is_named_by_its_package() -> None:
    assert "default" in shipped_yaml("caponier.coverage", "reasons.yaml")


def test_every_scalar_is_the_text_that_was_written() -> None:
    parsed = read_text("a: 4.10\nb: 2026-04-30\nc: '2026.10'\nd: no\ne: 0x10\nf: 1_000\ng: !!str 5\n", "f", STRICT)
    assert parsed == {
        "a": "4.10",
        "b": "2026-04-30",
        "c": "2026.10",
        "d": "no",
        "e": "0x10",
        "f": "1_000",
        "g": "5",
    }


def test_null_is_none_unless_it_is_quoted() -> None:
    for read in (read_text, read_value):
        assert read("[null, ~, 'null', \"\", NULL]\n", "f", STRICT) == [None, None, "null", "", None]
        assert read("a:\nb: ''\n", "f", STRICT) == {"a": None, "b": ""}


def test_an_alias_stands_for_what_was_anchored() -> None:
    text = "a: &x [1, 2]\nb: *x\nc: &y z\nd: *y\n&k e: *k\n"
    assert read_text(text, "f", ALIASES) == {"a": ["1", "2"], "b": ["1", "2"], "c": "z", "d": "z", "e": "e"}
    assert read_value(text, "f", ALIASES) == {"a": [1, 2], "b": [1, 2], "c": "z", "d": "z", "e": "e"}


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


def test_aliases_that_expand_beyond_all_bounds_are_stopped_at_once() -> None:
    with Stopwatch() as watch:
        wrong = refused(bomb(30))
        assert "stands for more than 1,000,000 values" in wrong.what
        assert wrong.where == "f.yaml:6"
        assert "without aliases" in (wrong.hint or "")
    assert watch.seconds < 2


def test_a_few_aliases_are_fine() -> None:
    assert len(read_text(bomb(4), "f", ALIASES)["a3"]) == 10


def test_a_bomb_that_is_let_through_stays_as_small_as_it_is() -> None:
    with Stopwatch() as watch:
        value = read_value(bomb(30), "f", YamlDialect(nodes=10**40, aliases=None))
        assert value["a29"][0] is value["a29"][9]
    assert watch.seconds < 2


def test_aliases_are_counted_or_not_read_at_all() -> None:
    text = "a: &x [1]\nb: *x\nc: *x\n"
    assert refused(text, STRICT).what == "YAML aliases are not read here"
    assert refused(text, STRICT).where == "f.yaml:2"
    assert refused(text, YamlDialect(aliases=1)).what == "there are more than 1 YAML aliases"
    assert read_value(text, "f", YamlDialect(aliases=2)) == {"a": [1], "b": [1], "c": [1]}


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is there twice", 3),
        ("x: {a: 1, b: {c: 1, c: 2}}", "the key 'c' is there twice", 1),
        ("a: &x\n  b: *x\n", "the alias *x names nothing", 2),
        ("a: &x [*x]\n", "the alias *x names nothing", 1),
        ("a: *gone\n", "this is not YAML: the alias *gone names nothing", 1),
        ("a: &x 1\n---\nb: *x\n", "this is not YAML: the alias *x names nothing", 3),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", "merge keys (<<) are not read", 3),
        ("? [a, b]\n: 1\n", "a key is not text", 1),
        ("? {a: b}\n: 1\n", "a key is not text", 1),
        ("a: &x [1]\n*x : 1\n", "a key is not text", 2),
        ("? null\n: 1\n", "a key is not text", 1),
        ("a: !!python/object/apply:os.system ['id']\n", "is not read", 1),
        ("!!python/object/apply:os.system [exit]", "is not read", 1),
        ("a: !!binary aGk=\n", "is not read", 1),
        ("a: !!set {a, b}\n", "is not read", 1),
        ("a: !!map [a]\n", "is not read", 1),
        ("a: !!seq x\n", "is not read", 1),
        ("!mine a: x\n", "a key is not text", 1),
        ("a: !mine x\n", "the tag '!mine' is not read", 1),
        ("a: 1\n---\nb: 2\n", "a second document begins here", 3),
        ("a: [1, 2\n", "this is not YAML", 2),
        ("a: [", "this is not YAML", 1),
        ("a: 'cut off\n", "this is not YAML", 2),
        ("\ta: 1\n", "this is not YAML", 1),
        ("a: b: c\n", "this is not YAML", 1),
    ],
)
def test_what_is_wrong_names_its_line(text: str, what: str, line: int) -> None:
    wrong = refused(text)
    assert what in wrong.what
    assert (wrong.where, wrong.line) == (f"f.yaml:{line}", line)
    assert wrong.hint


@pytest.mark.parametrize(("text", "line"), [("a: \x1b[2J\n", 1), ("\x00", 1), ("\u00e4\u00e4\n\na: \x07\n", 3)])
def test_control_characters_are_an_error(text: str, line: int) -> None:
    wrong = refused(text)
    assert "this is not YAML" in wrong.what
    assert wrong.where == f"f.yaml:{line}"


def test_half_a_letter_is_an_error() -> None:
    assert "this is not YAML" in refused("a: \ud800\n").what


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_deep_nesting_is_stopped(opening: str) -> None:
    assert "nested too deeply, more than 40 levels" in refused(opening * 500).what


@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "? ", "? - "])
def test_very_deep_nesting_never_exhausts_the_stack(opening: str) -> None:
    assert refused(opening * 200_000).exit_code == 2


def test_depth_and_size_are_limited() -> None:
    small = YamlDialect(letters=64 << 10, depth=12)
    assert read_value("[" * 12 + "]" * 12, "f", small)
    assert "nested too deeply, more than 12 levels" in refused("[" * 13 + "]" * 13, small).what
    assert read_value("a" * (64 << 10), "f", small)
    assert refused("#" * ((64 << 10) + 1), small).what == "is larger than 64 KiB"
    assert refused("#" * ((4 << 20) + 1), YamlDialect(letters=4 << 20)).what == "is larger than 4 MiB"


def test_too_many_values_are_stopped() -> None:
    few = YamlDialect(nodes=100)
    assert "stands for more than 100 values" in refused("- a\n" * 101, few).what
    assert "stands for more than 100 values" in refused(("- a\n" * 60 + "---\n") * 2, few).what
    assert len(read_text("- a\n" * 99, "f", few)) == 99


@pytest.mark.parametrize("text", ["# nothing\n", "", "---\n"])
def test_an_empty_document_is_none(text: str) -> None:
    assert read_text(text, "f", STRICT) is None
    assert read_value(text, "f", STRICT) is None


def test_a_bare_mark_makes_a_text() -> None:
    assert read_value("[! 5, ! ~, !!str 5, !!int '5']", "f", STRICT) == ["5", "~", "5", 5]


def test_documents_come_one_after_another() -> None:
    assert read_values("a: 1\n---\n---\n- b\n", "f", STRICT) == [{"a": 1}, None, ["b"]]
    assert read_values("", "f", STRICT) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 2026-99-99", "f.yaml:1: '2026-99-99' is no timestamp"),
        ("- a\n- !!bool maybe", "f.yaml:2: 'maybe' is no bool"),
        ("!!int x", "f.yaml:1: 'x' is no int"),
        ("!!float ''", "f.yaml:1: '' is no float"),
        ("!!timestamp x", "f.yaml:1: 'x' is no timestamp"),
        ("9" * 200_000, "f.yaml:1: a number has 200000 digits"),
        ("1:" * 40_000 + "1", "f.yaml:1: a number has 80001 digits"),
    ],
)
def test_a_value_that_is_not_what_its_tag_says_is_refused(text: str, said: str) -> None:
    assert said in refused_value(text)


def test_merge_keys_are_read_where_they_may_be() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}\n"
    assert read_value(text, "f", MERGES)["z"] == {"a": 1, "b": 1, "c": 3}
    assert "stands for no mapping" in refused_value("x: &x 1\ny: {<<: *x}\n", MERGES)


def test_nodes_have_their_places() -> None:
    text = "a:\n  - 'b'\n  - &c 5\n  - *c\n"
    (root,) = read_nodes(text, "f", ALIASES)
    assert isinstance(root, YamlMapping)
    ((key, items),) = root.pairs
    assert isinstance(key, YamlScalar)
    assert (key.line, key.column, text[key.start : key.end]) == (1, 1, "a")
    quoted, number, alias = items.items  # type: ignore[union-attr]
    assert (quoted.line, quoted.column, text[quoted.start : quoted.end], quoted.plain) == (2, 5, "'b'", False)
    assert (number.kind.rpartition(":")[2], number.is_null) == ("int", False)
    assert isinstance(alias, YamlAlias)
    assert (alias.target is number, alias.name) == (True, "c")


def signs(text: str) -> list[tuple[str, str, str | None]]:
    return [(kind.name, value, anchor) for kind, value, anchor in yaml_signs(text)]


def test_the_signs_of_a_text_come_one_after_the_other_without_their_spelling() -> None:
    assert signs("a: &x [b, ~]\n? 'c'\n: *x\n") == [
        ("DOCUMENT", "", None),
        ("MAPPING", "", None),
        ("TEXT", "a", None),
        ("LIST", "", "x"),
        ("TEXT", "b", None),
        ("EMPTY", "~", None),
        ("END", "", None),
        ("TEXT", "c", None),
        ("ALIAS", "", "x"),
        ("END", "", None),
    ]


@pytest.mark.parametrize("text", ["null", "Null", "NULL", "~", "a:"])
def test_a_value_that_is_none_is_empty(text: str) -> None:
    assert "EMPTY" in [kind for kind, _, _ in signs(text)]


@pytest.mark.parametrize("text", ["'null'", '"~"', "!!str null", "nil", "''"])
def test_a_text_that_reads_like_none_is_a_text(text: str) -> None:
    assert [kind for kind, _, _ in signs(text)] == ["DOCUMENT", "TEXT"]


@pytest.mark.parametrize("text", ["a: b\nc: [", "a: b\n\t- x", "a: b\n*y", "a: b\n\x01"])
def test_the_signs_end_at_a_mistake_and_keep_what_stands_before(text: str) -> None:
    assert signs(text)[:3] in (signs("a: b\n")[:3], [])


def test_depth_is_a_mistake_and_no_end_of_the_program() -> None:
    assert len(signs("[" * 100_000)) < 2_000
