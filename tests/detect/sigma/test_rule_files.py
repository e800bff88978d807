from pathlib import Path

import pytest

from caponier.detect.sigma.rule_files import FILE_LIMIT, RuleDocument, own_rules, read_rules
from caponier.errors import InputError
from caponier.records.skip import Skip


def test_every_document_of_every_file_in_order(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("title: b\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "c.yaml").write_text("title: c1\n---\n---\ntitle: c2\n")
    (tmp_path / "a.txt").write_text("title: no rule\n")
    found = list(read_rules(tmp_path))
    assert [document.content["title"] for document in found if isinstance(document, RuleDocument)] == ["b", "c1", "c2"]
    assert [document.stem for document in found if isinstance(document, RuleDocument)] == ["b", "c", "c-2"]


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "b.yml").write_text("title: b\n")
    assert len(list(read_rules(tmp_path / "b.yml"))) == 1


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1", "not YAML"),
        ("- 1\n- 2\n", "document 1 is no rule"),
        ("a: !!python/object/apply:os.system [id]\n", "the tag"),
        ("a: 1\na: 2\n", "the key 'a' is there twice in line 2"),
        ("a: &x [1]\n" + "".join(f"k{n}: *x\n" for n in range(200)), "aliases"),
        ("a: " + "x" * FILE_LIMIT, "larger than"),
        ("a: \x00", ""),
    ],
)
def test_a_bad_file_is_told_and_no_reason_to_stop(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    (tmp_path / "good.yml").write_text("title: good\n")
    bad, good = read_rules(tmp_path)
    assert isinstance(bad, Skip)
    assert reason in bad.reason
    assert bad.what.endswith("bad.yml")
    assert isinstance(good, RuleDocument)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "bad.yml").write_bytes(b"\xff\xfe\x00title")
    assert [type(found) for found in read_rules(tmp_path)] == [Skip]


def test_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list(read_rules(tmp_path / "no"))
    with pytest.raises(InputError, match=r"holds no \.yml"):
        list(read_rules(tmp_path))


def test_our_own_name_no_path_of_this_machine() -> None:
    assert {Path(found.file).parts[:2] for found in own_rules()} == {("caponier", "rules")}
