"""A store that was poured is the one that the migrations make."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

from caponier.store import schema
from caponier.store.database import open_store
from mould import Mould

MIGRATE = schema._migrate.migrate if isinstance(schema._migrate, Mould) else schema._migrate


def content(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Connection]]:
    """Which connections were really migrated."""
    ran: list[Connection] = []

    def migrate(connection: Connection) -> None:
        ran.append(connection)
        MIGRATE(connection)

    monkeypatch.setattr(schema, "_migrate", Mould(migrate))
    return ran


def test_the_second_store_is_the_first_again_without_a_migration(tmp_path: Path, runs: list[Connection]) -> None:
    for name in ("first", "second"):
        open_store(f"sqlite:///{tmp_path / name}").close()
    assert len(runs) == 1
    assert content(tmp_path / "first") == content(tmp_path / "second")
    assert any("caponier_schema" in line for line in content(tmp_path / "second"))
    assert any("CREATE TRIGGER" in line for line in content(tmp_path / "second"))


def test_a_database_that_holds_something_is_migrated(tmp_path: Path, runs: list[Connection]) -> None:
    open_store(f"sqlite:///{tmp_path / 'first'}").close()
    with closing(sqlite3.connect(tmp_path / "other")) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
    open_store(f"sqlite:///{tmp_path / 'other'}").close()
    assert len(runs) == 2


def test_a_migration_that_broke_leaves_nothing_to_repeat(tmp_path: Path) -> None:
    def broken(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise RuntimeError("power cut")

    mould = Mould(broken)
    for name in ("first", "second"):
        engine = create_engine(f"sqlite:///{tmp_path / name}")
        with pytest.raises(RuntimeError, match="power cut"), engine.begin() as connection:
            mould(connection)
        engine.dispose()
