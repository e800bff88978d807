import pytest

from caponier.detect.model_files.pickles.stream import BrokenError, LimitError, Stream


def stream(content: bytes, longest: int = 1 << 20) -> Stream:
    return Stream(memoryview(content), 0, longest)


def test_it_reads_bytes_numbers_and_lines_in_turn() -> None:
    content = stream(b"\x01\x02\x00\x00\x00first\n\nlast\n")
    assert content.byte() == 1
    assert content.number("<I", 4) == 2
    assert [content.line(), content.line(), content.line()] == [b"first", b"", b"last"]
    assert content.pos == content.size


def test_bytes_that_are_not_there_are_an_error_and_read_nothing() -> None:
    content = stream(b"abc")
    for count in (4, -1, 1 << 62):
        with pytest.raises(BrokenError):
            content.take(count)
    assert bytes(content.take(3)) == b"abc"


@pytest.mark.parametrize("length", [0, 1, 4095, 4096, 4097, 100_000])
def test_lines_of_every_length(length: int) -> None:
    assert stream(b"a" * length + b"\nrest").line() == b"a" * length


def test_a_line_without_end_ends_before_its_last_byte() -> None:
    """As Python's own unpickler has it; an attack could begin there."""
    content = stream(b"systemX")
    assert content.line() == b"system"
    assert content.line() == b""
    assert content.pos == content.size


def test_a_long_line_is_too_much() -> None:
    with pytest.raises(LimitError):
        stream(b"a" * 50_000 + b"\n", longest=1000).line()
