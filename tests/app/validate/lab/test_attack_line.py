from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pytest

from caponier.app.validate.lab.attack_line import Recorded, open_line
from caponier.emulate.event_log import Deployment
from caponier.emulate.images import Images
from caponier.records.event import EVENT_SCHEMA
from caponier.telemetry.principals import principal_of

SALT = b"salt"
ROW = np.zeros((1, 64), np.float32)


def predict(rows: Images) -> Images:
    return np.tile(np.eye(10, dtype=np.float32)[3], (len(rows), 1))


def test_the_server_records_who_asks_under_the_hash_of_the_key() -> None:
    with open_line(predict, Deployment("digits-mlp"), SALT) as line, line.enter("mallory") as remote:
        assert remote.predict_proba(ROW).argmax() == 3
    (event,) = line.events().to_pylist()
    assert event["principal"] == line.principal("mallory") == principal_of("mallory", SALT)
    assert (event["model"], event["label"]) == ("digits-mlp", "3")


def test_a_proxy_records_in_the_server_s_place() -> None:
    asked: list[str] = []

    @contextmanager
    def proxy(url: str) -> Iterator[Recorded]:
        asked.append(url)
        yield Recorded(url, EVENT_SCHEMA.empty_table)

    with open_line(predict, Deployment(), SALT, proxy) as line:
        with line.enter("mallory") as remote:
            remote.predict_proba(ROW)
        assert line.url == asked[0]
    assert line.events() == pa.Table.from_pylist([], EVENT_SCHEMA)


def test_nobody_answers_once_the_line_was_left() -> None:
    with open_line(predict, Deployment(), SALT) as line:
        pass
    with pytest.raises(Exception, match="cannot be reached"), line.enter("mallory") as remote:
        remote.predict_proba(ROW)


def test_a_wire_takes_requests_of_any_kind() -> None:
    with open_line(predict, Deployment("digits-mlp"), SALT) as line, line.wire("mallory") as wire:
        assert wire.send("GET", "/v2/models/digits-mlp").good
        assert wire.send("GET", "/v2/models/digits-mlp/infer").status == 405
    assert [event["operation"] for event in line.events().to_pylist()] == ["metadata", "predict"]
    assert {event["principal"] for event in line.events().to_pylist()} == {line.principal("mallory")}
