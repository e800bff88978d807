"""Changes archives, arrays, pickles of joblib, tensors and YAML where their readers may differ, by seed.

A file begins whole: with something harmful in it, or with something harmless. It is changed in the fields that lead a
reader through it, or anywhere, and is then loaded by its own loader before it is scanned.
"""

import gzip
import io
import json
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from bench.machinery.hostile.archives import ARCHIVES, HARMLESS, objects, zipped
from bench.machinery.hostile.assembly import harm
from bench.machinery.hostile.grammar import Program
from bench.machinery.hostile.pickles import PICKLES
from bench.machinery.hostile.texts import TEXTS

_RECORDS: Final = (b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07")
_NUMBERS: Final = (0, 1, 2, 4, 8, 20, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_TAR_FIELDS: Final = ((0, 100), (100, 8), (124, 12), (148, 8), (156, 1), (157, 100), (257, 8), (345, 155))
_BLOCK: Final = 512
_WORDS: Final = (
    b"!!python/object/apply:", b"!!", b"!<", b">", b"%TAG ! tag:yaml.org,2002:python/\n---\n", b"&a ", b"*a", b"? ",
    b": ", b"- ", b"\t", b"\n", b"\r", b"\xe2\x80\xa8", b'"', b"'", b"\\x5f", b"\\\n", b"#", b"{", b"}", b"[", b"]",
    b"%6f", b"<<: ", b"|\n ", b">\n ", b"...\n", b"---\n",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One format: what its files begin as, for the path of a canary, and how they are changed."""

    seeds: "tuple[_Seed, ...]"
    """Pairs of the loader and what makes the file."""
    change: Callable[[random.Random, bytearray], None]


def mutated(kind: str, chance: random.Random, canary: str) -> Program:
    """Return a file of a kind with one to three changes."""
    made = KINDS[kind]
    loader, build = chance.choice(made.seeds)
    content = bytearray(build(canary))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        (made.change if chance.random() < 0.8 else _anywhere)(chance, content)
        if not content:
            content = bytearray(build(canary))
    return Program(bytes(content), [kind], loader)


def _anywhere(chance: random.Random, content: bytearray) -> None:
    """Change, drop, repeat or move a stretch."""
    at, length = chance.randrange(len(content)), chance.choice((1, 1, 2, 4, 16, 64, 512))
    way = chance.randrange(4)
    if way == 0:
        content[at] = chance.randrange(256)
    elif way == 1:
        del content[at : at + length]
    elif way == 2:
        content[at:at] = content[at : at + length]
    else:
        piece = content[at : at + length]
        del content[at : at + length]
        to = chance.randrange(len(content) + 1)
        content[to:to] = piece


def _in_zip(chance: random.Random, content: bytearray) -> None:
    """Write another number into a field of one of the records that lead through the archive."""
    record = chance.choice(_RECORDS)
    places = _all(content, record)
    if not places:
        _anywhere(chance, content)
        return
    width = chance.choice((2, 4))
    at = chance.choice(places) + 4 + chance.randrange(0, 42, 2)
    number = chance.choice((*_NUMBERS, len(content), chance.randrange(len(content)), *places)) & (256**width - 1)
    if at + width <= len(content):
        content[at : at + width] = number.to_bytes(width, "little")


def _in_tar(chance: random.Random, content: bytearray) -> None:
    """Write something else into a field of a header, and mostly set its checksum right."""
    headers = [at for at in range(0, len(content) - _BLOCK + 1, _BLOCK) if content[at + 257 : at + 262] == b"ustar"]
    if not headers:
        _anywhere(chance, content)
        return
    at = chance.choice(headers)
    start, width = chance.choice(_TAR_FIELDS)
    values = (
        b"../canary",
        b"../canary",
        b"..",
        b"",
        b"0" * width,
        b"7" * width,
        b"\x80",
        b"\xff",
        b"K",
        b"L",
        b"x",
        b"g",
        b"S",
        b"1",
        b"2",
        b"5",
    )
    content[at + start : at + start + width] = chance.choice(values)[:width].ljust(width, b"\0")
    if chance.random() < 0.9:
        content[at + 148 : at + 156] = b" " * 8
        content[at + 148 : at + 156] = b"%06o\0 " % sum(content[at : at + _BLOCK])


def _in_numbers(chance: random.Random, content: bytearray) -> None:
    """Write another number, or another letter of a type, into the first part of a file."""
    at = chance.randrange(min(len(content), 400))
    if chance.random() < 0.5:
        content[at : at + 1] = bytes([chance.choice(b"fcbiuOSUVMm<>|=0123456789.(tRq\x94")])
    else:
        width = chance.choice((1, 2, 4, 8))
        content[at : at + width] = (chance.choice((*_NUMBERS, len(content))) & (256**width - 1)).to_bytes(
            width, "little"
        )


def _in_text(chance: random.Random, content: bytearray) -> None:
    """Put a word of YAML somewhere, in the place of as many letters or between them."""
    at, word = chance.randrange(len(content)), chance.choice(_WORDS)
    content[at : at + chance.choice((0, 0, 1, len(word)))] = word


def _all(content: bytearray, what: bytes) -> list[int]:
    places, at = list[int](), -1
    while (at := content.find(what, at + 1)) >= 0:
        places.append(at)
    return places


def _tarred(canary: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, target in (("a/model.pkl", ""), ("a/link", "model.pkl"), ("b.pkl", "")):
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = (tarfile.SYMTYPE, target) if target else (tarfile.REGTYPE, "")
            entry.size = 0 if target else len(HARMLESS)
            archive.addfile(entry, io.BytesIO(HARMLESS))
    return stream.getvalue()


def _packed(canary: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.pkl", harm(canary))
        archive.writestr("other.pkl", HARMLESS)
    return stream.getvalue()


def _tensors(canary: str) -> bytes:
    """Tensors, with a pickle among the numbers: nothing runs it but who takes the file for one."""
    hidden = harm(canary)
    header = json.dumps({"x": {"dtype": "U8", "shape": [len(hidden)], "data_offsets": [0, len(hidden)]}}).encode()
    return struct.pack("<Q", len(header)) + header + hidden


_Seed = tuple[str, Callable[[str], bytes]]


def _seeds(table: dict[str, _Seed], *loaders: str) -> tuple[_Seed, ...]:
    return tuple(pair for pair in table.values() if pair[0] in loaders)


KINDS: Final = {
    "zip": Kind(
        (
            *_seeds(ARCHIVES, "zip", "zipped pickle", "numpy"),
            ("zipped pickle", _packed),
            ("zipped pickle", lambda canary: zipped(("a.pkl", HARMLESS), ("b.pkl", harm(canary)))),
            ("torch", lambda canary: zipped(("a/data.pkl", b"\x80\x02" + harm(canary)), ("a/version", b"3\n"))),
            ("zip", lambda canary: zipped(("a.pkl", HARMLESS), ("b.pkl", HARMLESS))),
        ),
        _in_zip,
    ),
    "tar": Kind((*_seeds(ARCHIVES, "tar"), ("tar", _tarred)), _in_tar),
    "joblib": Kind(
        (
            *_seeds(PICKLES, "joblib"),
            ("joblib", lambda canary: zlib.compress(b"\x80\x03" + harm(canary))),
            ("joblib", lambda canary: gzip.compress(b"\x80\x03" + harm(canary), mtime=0)),
        ),
        _in_numbers,
    ),
    "npy": Kind(
        (("numpy", lambda canary: objects(harm(canary))), ("numpy", lambda canary: objects(HARMLESS))), _in_numbers
    ),
    "safetensors": Kind((("pickle", _tensors), ("joblib", _tensors), ("torch", _tensors)), _in_numbers),
    "yaml": Kind(_seeds(TEXTS, "yaml", "targets", "tags"), _in_text),
}  # fmt: skip
