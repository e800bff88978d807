"""What JSON Lines and CSV have in common: chunks of rows from a file, one line at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

from caponier.formats.walk_files import shown
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.rejections import OTHER, RAW_LIMIT, TOO_LONG, OtherLineError, Rejection
from caponier.telemetry.streams import LINE_LIMIT, BrokenStreamError, Shortened, lines, opened


def chunks(path: Path, parse: Callable[[bytes], list[Row]], line_limit: int = LINE_LIMIT) -> Iterator[Chunk]:
    """Yield chunks of rows; a line that cannot be read becomes a rejection.

    Args:
        path: The file, or `-`.
        parse: Returns the rows of a line, or raises ValueError with the reason why it has none.
        line_limit: Bytes of the longest line that is read.

    Raises:
        InputError: If the file cannot be opened.
    """
    file, chunk = shown(path), Chunk()
    with opened(path) as stream:
        try:
            for number, line in lines(stream, line_limit):
                take(chunk, file, number, line, parse, line_limit)
                if chunk.full:
                    yield chunk
                    chunk = Chunk()
        except BrokenStreamError as broken:
            chunk.rejections.append(Rejection(file, broken.line, f"the file is broken from here on: {broken}"))
    yield chunk


def take(
    chunk: Chunk,
    file: str,
    number: int,
    line: bytes | None,
    parse: Callable[[bytes], list[Row]],
    limit: int,
    odd: set[str] | None = None,
) -> None:
    """Put the rows of a line into a chunk, or the reason why it has none.

    Args:
        chunk: Takes them.
        file: What the log is called.
        number: Of the line.
        line: The line; None if it is too long.
        parse: Returns the rows of a line, or raises ValueError with the reason why it has none.
        limit: Bytes of the longest line.
        odd: What `parse` notes of rows that it had to mend.
    """
    if type(line) is not bytes:
        chunk.rejections.append(Rejection(file, number, f"{TOO_LONG}: more than {limit:,} bytes"))
        if line is None:
            return
    chunk.bytes_read += len(line) + 1
    if not line or line.isspace():
        return
    try:
        rows = parse(line)
    except OtherLineError:
        chunk.rejections.append(Rejection(file, number, OTHER))
        return
    except RecursionError:
        chunk.rejections.append(Rejection(file, number, "bad JSON: objects and lists too deep in each other"))
        return
    except ValueError as bad:
        if isinstance(line, Shortened):
            return
        chunk.rejections.append(Rejection(file, number, str(bad), line[:RAW_LIMIT].decode("utf-8", "replace")))
        return
    if odd:
        chunk.rejections += [Rejection(file, number, what) for what in sorted(odd)]
        odd.clear()
    chunk.rows += rows
    chunk.lines += [number] * len(rows)
