"""Whose a token is, nobody who only reads a log can tell: what was not answered is no evidence against its owner."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier.telemetry.principals import principal_of
from telemetry.conftest import Reading
from telemetry.readers.test_kserve import request, response

Log = Callable[..., Path]
Read = Callable[..., Reading]


def part(plain: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(plain)).decode().rstrip("=")


HEAD = f"{part({'alg': 'RS256'})}.{part({'sub': 'ada'})}"


def logged(key: str, second: int, shown: str, **about: Any) -> dict[str, Any]:
    headers = {"Authorization": [shown], "User-Agent": ["tool"], "X-Forwarded-For": ["203.0.113.7"]}
    return request(key, second, metadata=orjson.dumps(headers).decode(), **about)


@pytest.mark.parametrize("first", [True, False])
def test_a_forged_token_gives_its_owner_nothing(log: Log, read: Read, first: bool) -> None:
    asked = [logged("a", 0, f"Bearer {HEAD}.{part('real')}"), logged("b", 1, f"Bearer {HEAD}.{part('forged')}")]
    found = read(log([response("a"), *asked] if first else [*asked, response("a")]))
    owner = principal_of(f"Bearer {HEAD}.x", b"")
    assert [row["principal"] for row in found.rows] == [owner, None]
    assert [row["source_ip"] for row in found.rows] == ["203.0.113.7"] * 2
    assert found.rows[1]["user_agent"] is None, "it could be another with every query"


def test_a_key_that_only_its_owner_knows_is_his_without_an_answer(log: Log, read: Read) -> None:
    found = read(log([logged("a", 0, "Bearer a-secret-key")]))
    assert found.rows[0]["principal"] == principal_of("a-secret-key", b"")


def test_a_request_that_cannot_be_read_is_no_evidence_either(log: Log, read: Read) -> None:
    found = read(log([logged("a", 0, f"Bearer {HEAD}.x", data={"inputs": 7})]))
    assert found.rows[0]["principal"] is None
