"""Logs of database servers, with the prefixes that packages and clouds set, and what their statements are about."""

import json
from pathlib import Path

import pytest

from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import LogEvent, moment, read_logs
from caponier.telemetry.security_logs.native import databases

AT = "2026-03-02T09:00:00"
EDIT = "UPDATE labels SET y = 0"
POSTGRES = {
    "the default": f"2026-03-02 09:00:00.526 UTC [7755] LOG:  statement: {EDIT}",
    "Debian": f"2026-03-02 09:00:00.526 UTC [7755] eve@features LOG:  statement: {EDIT}",
    "Amazon RDS": f"2026-03-02 09:00:00 UTC:203.0.113.66(52344):eve@features:[7755]:LOG:  statement: {EDIT}",
    "named parts": f"2026-03-02 09:00:00 UTC [7]: user=eve,db=features,client=203.0.113.66 LOG:  statement: {EDIT}",
    "a prepared one": f"2026-03-02 09:00:00 UTC [7] LOG:  duration: 0.2 ms  execute <unnamed>: {EDIT}",
    "an offset": f"2026-03-02 11:00:00.526 +02 [7755] LOG:  statement: {EDIT}",
}
MARIA = f"20260302 09:00:00,db-1,eve,203.0.113.66,12,991,QUERY,features,'{EDIT}',0"


def read(text: str, path: Path) -> list[LogEvent]:
    path.write_text(text)
    with RejectedRows() as rejected:
        events = [event for part in read_logs([path], rejected) for event in part.events]
        assert rejected.count == 0, rejected.first
    return events


@pytest.mark.parametrize("line", POSTGRES.values(), ids=POSTGRES)
def test_a_statement_is_read_whatever_stands_before_it(line: str, tmp_path: Path) -> None:
    (event,) = read(f"{line}\n", tmp_path / "x.log")
    assert event.origin == ("postgresql", "database", "server")
    assert event.fields["statement"] == EDIT
    assert event.fields["object"] == "labels"
    assert moment(event.time).isoformat()[:19] == AT


@pytest.mark.parametrize("name", ["Debian", "Amazon RDS", "named parts"])
def test_who_did_it_is_found_in_the_prefix(name: str, tmp_path: Path) -> None:
    (event,) = read(f"{POSTGRES[name]}\n", tmp_path / "x.log")
    assert (event.fields["user"], event.fields["database_name"]) == ("eve", "features")
    assert event.fields.get("src_ip") == (None if name == "Debian" else "203.0.113.66")


def test_postgres_in_json(tmp_path: Path) -> None:
    row = {"timestamp": "2026-03-02 09:00:00.526 UTC", "user": "eve", "dbname": "features", "pid": 7}
    row |= {"remote_host": "203.0.113.66", "error_severity": "ERROR", "message": f"statement: {EDIT}"}
    (event,) = read(json.dumps(row), tmp_path / "x.json")
    assert event.fields["statement"] == EDIT
    assert event.fields["outcome"] == "failure"
    assert event.fields["src_ip"] == "203.0.113.66"


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ('FATAL:  password authentication failed for user "eve"', "failure"),
        ("LOG:  connection authorized: user=eve database=features", "success"),
    ],
)
def test_logins_of_postgres(message: str, outcome: str, tmp_path: Path) -> None:
    (event,) = read(f"2026-03-02 09:00:00 UTC [7] {message}\n", tmp_path / "x.log")
    assert event.origin.category == "authentication"
    assert (event.fields["user"], event.fields["outcome"]) == ("eve", outcome)


def test_a_connection_of_mysql_keeps_its_account(tmp_path: Path) -> None:
    lines = [f"{AT}.1Z\t   12 Connect\teve@203.0.113.66 on features using TCP/IP", f"{AT}.2Z\t   12 Query\t{EDIT}"]
    lines.append(f"{AT}.3Z\t   13 Query\tSELECT 1")
    login, edit, other = read("\n".join(lines) + "\n", tmp_path / "x.log")
    assert login.origin.category == "authentication"
    assert (edit.fields["user"], edit.fields["src_ip"], edit.fields["object"]) == ("eve", "203.0.113.66", "labels")
    assert "user" not in other.fields


def test_a_login_that_mysql_refuses_is_no_success(tmp_path: Path) -> None:
    lines = [f"{AT}.1Z\t   12 Connect\teve@203.0.113.66 on features using TCP/IP"]
    lines.append(f"{AT}.1Z\t   12 Connect\tAccess denied for user 'eve'@'203.0.113.66' (using password: YES)")
    begun, refused = read("\n".join(lines) + "\n", tmp_path / "x.log")
    assert "outcome" not in begun.fields
    assert refused.origin.category == "authentication"
    assert [refused.fields[name] for name in ("user", "src_ip", "outcome")] == ["eve", "203.0.113.66", "failure"]


@pytest.mark.parametrize(
    "line",
    [
        "2026-03-02 09:00:00,526 - root - WARNING: copied data",
        "2026-03-02 09:00:00 INFO: server started",
        "2026-03-02 09:00:00 WARNING:  Invalid HTTP request received.",
        "2026-03-02 09:00:00 +0000 app ERROR: no such file",
        "2026-03-02 09:00:00 UTC [7] INFO:     Application startup complete.",
    ],
)
def test_what_any_program_writes_is_not_a_database_s(line: str) -> None:
    assert databases.DatabaseReader().read(line, 1) is None


def test_the_audit_of_mariadb(tmp_path: Path) -> None:
    (event,) = read(f"{MARIA}\n", tmp_path / "x.log")
    assert (event.fields["user"], event.fields["host"], event.fields["outcome"]) == ("eve", "db-1", "success")
    assert (event.fields["statement"], event.fields["message"], event.fields["object"]) == (EDIT, EDIT, "labels")
    (login,) = read("20260302 09:00:00,db-1,eve,203.0.113.66,12,0,FAILED_CONNECT,,,1045\n", tmp_path / "y.log")
    assert (login.origin.category, login.fields["outcome"]) == ("authentication", "failure")


def test_a_database_that_writes_to_syslog_says_the_same(tmp_path: Path) -> None:
    (event,) = read(f"<14>{AT}+00:00 db-1 postgres[7]: LOG:  statement: {EDIT}\n", tmp_path / "x.log")
    assert event.origin == ("linux", "database", "syslog")
    assert event.fields["statement"] == EDIT


@pytest.mark.parametrize(
    "statement",
    ["delete from labels where y", "TRUNCATE TABLE labels", "insert into labels select 1", 'UPDATE "labels" SET y=0'],
)
def test_the_table_of_a_statement(statement: str, tmp_path: Path) -> None:
    (event,) = read(f"2026-03-02 09:00:00 UTC [7] LOG:  statement: {statement}\n", tmp_path / "x.log")
    assert event.fields["object"] == "labels"


def test_a_table_with_a_time_of_any_name_is_read(tmp_path: Path) -> None:
    text = "QUERY_ID,QUERY_TEXT,QUERY_TYPE,USER_NAME,START_TIME,CLIENT_IP\n"
    text += "1,\"COPY INTO 's3://d/' FROM F\",UNLOAD,EVE,2026-03-02 09:00:00.000 +0000,203.0.113.66\n"
    (event,) = read(text, tmp_path / "x.csv")
    assert event.origin == ("snowflake", None, "query_history")
    assert (event.fields["account"], event.fields["src_ip"]) == ("EVE", "203.0.113.66")


def test_gitlab_as_its_api_tells_it(tmp_path: Path) -> None:
    details = {
        "author_name": "eve",
        "ip_address": "203.0.113.66",
        "event_name": "deploy_key_added",
        "entity_path": "ml/t",
    }
    row = {
        "id": 1,
        "author_id": 3,
        "entity_id": 9,
        "entity_type": "Project",
        "details": details,
        "created_at": f"{AT}Z",
    }
    (event,) = read(json.dumps(row), tmp_path / "x.json")
    assert event.origin == ("gitlab", None, "audit")
    assert (event.fields["event_name"], event.fields["repository"]) == ("deploy_key_added", "ml/t")


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("select * from ml.features f join public.labels l on true", "features, labels"),
        ("COPY INTO 's3://elsewhere/x' FROM lake.labels", "labels"),
        ("COPY labels TO stdout", "labels"),
    ],
)
def test_tables_go_by_their_bare_names_too(statement: str, tables: str, tmp_path: Path) -> None:
    (event,) = read(f"2026-03-02 09:00:00 UTC [7] LOG:  statement: {statement}\n", tmp_path / "x.log")
    assert event.fields["table"] == tables


def test_what_pgaudit_writes_is_a_statement(tmp_path: Path) -> None:
    said = 'AUDIT: SESSION,2,1,WRITE,UPDATE,TABLE,public.labels,"UPDATE labels SET why = ""x"", y = 0",<none>'
    (event,) = read(f"2026-03-02 09:00:00 UTC [7] eve@lake LOG:  {said}\n", tmp_path / "x.log")
    assert event.fields["statement"] == 'UPDATE labels SET why = "x", y = 0'
    assert (event.fields["object"], event.fields["table"]) == ("public.labels", "labels")


def test_the_statements_of_a_warehouse_name_its_tables(tmp_path: Path) -> None:
    row = {"query_text": "COPY INTO 's3://x/y' FROM labels", "query_type": "UNLOAD", "user_name": "EVE",
           "start_time": f"{AT}Z"}  # fmt: skip
    (event,) = read(json.dumps(row), tmp_path / "x.log")
    assert (event.origin.service, event.fields["table"]) == ("query_history", "labels")
