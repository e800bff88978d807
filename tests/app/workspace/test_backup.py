"""A workspace comes back out of its backup as it was, and out of anything else not at all."""

import hashlib
import io
import os
import tarfile
import threading
from pathlib import Path

import orjson
import pytest

from caponier.app.incidents.findings import list_findings, record_findings
from caponier.app.workspace.backup import MANIFEST, SCHEMA, back_up
from caponier.app.workspace.restore import restore
from caponier.app.workspace.verify_audit import verify_audit
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from cli.command import run
from respond.made import finding


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    folder = tmp_path / "ws"
    create_workspace(folder)
    with (folder / "caponier.toml").open("a") as file:
        file.write('\n[[model]]\nname = "m"\nbaseline = "m.safetensors"\n')
    (folder / "m.safetensors").write_bytes(bytes(100))
    (folder / "lake" / "2026-12-01").mkdir(parents=True)
    (folder / "lake" / "2026-12-01" / "guard-00-1-a.jsonl").write_bytes(b'{"a": 1}\n{"half')
    (folder / ".caponier" / "spool" / "0").mkdir(parents=True)
    (folder / ".caponier" / "spool" / "0" / "1").write_bytes(b"a body that waits")
    made = require_workspace(folder)
    record_findings(made, [finding(1), finding(2)], actor="test")
    return made


def contents(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".caponier/store.db" not in path.as_posix()
    }


def test_it_comes_back_as_it_was(home: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "backup.tar"
    done = back_up(home, out)
    assert done.skipped == []
    assert out.stat().st_mode & 0o777 == 0o600
    again = require_workspace(restore(out, tmp_path / "again"))
    before, after = contents(home.root), contents(again.root)
    lines = "lake/2026-12-01/guard-00-1-a.jsonl"
    assert after.pop(lines) == b'{"a": 1}\n', "as far as the last whole line"
    del before[lines], before[".caponier/spool/0/1"]
    assert after == before
    assert list_findings(again) == list_findings(home)
    assert verify_audit(again).head == verify_audit(home).head
    assert read_salt(again) == read_salt(home)
    assert {path.stat().st_mode & 0o077 for path in again.root.rglob("*")} == {0}


def test_the_store_is_copied_in_one_state_while_others_write(home: Workspace, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        n = 10
        while not stop.is_set():
            record_findings(home, [finding(n)], actor="test")
            n += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for n in range(3):
            back_up(home, tmp_path / f"{n}.tar")
    finally:
        stop.set()
        writer.join()
    for n in range(3):
        again = require_workspace(restore(tmp_path / f"{n}.tar", tmp_path / f"again-{n}"))
        assert verify_audit(again).ok
        assert len(list_findings(again)) >= 2


def test_what_lies_elsewhere_is_told(home: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home.root / "link").symlink_to(elsewhere)
    os.mkfifo(home.root / "pipe")
    with (home.root / "caponier.toml").open("a") as file:
        file.write(f'\n[[model]]\nname = "n"\nbaseline = "{tmp_path / "n.safetensors"}"\n')
    done = back_up(require_workspace(home.root), tmp_path / "backup.tar")
    told = {skip.what.rpartition("/")[2]: skip.reason for skip in done.skipped}
    assert set(told) == {"the baseline of n", "pipe"}
    with pytest.raises(InputError, match="lies in the workspace"):
        back_up(home, home.root / "backup.tar")


def test_a_store_on_a_server_is_told(home: Workspace, tmp_path: Path) -> None:
    at_server = home.model_copy(update={"store": "postgresql://caponier@localhost/caponier"})
    done = back_up(at_server, tmp_path / "backup.tar")
    assert [(skip.what, "pg_dump" in skip.reason) for skip in done.skipped] == [("the store", True)]


def _archive(files: dict[str, bytes], said: dict[str, bytes] | None = None, kind: bytes = tarfile.REGTYPE) -> bytes:
    held, names = io.BytesIO(), files if said is None else said
    about = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in names.items()}
    manifest = {MANIFEST: orjson.dumps({"schema": SCHEMA, "files": about})}
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, data in (files | manifest).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            if name != MANIFEST and kind != tarfile.REGTYPE:
                member.type, member.linkname, member.size = kind, "/etc/passwd", 0
            archive.addfile(member, io.BytesIO(data))
    return held.getvalue()


TOML = {"caponier.toml": b""}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no archive", b"\0" * 20_480, _archive({}), _archive(TOML)[:700], _archive(TOML | {"../out": b"x"}),
        _archive(TOML | {"/tmp/out": b"x"}), _archive(TOML | {"more": b"x"}, TOML),
        _archive(TOML, TOML | {"more": b""}),
        _archive(TOML | {"a": b"x"}, TOML | {"a": b"y"}), _archive({"caponier.toml": b""}, kind=tarfile.SYMTYPE),
        _archive({"caponier.toml": b""}, kind=tarfile.LNKTYPE), _archive({"a": b"1"}),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_leaves_nothing(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    archive = tmp_path / "x" / "backup.tar"
    archive.write_bytes(data)
    with pytest.raises(InputError, match="complete backup"):
        restore(archive, tmp_path / "x" / "ws")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["backup.tar", "x"]


def test_each_byte_counts(home: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "backup.tar"
    back_up(home, out)
    data = out.read_bytes()
    at = data.index(b'{"a": 1}')
    out.write_bytes(data[:at] + b'{"a": 2}' + data[at + 8 :])
    with pytest.raises(InputError, match="is not what was backed up"):
        restore(out, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_nothing_is_written_over(home: Workspace, tmp_path: Path) -> None:
    back_up(home, tmp_path / "backup.tar")
    with pytest.raises(InputError, match="is not an empty folder"):
        restore(tmp_path / "backup.tar", home.root)
    (tmp_path / "empty").mkdir()
    assert restore(tmp_path / "backup.tar", tmp_path / "empty").is_file()


def test_the_commands(home: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "backup.tar"
    ran = run(capsys, "backup", "--out", out, "--workspace", home.root)
    assert (ran.code, "caponier restore" in ran.err) == (0, True)
    ran = run(capsys, "restore", out, tmp_path / "again")
    assert (ran.code, "audit log is whole" in ran.err) == (0, True)
    assert run(capsys, "restore", out, tmp_path / "again").code == 2
