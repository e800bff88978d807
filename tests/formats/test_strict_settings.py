"""A table of settings that is refused: which key, where, and what may have been meant."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from caponier.errors import InputError
from caponier.formats.strict_settings import checked


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    mode: str
    limits: list[int] = Field(default_factory=list)

    @field_validator("mode")
    @classmethod
    def check(cls, mode: str) -> str:
        if mode == "awful":
            raise ValueError("no such mode")
        return mode


@pytest.mark.parametrize(
    ("table", "where", "what", "hint"),
    [
        ({"mod": "a"}, "x.toml: part.mod", "unknown key", "Did you mean 'mode'?"),
        ({"mode": "a", "qqqqqq": 1}, "x.toml: part.qqqqqq", "unknown key", "Known here: mode, limits."),
        ({"mode": "awful"}, "x.toml: part.mode", "no such mode", None),
        ({"mode": "a", "limits": [1, "b"]}, "x.toml: part.limits.1", "Input should be a valid integer", None),
    ],
)
def test_the_key_is_named_in_the_words_of_the_file(
    table: dict[str, Any], where: str, what: str, hint: str | None
) -> None:
    with pytest.raises(InputError) as wrong:
        checked(Settings, table, "x.toml: part")
    assert (wrong.value.where, wrong.value.hint) == (where, hint)
    assert wrong.value.what.startswith(what)


def test_a_table_that_can_be_meant_is_read() -> None:
    assert checked(Settings, {"mode": "a", "limits": ["3"]}, "x.toml: part") == Settings(mode="a", limits=[3])
