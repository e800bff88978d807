"""Messages as Kafka's console consumer prints them."""

import pytest

from caponier.telemetry.framing.kafka_console import console_message


def test_time_headers_key_and_value_are_told_apart() -> None:
    line = b'CreateTime:1772525711007\tx-tenant:alice,trace:00-ab\tcust-1\t{"a": "x\\ty"}'
    assert console_message(line) == {
        "topic": "",
        "partition": 0,
        "offset": 0,
        "ts": 1772525711007,
        "headers": {"x-tenant": "alice", "trace": "00-ab"},
        "key": "cust-1",
        "value": '{"a": "x\\ty"}',
    }


def test_the_place_in_a_topic_is_read_where_it_is_printed() -> None:
    told = console_message(b'LogAppendTime:1772525711007\tPartition:3\tOffset:99\tNO_HEADERS\tnull\t{"a": 1}')
    assert told is not None
    assert (told["partition"], told["offset"], told["headers"], "key" in told) == (3, 99, {}, False)


def test_a_tab_in_the_value_is_its_own() -> None:
    told = console_message(b'CreateTime:1772525711007\t{"a":\t1}')
    assert told is not None
    assert told["value"] == '{"a":\t1}'


@pytest.mark.parametrize(
    "line",
    [
        b'{"a": 1}',
        b"CreateTime:1772525711007\tkey\ta text",
        b'CreateTime:soon\t{"a": 1}',
        b'CreateTime:1772525711007 {"a": 1}',
        b"CreateTime:1772525711007" + b"\tpart" * 20 + b'\t{"a": 1}',
    ],
)
def test_what_is_no_such_message_is_left_to_others(line: bytes) -> None:
    assert console_message(line) is None
