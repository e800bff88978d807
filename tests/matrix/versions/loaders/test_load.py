"""The format is told by the content, and what is of none is refused with what could be read instead."""

import json
from pathlib import Path

import pytest
import yaml

from caponier.errors import InputError
from caponier.matrix.versions.loaders import load_file
from matrix.versions.loaders.conftest import FOLDER, plain

FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".json", ".yaml"))


@pytest.mark.parametrize("name", FILES)
def test_the_name_of_a_file_says_nothing(written, name: str):
    release = load_file(FOLDER / name)
    assert load_file(written((FOLDER / name).read_bytes(), "something.bin")) == release


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".yaml")])
def test_an_atlas_file_written_as_json_is_the_same(written, name: str):
    as_json = load_file(written(json.dumps(plain(name), default=str))).matrix
    assert as_json == load_file(FOLDER / name).matrix


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_off_within_a_line_never_passes_for_a_whole_one(written, name: str):
    text = (FOLDER / name).read_text(encoding="utf-8")
    for part in range(1, 40):
        with pytest.raises(InputError) as wrong:
            load_file(written(text[: len(text) * part // 40].rstrip()))
        assert wrong.value.where


@pytest.mark.parametrize(
    "content",
    [
        "just words\n",
        "[1, 2]\n",
        "a: 1\n",
        "{}",
        '{"type": "layer"}',
        "schema: caponier.findings/1\n",
        "tactics: none\n",
    ],
)
def test_what_holds_no_matrix_is_refused(written, content: str):
    with pytest.raises(InputError, match="holds no version of a matrix") as wrong:
        load_file(written(content))
    assert "ATLAS.yaml of format 3 to 6" in (wrong.value.hint or "")


@pytest.mark.parametrize(
    ("name", "asked", "kept"),
    [
        ("format-4.yaml", "4.4.1", "atlas-4.4.1"),
        ("format-4.yaml", "team", "team"),
        ("atlas-2026.09.yaml", "2026.10", "atlas-2026.10"),
        ("attack-enterprise-17.0.json", "18.0", "attack-enterprise-18.0"),
    ],
)
def test_a_version_can_be_named(name: str, asked: str, kept: str):
    release = load_file(FOLDER / name, asked)
    assert release.matrix.version == kept
    assert any(f"it is kept as {kept}" in remark for remark in release.remarks)


def test_a_file_that_is_silent_on_its_version_can_be_named(changed):
    def forget(content):
        del content["version"]

    with pytest.raises(InputError, match="does not say its version"):
        changed("format-4.yaml", forget)
    matrix = changed("format-4.yaml", forget, "4.4.0").matrix
    assert (matrix.version, str(matrix.released)) == ("atlas-4.4.0", "2023-04-12")


@pytest.mark.parametrize("said", ["v4.4", "latest", "6.0.0"])
def test_a_file_that_says_a_wrong_version_can_be_named(changed, said: str):
    def mistake(content):
        content["version"] = said

    with pytest.raises(InputError, match="no version that a file of this layout can have") as wrong:
        changed("format-4.yaml", mistake)
    assert "--version" in (wrong.value.hint or "")
    assert changed("format-4.yaml", mistake, "4.4.0").matrix.version == "atlas-4.4.0"


def test_what_the_file_holds_is_never_obeyed_by_a_terminal(written: object, tmp_path: Path):
    content = plain("format-5.yaml")
    content["matrices"][0]["techniques"][0]["\x1b[2J\u202e"] = 1
    content["matrices"][0]["techniques"][0]["id"] = "\x1b[2J\u202e" * 40
    path = tmp_path / "ATLAS.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError) as wrong:
        load_file(path)
    assert str(wrong.value).replace("\n", "").isprintable()


def test_a_file_that_ends_within_a_line_may_be_cut_off(tmp_path: Path):
    path = tmp_path / "f.yaml"
    path.write_text("a: one\nb: tw")
    with pytest.raises(InputError) as wrong:
        load_file(path)
    assert wrong.value.what == "the last line has no end: the file may be cut off"
    assert wrong.value.where == f"{path}:2"
    assert "line break" in (wrong.value.hint or "")


def test_a_contribution_is_told_where_it_belongs(written):
    with pytest.raises(InputError, match="this is a contribution") as wrong:
        load_file(written("schema: caponier.contribution/1\nkind: technique\ntactics: [AMLTM.EVADE]\n"))
    assert "caponier matrix merge" in (wrong.value.hint or "")
