import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from caponier.errors import InputError
from caponier.records.finding import Finding
from caponier.store import audit, findings, schema
from caponier.store.database import Store, open_store
from caponier.store.findings import FindingFilter
from caponier.store.tables import metadata


def configured() -> Config:
    config = Config()
    config.set_main_option("script_location", "caponier.store:migrations")
    config.attributes["version_table"] = schema.VERSION_TABLE
    return config


def migrated(path: Path, version: str) -> None:
    """Make a store as an older program left it."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = configured()
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def test_the_constant_is_the_newest_migration() -> None:
    scripts = ScriptDirectory.from_config(configured())
    assert scripts.get_heads() == [schema.CURRENT]
    versions = [script.revision for script in scripts.walk_revisions()]
    assert versions == sorted(versions, reverse=True), "versions are compared as text"


def test_the_migrations_make_the_tables_that_the_code_uses(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "version_table": schema.VERSION_TABLE}
        )
        assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_set_up(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    assert query(path, "SELECT version_num FROM caponier_schema") == [(schema.CURRENT,)]
    assert query(path, "SELECT id, length, hash FROM audit_head") == [(1, 0, audit.GENESIS)]


def test_a_current_database_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(f"sqlite:///{path}").close()
    monkeypatch.setattr(schema, "_migrate", lambda connection: pytest.fail("nothing is to be migrated"))
    open_store(f"sqlite:///{path}").close()


def test_an_older_database_is_upgraded_and_keeps_its_findings(path: Path, make: Callable[..., Finding]) -> None:
    migrated(path, "0001")
    with closing(sqlite3.connect(path)) as connection, connection:
        row = ["f-1", "d", "m", None, "high", "principal", "k", "2026-01-01 00:00:00.000000"]
        document = json.dumps(make(1).to_dict())
        connection.execute(f"INSERT INTO findings VALUES ({', '.join('?' * 11)})", [*row, row[-1], document, row[-1]])
    with open_store(f"sqlite:///{path}") as store:
        with store.read() as connection:
            assert findings.search(connection, FindingFilter()) == [make(1)]
        with store.write() as connection:
            assert audit.append(connection, "a", "b", "c", {}) == 1


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrated(path, "0001")
    tables = "SELECT name FROM sqlite_master ORDER BY name"
    before = query(path, tables)

    def fail_at_the_audit_log(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "audit_only_grows" in statement:
            raise RuntimeError("power cut")

    monkeypatch.setattr(
        "caponier.store.database.create_engine",
        lambda *args, **options: _listening(create_engine(*args, **options), fail_at_the_audit_log),
    )
    with pytest.raises(RuntimeError, match="power cut"):
        open_store(f"sqlite:///{path}")
    assert query(path, tables) == before
    monkeypatch.undo()
    open_store(f"sqlite:///{path}").close()
    assert query(path, "SELECT version_num FROM caponier_schema") == [(schema.CURRENT,)]


def _listening(engine: object, listener: Callable[..., None]) -> object:
    event.listen(engine, "before_cursor_execute", listener)
    return engine


def test_a_newer_database_is_refused_and_left_alone(path: Path) -> None:
    open_store(f"sqlite:///{path}").close()
    query(path, "UPDATE caponier_schema SET version_num = '0099'")
    with pytest.raises(InputError, match="written by a newer Caponier") as refused:
        open_store(f"sqlite:///{path}")
    assert refused.value.exit_code == 2
    assert "Upgrade Caponier" in str(refused.value.hint)
    assert query(path, "SELECT version_num FROM caponier_schema") == [("0099",)]


def test_somebody_elses_tables_are_refused(path: Path) -> None:
    query(path, "CREATE TABLE findings (id INTEGER)")
    with pytest.raises(InputError, match="a table 'findings' that Caponier did not make"):
        open_store(f"sqlite:///{path}")
    assert query(path, "SELECT name FROM sqlite_master") == [("findings",)]


def test_other_tables_in_the_database_do_not_matter(path: Path) -> None:
    query(path, "CREATE TABLE recipes (id INTEGER)")
    open_store(f"sqlite:///{path}").close()
    assert ("recipes",) in query(path, "SELECT name FROM sqlite_master")
