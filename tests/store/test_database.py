import multiprocessing
import os
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from caponier.errors import CaponierError, InputError, MissingExtraError
from caponier.store import database
from caponier.store.database import Store, open_store
from pace import HANG


def test_the_database_is_set_up_for_many_processes(store: Store) -> None:
    with store.read() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "busy_timeout": 30_000}


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_readable_for_its_owner_only(store: Store, path: Path) -> None:
    for file in path.parent.glob("store.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_relative_url_is_relative_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///here.db").close()
    assert (tmp_path / "here.db").exists()


def test_a_read_does_not_wait_for_a_writer(store: Store) -> None:
    with store.write() as writer:
        writer.exec_driver_sql("INSERT INTO audit VALUES (1, 'at', 'a', 'b', 'c', '{}', 'p', 'h')")
        with store.read() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM audit").scalar() == 0


def test_a_writer_waits_for_a_writer(store: Store) -> None:
    second_done = threading.Event()

    def write() -> None:
        with store.write():
            second_done.set()

    waiting = threading.Thread(target=write)
    with store.write():
        waiting.start()
        assert not second_done.wait(0.1)
    waiting.join(timeout=HANG)
    assert second_done.is_set()


def test_a_store_that_stays_locked_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    with open_store(f"sqlite:///{path}") as store, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CaponierError, match="does not answer: database is locked") as refused, store.write():
            pass
    assert refused.value.where == f"sqlite:///{path}"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="in memory"):
        open_store(url)


def test_other_databases_are_refused() -> None:
    with pytest.raises(InputError, match="mysql is not supported"):
        open_store("mysql://user:hidden@host/name")


@pytest.mark.parametrize("url", ["", "store.db", "://user:hidden@host"])
def test_what_is_no_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InputError, match="not a database URL") as refused:
        open_store(url)
    assert "hidden" not in str(refused.value)


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be created: No such file"):
        open_store(f"sqlite:///{tmp_path / 'missing' / 'store.db'}")
    assert not (tmp_path / "missing").exists()


def test_a_file_that_is_no_database_is_refused_and_kept(path: Path) -> None:
    path.write_text("my notes, which are long enough not to look like an empty file" * 10)
    before = path.read_bytes()
    with pytest.raises(InputError, match="not a database"):
        open_store(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_postgresql_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"psycopg") as missing:
        open_store("postgres://user:hidden@host/name")
    assert "caponier[postgres]" in str(missing.value)
    assert "hidden" not in str(missing.value)


def open_and_close(url: str, times: int) -> None:
    for _ in range(times):
        open_store(url).close()


def test_processes_may_open_a_new_store_at_once(path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    url = f"sqlite:///{path}"
    openers = [spawn.Process(target=open_and_close, args=(url, 5)) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join(timeout=HANG)
    assert [opener.exitcode for opener in openers] == [0] * 4


def test_threads_may_open_a_new_store_at_once(path: Path) -> None:
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            open_store(f"sqlite:///{path}").close()
        except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
            failed.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=HANG)
    assert failed == []
