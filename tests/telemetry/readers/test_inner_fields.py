"""Records whose fields stand in an object of theirs."""

import base64

import orjson
import pytest

from caponier.telemetry.chunk import Row
from caponier.telemetry.readers.inner_fields import lifted

TIME = "2026-01-05T12:00:00Z"


def published(data: bytes) -> Row:
    return {"message": {"data": base64.b64encode(data).decode(), "attributes": {"x": "1"}, "publishTime": TIME}}


def test_fields_of_an_object_stand_beside_the_time() -> None:
    assert lifted({"event": "scored", "time": 1, "properties": {"age": 3, "time": 9}}) == {
        "age": 3,
        "event": "scored",
        "time": 1,
    }
    held = lifted({"timestamp": TIME, "level": "INFO", "target": "a::b", "fields": {"age": 3}, "spans": []})
    assert held == {"age": 3, "timestamp": TIME, "level": "INFO", "target": "a::b"}


def test_a_message_of_pub_sub_is_its_record() -> None:
    assert lifted(published(b'{"age": 3}')) == {"publish_time": TIME, "age": 3, "headers": {"x": "1"}}


@pytest.mark.parametrize(
    "row",
    [
        {"event": "scored", "time": 1, "user": "u1", "properties": {"user": "victim"}},
        {"event": "scored", "properties": {"user": "victim"}},
        {"time": 1, "properties": {"user": "victim"}},
        {"time": 1, "fields": {"user": "victim"}},
        published(b"no JSON"),
        published(orjson.dumps([1])),
        {"message": {"data": "!", "publishTime": TIME}},
        {"message": {"data": "e30="}},
    ],
)
def test_other_objects_stay_as_they_are(row: Row) -> None:
    assert lifted(row) is None
