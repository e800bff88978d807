"""Text logs of a line an event, such as access logs: a pattern with named groups makes fields of each line."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import orjson

from caponier.errors import InputError
from caponier.records.field_map import FieldMap
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.readers import text
from caponier.telemetry.rejections import OtherLineError
from caponier.telemetry.streams import LINE_LIMIT, STDIN, BrokenStreamError, lines, opened

LONGEST: Final = 16_384
"""Characters of a line; a pattern may take time that grows with them."""
_BYTES: Final = re.compile(r"(?:\\x[0-9A-Fa-f]{2})+")
_SAMPLE: Final = 50
_ENOUGH: Final = 0.9
_FEW: Final = 3
_SHARE: Final = 0.1
"""Share of the lines of a server's log that tell of calls, where others are told by it among them."""
_PAIRS: Final = 3
_WHO: Final = frozenset(("principal", "session", "source_ip"))
_CALL: Final = re.compile(rb"\bHTTP/\d|\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /")
"""A line with one tells of a call, whether or not it can be read."""
_CONTAINER: Final = re.compile(rb"\d{4}-\d\d-\d\dT\S{1,40} (?:stdout|stderr) F(?::\S*)? (.*)", re.DOTALL)
_SYSLOG: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S{1,40}) \S{1,255} "
    rb"[\w./-]{1,64}(?:\[\d{1,10}\])?: (.*)",
    re.DOTALL,
)


def read(path: Path, pattern: str, *, is_named: bool = True) -> Iterator[Chunk]:
    """Yield chunks of rows by the names of groups.

    Args:
        path: The log.
        pattern: Of a line.
        is_named: Whether somebody said that it is the lines' pattern; else a server may write lines of other kinds.

    Raises:
        InputError: If the file cannot be opened, or the pattern is none.
    """
    compiled = compiled_line(pattern)

    def parsed(line: bytes) -> list[Row]:
        if len(line) > LONGEST:
            raise ValueError(f"line too long: more than {LONGEST:,} bytes")
        found = _matched(compiled, line)
        if found is None and not is_named and _CALL.search(line) is None:
            raise OtherLineError
        if found is None:
            raise ValueError("the line does not fit the map's pattern")
        return [{name: _plain(value) for name, value in found.groupdict().items()}]

    return text.chunks(path, parsed, LINE_LIMIT)


def _plain(value: str | None) -> str | None:
    r"""Return a value as it was sent: nginx writes quotes, and what is no letter of ASCII, as `\x22`."""
    if value is None or "\\x" not in value:
        return value
    return _BYTES.sub(lambda found: bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace"), value)


def _matched(pattern: re.Pattern[str], line: bytes) -> re.Match[str] | None:
    """Match a line as it stands, which a map may well be meant for, or else what was put around."""
    found = pattern.fullmatch(line.decode("utf-8", "replace"))
    inner = line if found else bare(line)
    return found if inner is line else pattern.fullmatch(inner.decode("utf-8", "replace"))


def bare(line: bytes) -> bytes:
    """Return the line that a server wrote, without what a container run-time or syslog put around it."""
    if line[:7] == b'{"log":':
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError:
            return line
        text = row.get("log") if row.keys() >= {"stream", "time"} else None
        return text.rstrip("\n").encode("utf-8", "surrogatepass") if isinstance(text, str) else line
    found = _CONTAINER.fullmatch(line) or _SYSLOG.fullmatch(line)
    return found[1] if found else line


def compiled_line(pattern: str) -> re.Pattern[str]:
    """Read the pattern of a line.

    Raises:
        InputError: If it is none, or names no group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as wrong:
        raise InputError(f"the pattern of a line cannot be read: {wrong}") from wrong
    if not compiled.groupindex:
        raise InputError("the pattern of a line names no group", hint="Such as: (?P<time>[^ ]+) (?P<status>[0-9]+)")
    return compiled


def known_line_map(path: Path, maps: Sequence[FieldMap]) -> FieldMap | None:
    """Return the first map whose pattern nearly all of the first lines fit; None for JSON, and for a pipe."""
    patterns = [(one, compiled_line(one.line)) for one in maps if one.line]
    # A pipe can be read only once.
    if path == STDIN or not patterns or not path.is_file():
        return None
    sample = [bare(line[:LONGEST]).decode("utf-8", "replace") for line in _first_lines(path)]
    if not sample or sample[0].lstrip()[:1] == "{":
        return None
    fits = [sum(pattern.fullmatch(line) is not None for line in sample) for _, pattern in patterns]
    for (one, _), fit in zip(patterns, fits, strict=True):
        if fit >= _ENOUGH * len(sample):
            return one
    if any(map(_may_hold_record, sample)):
        return None
    # A server's whole log has lines of calls among others; those that say who asked come first.
    least = max(_FEW, _SHARE * len(sample))
    mixed = [
        (not _WHO & set(one.columns), -fit, at)
        for at, ((one, _), fit) in enumerate(zip(patterns, fits, strict=True))
        if fit >= least
    ]
    return patterns[min(mixed)[-1]][0] if mixed else None


def _may_hold_record(line: str) -> bool:
    return "{" in line or line.count("=") >= _PAIRS


def _first_lines(path: Path) -> list[bytes]:
    found: list[bytes] = []
    with opened(path) as stream:
        try:
            for _, line in lines(stream, LINE_LIMIT):
                if line and not line.isspace():
                    found.append(line)
                if len(found) >= _SAMPLE:
                    break
        except BrokenStreamError:
            # Reading the rows comes to the same place, and says so.
            pass
    return found
