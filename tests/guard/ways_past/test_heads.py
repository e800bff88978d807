"""Heads that two programs could take in two ways, or that are costly to look at."""

from typing import Any

import pytest

from caponier.guard.framing import MOST_HEADERS
from guard.loopback import ask
from guard.test_middleware import INFER, standing

BODY = b'{"inputs": []}'


@pytest.fixture(scope="module")
def before() -> Any:
    with standing() as one:
        yield one


@pytest.mark.parametrize("name", ["Content_Length", "transfer_Encoding", "content_length"])
def test_a_second_length_in_another_spelling_goes_to_no_model(before: Any, name: str) -> None:
    asked = len(before.echo.asked)
    assert ask(before.url, INFER, BODY, headers=[(name, "3")]).status == 400
    assert len(before.echo.asked) == asked


def test_other_names_may_be_spelt_as_they_like(before: Any) -> None:
    assert ask(before.url, INFER, BODY, headers=[("X_Request_Id", "3"), ("_", "1")]).status == 200


def test_more_headers_than_anybody_needs_are_not_looked_at(before: Any) -> None:
    # One of the host and one of the length come besides.
    usual = [("x-a", "")] * (MOST_HEADERS - 2)
    assert ask(before.url, INFER, BODY, headers=usual).status == 200
    asked = len(before.echo.asked)
    refused = ask(before.url, INFER, BODY, headers=[*usual, ("x-a", "")])
    assert (refused.status, refused.header("connection")) == (431, "close")
    assert len(before.echo.asked) == asked
