"""Files of forms that are not read here: told by how they begin, each with the command that makes a log of it."""

import re
import shlex
from pathlib import Path
from typing import Final, NamedTuple

from caponier.errors import InputError
from caponier.formats.walk_files import shown
from caponier.telemetry.readers.carried import CarriedRecords
from caponier.telemetry.streams import BOM, HEAD, encoding_of

OWN: Final = (b"PAR1", b"ARROW1", b"ORC")
"""How files begin that hold tables and are read, whatever they are called."""
_BEGINNING: Final = 512
_ZEROS: Final = 0.1
_PLAIN: Final = 3
"""Characters of a first line that say something."""
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1f]")


class Foreign(NamedTuple):
    """One form."""

    magic: bytes
    is_a: str
    hint: str
    """What makes a log of it; `{path}` is the file."""


FOREIGN: Final = (
    Foreign(b"Obj\x01", "an Avro file", "pip install fastavro && fastavro {path} > {stem}.jsonl"),
    Foreign(b"\xd0\xcf\x11\xe0", "an old Excel sheet", "Save the sheet as CSV."),
    Foreign(b"\x89HDF", "an HDF5 file", "Write its tables as Parquet or CSV."),
    Foreign(
        b"\x93NUMPY", "a NumPy array", "An array says neither when nor who: write a log with time, caller and input."
    ),
    Foreign(
        b"\x80\x04", "a Python pickle", "Loading one runs its code: have whoever wrote it write Parquet or JSON Lines."
    ),
    Foreign(
        b"\x80\x05", "a Python pickle", "Loading one runs its code: have whoever wrote it write Parquet or JSON Lines."
    ),
    Foreign(b"7z\xbc\xaf", "a 7-Zip archive", "7z x {path}"),
    Foreign(b"\x1f\x8b", "a file that is packed twice", "gzip -dc {path} > {stem}.once.gz"),
    Foreign(b"<!DOCTYPE", "a web page", "It may be the page of a login: download the log again."),
    Foreign(b"<html", "a web page", "It may be the page of a login: download the log again."),
    Foreign(
        b"<?xml", "an XML document", "Export it as JSON or CSV. If a cloud store sent it, it says why there is no log."
    ),
    Foreign(b"version https://git-lfs", "a pointer of Git LFS", "git lfs pull --include {path}"),
)


def refuse_foreign(path: Path, head: bytes) -> None:
    """Refuse a file of a form that is not read.

    Args:
        path: The file.
        head: How it begins.

    Raises:
        InputError: If it is one.
    """
    plain = head.removeprefix(BOM).lstrip()
    if plain.startswith(OWN) or not head:
        return
    for one in FOREIGN:
        if head.startswith(one.magic) or plain.startswith(one.magic):
            raise _refused(path, one.is_a, one.hint)
    if (encoding := encoding_of(head)) is not None:
        unpacked = f"iconv -f {encoding.upper()} -t UTF-8"
        raise _refused(path, f"packed text in {encoding.upper()}", f"Unpack it, and write it in UTF-8: {unpacked}")
    if b"\n" not in head and head.count(b"\r") > 1:
        raise _refused(path, "text whose lines end as on old Macs", "tr '\\r' '\\n' < {path} > {stem}.lines{suffix}")
    # A log that was cut off while its writer went on begins with zeros; a crash leaves some in the middle.
    if _is_binary(head.lstrip(b"\0")[:_BEGINNING]):
        raise _refused(
            path, "no text", "Protocol buffers, TFRecords and other binary logs have to be exported as JSON or Parquet."
        )


def _is_binary(beginning: bytes) -> bool:
    """Tell whether a file holds other things than text.

    What a client sends may hold a zero, and must not keep a whole log from being read: a first line of plain text makes
    a text of what has few of them.
    """
    zeros = beginning.count(0)
    first = beginning.partition(b"\n")[0].removesuffix(b"\r")
    return zeros > 0 and (zeros > _ZEROS * len(beginning) or len(first) < _PLAIN or bool(_CONTROL.search(first)))


def _refused(path: Path, is_a: str, hint: str) -> InputError:
    stem = path.with_name(path.name.split(".")[0] or "log")
    held = {"path": path, "stem": stem, "suffix": Path(path.suffix) if path.suffix else None}
    return InputError(
        f"is {is_a}, which is not read",
        where=shown(path),
        # A name with blanks or worse in it stays one word of the command.
        hint=hint.format(**{name: shlex.quote(shown(one)) if one else "" for name, one in held.items()}),
    )


def table_magic(head: bytes) -> bytes | None:
    """Return with which of `OWN` a file begins: Hive and Spark call theirs `000000_0` and `part-00000`."""
    return next((one for one in OWN if head.startswith(one)), None)


def begins_object(head: bytes) -> bool:
    """Tell whether a file begins with a JSON object."""
    return head.removeprefix(BOM).lstrip()[:1] == b"{"


def looks_like_table(head: bytes) -> bool:
    """Tell whether a file whose name says nothing begins like a table: a header, and rows of as many cells."""
    if head.lstrip()[:2] == b"+-":
        # The box that MySQL draws around a table.
        head = head.partition(b"\n")[2]
    if head.lstrip()[:3] == b"\xe2\x94\x8c":
        # That of DuckDB and ClickHouse.
        head = head.partition(b"\n")[2].replace(b"\xe2\x94\x82", b"|")
    first, _, rest = head.partition(b"\n")
    if first.lstrip()[:1] in (b"{", b"[", b"<") or not rest:
        return False
    second = next((line for line in rest.split(b"\n", 2)[:2] if not is_rule(line)), b"")
    return any(
        _bare(first).count(one)
        and _bare(first).count(one) == _bare(second).count(one)
        and not re.search(rb"[{}=]", first)
        for one in (b",", b";", b"\t", b"|")
    )


def holds_records(head: bytes) -> bool:
    """Tell whether the first line of a file is a record, or carries one."""
    head = head.lstrip()
    first, newline, _ = head.partition(b"\n")
    if not newline and len(head) == HEAD:
        return head[:1] == b"{"
    try:
        return bool(CarriedRecords().rows(first))
    except ValueError:
        return False


def is_rule(line: bytes) -> bool:
    """Tell whether a line is what the shell of a database draws between the header of a table and its rows."""
    return (b"--" in line or b"==" in line) and not line.strip(b" \t\r|+:=-")


def _bare(line: bytes) -> bytes:
    return re.sub(rb'"[^"]*"', b"", line)
