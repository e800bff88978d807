"""Only one key of the workspace file changes: every comment and every other line stays as it was."""

import os
import tomllib
from pathlib import Path

import pytest

from caponier.app.matrix.pin_version import check_pin, pin_version, pinned_text
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError


def lines_changed(before: str, after: str) -> list[str]:
    old = before.splitlines()
    return [line for line in after.splitlines() if line not in old]


def test_the_sample_that_init_writes_becomes_the_table(tmp_path: Path):
    file = create_workspace(tmp_path)
    before = file.read_text()
    pin_version(file, "atlas-5.6")
    assert load_workspace(file).pinned == "atlas-5.6"
    changed = lines_changed(before, file.read_text())
    assert [line.split("#")[0].rstrip() for line in changed] == ["[matrix]", 'pinned = "atlas-5.6"']
    assert len(file.read_text().splitlines()) == len(before.splitlines())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[matrix]\npinned = "old" # why\n[detect]\n', '[matrix]\npinned = "new" # why\n[detect]\n'),
        ("[matrix]\n  pinned='old'\n", '[matrix]\n  pinned="new"\n'),
        ("[ matrix ] # mine\n\n[detect]\n", '[ matrix ] # mine\npinned = "new"\n\n[detect]\n'),
        ("[matrix]", '[matrix]\npinned = "new"'),
        ('matrix.pinned = "old"\n', 'matrix.pinned = "new"\n'),
        ('matrix = { pinned = "old" } # x\n', 'matrix = { pinned = "new" } # x\n'),
        ("", '\n[matrix]\npinned = "new"\n'),
        ('[workspace]\nname = "w"', '[workspace]\nname = "w"\n\n[matrix]\npinned = "new"\n'),
        ('[matrix]\r\npinned = "old"\r\n', '[matrix]\r\npinned = "new"\r\n'),
        ("[matrix]\r\n[detect]\r\n", '[matrix]\r\npinned = "new"\r\n[detect]\r\n'),
        ("[detect]\r\n", '[detect]\r\n\r\n[matrix]\r\npinned = "new"\r\n'),
        ('# pinned = "no"\n[matrix]\npinned = "old"\n', '# pinned = "no"\n[matrix]\npinned = "new"\n'),
        (
            '[other]\npinned = "mine"\n[matrix]\npinned = "old"\n',
            '[other]\npinned = "mine"\n[matrix]\npinned = "new"\n',
        ),
        ('[other]\npinned = "mine"\n', '[other]\npinned = "mine"\n\n[matrix]\npinned = "new"\n'),
        (
            'a = """\n[matrix]\npinned = "text"\n"""\n[matrix]\npinned = "old"\n',
            'a = """\n[matrix]\npinned = "text"\n"""\n[matrix]\npinned = "new"\n',
        ),
        (
            '# [matrix]\n# pinned = "x"  # why\n[matrix]\n',
            '# [matrix]\n# pinned = "x"  # why\n[matrix]\npinned = "new"\n',
        ),
        ('[matrix]\npinned = "new"   # kept\n', '[matrix]\npinned = "new"   # kept\n'),
    ],
)
def test_the_key_is_set_where_it_stands(text: str, wanted: str):
    after = pinned_text(text, "new", "caponier.toml")
    assert after == wanted
    assert tomllib.loads(after)["matrix"]["pinned"] == "new"


def test_what_cannot_be_set_by_itself_is_an_error():
    with pytest.raises(InputError, match="without changing more") as wrong:
        pinned_text('[matrix]\npinned = """old"""\n', "new", "caponier.toml")
    assert 'pinned = "new"' in (wrong.value.hint or "")
    assert wrong.value.where == "caponier.toml"


def test_the_mode_stays_and_a_link_stays_a_link(tmp_path: Path):
    real = tmp_path / "real.toml"
    real.write_text('[matrix]\npinned = "old"\n')
    real.chmod(0o600)
    link = tmp_path / "caponier.toml"
    link.symlink_to(real)
    pin_version(link, "new")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ('[matrix]\npinned = "new"\n', 0o600)
    assert sorted(os.listdir(tmp_path)) == ["caponier.toml", "real.toml"]


def test_a_file_that_is_right_is_not_written(tmp_path: Path):
    file = tmp_path / "caponier.toml"
    file.write_text('[matrix]\npinned = "new"\n')
    before = file.stat()
    pin_version(file, "new")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be pinned: No such file"):
        pin_version(tmp_path / "none", "new")


def test_only_who_would_change_something_needs_the_right_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "caponier.toml"
    file.write_text('[matrix]\npinned = "new"\n')
    monkeypatch.setattr(os, "access", lambda *_: False)
    check_pin(file, "new")
    with pytest.raises(InputError, match="cannot be written to"):
        check_pin(file, "newer")
    monkeypatch.setattr(os, "access", lambda *_: True)
    check_pin(file, "newer")
    assert 'pinned = "new"' in file.read_text()
