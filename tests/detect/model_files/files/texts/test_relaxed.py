"""JSON as lenient readers take it, and TOML: what is read of them, and how long the hostile ones take."""

from typing import Any

import pytest

from caponier.detect.model_files.files.texts import relaxed
from detect.model_files.files.building import fresh
from pace import Stopwatch

READ: dict[str, tuple[str, list[Any]]] = {
    "a comment on a line": ('{"a": 1 // b\n}', [{"a": 1}]),
    "a comment within a line": ('{"a": /* "b": 2, */ 1}', [{"a": 1}]),
    "a comma too many": ('{"a": [1, 2, ], }', [{"a": [1, 2]}]),
    "signs of comments in texts": ('{"a": "//", "b": "/*", }', [{"a": "//", "b": "/*"}]),
    "a quote behind a backslash": (r'{"a": "\"//", }', [{"a": '"//'}]),
    "bare keys and other quotes": ("{a: 'b', // c\n}", [{"a": "b"}]),
    "a comment before everything": ("// a\n/* b */\n[1, 2]", [[1, 2]]),
    "TOML": ('[a]\nb = "c"\n[[d]]\ne = [1]\n', [{"a": {"b": "c"}, "d": [{"e": [1]}]}]),
    "TOML of one line": ("a.b = 'c'\n", [{"a": {"b": "c"}}]),
}
LEFT = {
    "JSON itself": '{"a": 1}',
    "words": "a, b // c\n",
    "settings that are no TOML": "[a]\nb = c d\n",
    "broken TOML": '[a]\nb = "\n',
    "a long TOML": "a = 1\n" + "#" * (1 << 18),
}
HOSTILE = {
    "open comments": "{" + "/*" * 200_000,
    "open comments with blanks": "{" + "/* " * 200_000,
    "open texts": '{"a": ' + '"\\' * 200_000,
    "lines of comments": "{//\n" * 100_000,
    "commas": "{" + ", " * 200_000,
    "dotted keys": "a" + ".b" * 100_000 + " = 1\n",
    "tables": "".join(f"[a.b{number}]\n" for number in range(10_000)),
}


@pytest.mark.parametrize("name", READ)
def test_a_document_is_what_its_readers_take_it_for(name: str) -> None:
    text, documents = READ[name]
    assert relaxed.read(text, fresh()) == documents


@pytest.mark.parametrize("name", LEFT)
def test_what_is_no_such_document_is_left_to_other_readers(name: str) -> None:
    assert relaxed.read(LEFT[name], fresh()) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_no_letter_is_looked_at_again_and_again(name: str) -> None:
    with Stopwatch() as watch:
        relaxed.read(HOSTILE[name], fresh())
    assert watch.seconds < 1
