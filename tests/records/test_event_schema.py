"""The schema of inference events is a promise to every file that was ever written in it."""

import pyarrow as pa
import pytest

from caponier.records.event import EVENT_SCHEMA, OPERATIONS, REQUIRED, SCHEMA_NAME

CONTRACT = {
    "time": "timestamp[us, tz=UTC]",
    "event_id": "string",
    "seq": "int64",
    "request_id": "string",
    "system": "string",
    "model": "string",
    "model_version": "string",
    "principal": "string",
    "session": "string",
    "source_ip": "string",
    "operation": "string",
    "input": "list<item: float>",
    "input_shape": "list<item: int32>",
    "input_raw": "string",
    "input_digest": "string",
    "signals": "map<string, float>",
    "label": "string",
    "scores": "list<item: float>",
    "feedback": "string",
    "latency_ms": "double",
    "cost": "double",
    "status": "int32",
    "user_agent": "string",
}


@pytest.mark.parametrize(("name", "kind"), CONTRACT.items())
def test_columns_are_those_of_the_contract(name: str, kind: str) -> None:
    assert str(EVENT_SCHEMA.field(name).type) == kind


def test_there_are_no_others_but_extra() -> None:
    assert EVENT_SCHEMA.names == [*CONTRACT, "extra"]


def test_only_what_is_required_may_not_be_null() -> None:
    assert {field.name for field in EVENT_SCHEMA if not field.nullable} == set(REQUIRED)


def test_the_schema_says_its_name_in_every_file_that_is_written() -> None:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, EVENT_SCHEMA) as file:
        file.write_table(EVENT_SCHEMA.empty_table())
    read = pa.ipc.open_file(sink.getvalue()).schema
    assert read.metadata[b"caponier.schema"].decode() == SCHEMA_NAME == "caponier.event/1"


def test_operations_are_those_of_the_contract() -> None:
    assert OPERATIONS == ("predict", "explain", "metadata", "feedback", "load", "unload", "health", "other")
