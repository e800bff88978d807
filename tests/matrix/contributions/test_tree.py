from pathlib import Path

import pytest

from caponier.matrix.contributions.tree import BYTES, FormNode, UnreadableError, parse
from matrix.contributions.made import TECHNIQUE, file
from pace import Stopwatch


def grown(folder: Path, text: str) -> tuple[FormNode, list[str]]:
    tree, issues = parse(file(folder, text))
    return tree, [f"{one.line} {one.field}: {one.what}" for one in issues]


def test_every_value_is_text_with_its_line(tmp_path: Path) -> None:
    text = "a: 2020\nb: no\nc: 2026-01-01\nd: [1, 0x10]\ne:\nf: ~\ng:\n- h: 1\n"
    tree, issues = grown(tmp_path, text)
    assert issues == []
    assert isinstance(tree.value, dict)
    told = {key: branch.value for key, branch in tree.value.items() if isinstance(branch.value, str)}
    assert told == {"a": "2020", "b": "no", "c": "2026-01-01", "e": "", "f": ""}
    assert tree.value["d"] == FormNode(4, (FormNode(4, "1"), FormNode(4, "0x10")))
    assert tree.value["g"] == FormNode(7, (FormNode(8, {"h": FormNode(8, "1")}),))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", ["2 a: the key is there twice"]),
        ("a: &x 1\nb: *x\n", ["2 b: YAML aliases are not read here"]),
        ("a: &x [*x]\n", ["1 a[1]: YAML aliases are not read here"]),
        ("a: !!binary aGk=\n", ["1 a: YAML tags are not read here"]),
        ("a: !!python/object:os.system x\n", ["1 a: YAML tags are not read here"]),
        ("? [1]\n: 2\nb: 3\n", ["1 file: a key is not text"]),
        ("<<: {a: 1}\nb: 2\n", []),
    ],
)
def test_what_is_no_plain_tree_is_left_out_and_told(tmp_path: Path, text: str, told: list[str]) -> None:
    assert grown(tmp_path, text)[1] == told


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("data", "line", "what"),
    [
        (b"", 1, "empty"),
        (b"# nothing\n", 1, "empty"),
        (b"- 1\n", 1, "no fields"),
        (b"word\n", 1, "no fields"),
        (b"a: 1\nb: [\n", 3, "not YAML"),
        (b"a: 1\n\tb: 2\n", 2, "not YAML"),
        (b"a: 1\n---\nb: 2\n", 3, "second document"),
        (b"a: \x00\n", 1, "not YAML"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"a: " + b"[" * 50_000, 1, "nest"),
        (b"a: " + b"{b: " * 50_000, 1, "nest"),
        (b"a:\n" + b"".join(b" " * n + b"-\n" for n in range(1, 600)), 9, "nested too deeply"),
        (b"x" * (BYTES + 1), 1, "larger than"),
        (b"a: *nowhere\n", 1, "not YAML"),
    ],
)
def test_what_is_no_tree_says_why_and_where(tmp_path: Path, data: bytes, line: int, what: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=what) as refused:
        parse(path)
    issue = refused.value.issue
    assert (issue.file, issue.line, issue.field) == (str(path), line, "file")
    assert issue.hint


def test_a_billion_laughs_are_not_laughed(tmp_path: Path) -> None:
    with Stopwatch() as watch:
        _, issues = grown(tmp_path, LAUGHS)
    assert watch.seconds < 2
    assert all("aliases" in one for one in issues)
    assert len(issues) == 8 * 9


def test_a_byte_order_mark_is_no_letter(tmp_path: Path) -> None:
    tree, _ = grown(tmp_path, "\ufeff" + TECHNIQUE)
    assert isinstance(tree.value, dict)
    assert tree.value["schema"].value == "caponier.contribution/1"


@pytest.mark.parametrize("name", ["absent.yaml", "folder", "a\x00b.yaml"])
def test_what_is_no_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UnreadableError, match=r"no such file|cannot be read"):
        parse(tmp_path / name)
