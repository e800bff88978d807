"""Texts in which an object or a list stands closed."""

import base64
from typing import Any

import pytest

from caponier.telemetry.framing.closed_text import LONGEST, opened_text, opened_value


@pytest.mark.parametrize("held", [{"age": 41, "city": "Bonn"}, [1.5, 2, "a"]])
def test_json_is_opened_also_in_base64(held: Any) -> None:
    text = str(held).replace("'", '"')
    packed = base64.b64encode(text.encode()).decode()
    assert opened_text(text) == opened_text(packed) == opened_text(packed.rstrip("=")) == held


@pytest.mark.parametrize("text", ["eastbound", "Wednesday", "41", "{broken", "we asked [twice]", ""])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert opened_text(text) == text


def test_a_text_that_is_too_long_is_not_opened() -> None:
    text = "[" + " " * LONGEST + "1]"
    assert opened_text(text) is text


def test_what_is_no_text_stays_as_it_is() -> None:
    assert opened_value(4) == 4
    assert opened_value(None) is None
