"""Inputs that are no inference log, or a broken one: what each holds, and what has to be said of it."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from dataclasses import dataclass
from typing import Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import zstandard

WRONG, PARTLY = 2, 3


@dataclass(frozen=True)
class Broken:
    """One input."""

    file: str
    data: bytes
    code: int
    says: str
    """What stands in the message besides the file's name."""
    good: int = 0
    """Events that are read all the same."""


def row(at: int = 0, **changes: object) -> bytes:
    held = {"ts": 1_767_605_400 + at, "user": f"u{at % 3}", "features": [0.5 + at, 2.25], "prediction": "ab"[at % 2]}
    return orjson.dumps({**held, **changes}) + b"\n"


GOOD: Final = b"".join(row(at) for at in range(20))
CSV: Final = b"ts,user,age,amount,prediction\n" + b"".join(
    f"{1_767_605_400 + at},u{at % 3},{at},2.5,a\n".encode() for at in range(20)
)


def parquet(rows: int = 20, **columns: list[object]) -> bytes:
    sink = io.BytesIO()
    held = {"ts": [1_767_605_400 + at for at in range(rows)], "user": ["u"] * rows, "age": [1.5] * rows}
    pq.write_table(pa.table({**held, "prediction": ["a"] * rows, **columns}), sink)
    return sink.getvalue()


def orc_file() -> bytes:
    sink = io.BytesIO()
    orc.write_table(pa.table({"a": [1]}), sink)
    return sink.getvalue()


def zipped(name: str = "log.jsonl") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as out:
        out.writestr(name, GOOD)
    return sink.getvalue()


def tarred() -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as out:
        about = tarfile.TarInfo("log.jsonl")
        about.size = len(GOOD)
        out.addfile(about, io.BytesIO(GOOD))
    return sink.getvalue()


def array() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.zeros(3))
    return sink.getvalue()


ROWS: Final = [orjson.loads(line) for line in GOOD.splitlines()]


def kafka(bad: int) -> bytes:
    """Return messages of Kafka, of which one is cut off."""
    texts = [orjson.dumps(one).decode()[: 9 if at == bad else None] for at, one in enumerate(ROWS)]
    about = {"topic": "t", "partition": 0}
    return b"".join(orjson.dumps({**about, "offset": at, "value": text}) + b"\n" for at, text in enumerate(texts))


def answer(short: int) -> bytes:
    """Return the answer of a store, of which one row lacks a cell."""
    cells = [list(one.values())[: 3 if at == short else None] for at, one in enumerate(ROWS)]
    return orjson.dumps({"meta": [{"name": name} for name in ROWS[0]], "data": cells})


def drawn() -> bytes:
    """Return a table as psql draws it, of which one cell holds a bar."""
    head, *rows = CSV.decode().splitlines()
    lines = [head, "-+-".join(["---"] * 5), *rows, "1767605500,a|b,1,2.5,a"]
    return "".join(f" {line.replace(',', ' | ')}\n" for line in lines).encode()


def typed(bad: int) -> bytes:
    """Return documents of MongoDB, of which one has no number for its time."""
    times = [{"$date": {"$numberLong": "x" if at == bad else str(one["ts"] * 1_000)}} for at, one in enumerate(ROWS)]
    return b"".join(orjson.dumps({**one, "ts": time}) + b"\n" for one, time in zip(ROWS, times, strict=True))


GIT: Final = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
CUT: Final = len(GOOD) - 15
BROKEN: Final = {
    # Other forms.
    "avro": Broken("log.avro", b"Obj\x01\x04\x16avro.schema", WRONG, "fastavro"),
    "avro-called-json": Broken("log.json", b"Obj\x01\x04\x16avro.schema", WRONG, "is an Avro file"),
    "orc-cut": Broken("log.orc", orc_file()[:-20], WRONG, "the file is broken"),
    "orc-in-name-only": Broken("log.orc", GOOD, WRONG, "the file is broken"),
    "orc-without-time": Broken("log.orc", orc_file(), WRONG, "docs/how-to/field-maps.md"),
    "packed-twice": Broken("log.jsonl.gz", gzip.compress(gzip.compress(GOOD)), WRONG, "gzip -dc"),
    "old-mac": Broken("log.csv", CSV.replace(b"\n", b"\r"), WRONG, "tr '\\r'"),
    "sqlite": Broken("log.db", b"SQLite format 3\0" + b"\0" * 80, WRONG, "sqlite3 -json"),
    "zip": Broken("log.zip", zipped()[:-30], WRONG, "unzip"),
    "excel": Broken("log.xlsx", zipped("xl/workbook.xml"), WRONG, "save the sheet as CSV"),
    "old-excel": Broken("log.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 90, WRONG, "as CSV"),
    "tar": Broken("log.tar.gz", tarred()[:-30], WRONG, "tar -xf"),
    "hdf5": Broken("log.h5", b"\x89HDF\r\n\x1a\n", WRONG, "HDF5"),
    "numpy": Broken("x.npy", array(), WRONG, "neither when nor who"),
    "pickle": Broken("log.pkl", b"\x80\x04\x95\x10\0\0\0\0\0\0\0", WRONG, "runs its code"),
    "pickle-called-jsonl": Broken("log.jsonl", b"\x80\x05\x95\x10\0\0\0\0\0\0\0", WRONG, "runs its code"),
    "tfrecord": Broken("log.tfrecord", b'\x18\0\0\0\0\0\0\0\xa3\x7fK"\n\x16', WRONG, "TFRecords"),
    "web-page": Broken("log.json", b"<!DOCTYPE html><html><body>Log in</body></html>", WRONG, "a web page"),
    "store-error": Broken("log.json", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', WRONG, "XML"),
    "lfs-pointer": Broken("log.csv", GIT, WRONG, "git lfs pull"),
    "packed-utf-16": Broken("log.csv.gz", gzip.compress(CSV.decode().encode("utf-16")), WRONG, "iconv -f UTF-16"),
    "packed-parquet": Broken("log.parquet.gz", gzip.compress(parquet()), WRONG, "unpack it"),
    "seven-zip": Broken("log.7z", b"7z\xbc\xaf\x27\x1c\0\4", WRONG, "7z x"),
    "image": Broken("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", WRONG, "no text"),
    # Nothing in it.
    "empty": Broken("log.jsonl", b"", WRONG, "contains no events"),
    "empty-csv": Broken("log.csv", b"", WRONG, "contains no events"),
    "blank-lines": Broken("log.jsonl", b"\n\n \n", WRONG, "contains no events"),
    "header-alone": Broken("log.csv", CSV.split(b"\n")[0] + b"\n", WRONG, "contains no events"),
    "empty-gzip": Broken("log.jsonl.gz", gzip.compress(b""), WRONG, "contains no events"),
    "parquet-without-rows": Broken("log.parquet", parquet(0), WRONG, "contains no events"),
    "empty-list": Broken("log.json", b"[]", WRONG, "contains no events"),
    "zeros": Broken("log.log", b"\0" * 5_000, WRONG, "contains no events"),
    # Packed, and broken.
    "gzip-in-name-only": Broken("log.jsonl.gz", GOOD, WRONG, "broken from here on"),
    "gzip-cut": Broken("log.jsonl.gz", gzip.compress(GOOD * 50)[:-20], PARTLY, "broken from here on", 1),
    "zstd-cut": Broken("log.jsonl.zst", zstandard.compress(GOOD * 50)[:-3], WRONG, "broken from here on"),
    "xz-cut": Broken("log.jsonl.xz", lzma.compress(GOOD)[:-20], PARTLY, "broken from here on", 1),
    "bzip2-cut": Broken("log.jsonl.bz2", bz2.compress(GOOD)[:-9], PARTLY, "broken from here on", 1),
    "gzip-then-garbage": Broken("log.jsonl.gz", gzip.compress(GOOD) + b"garbage!!", PARTLY, "broken from here on", 1),
    # Parquet and Arrow.
    "parquet-cut": Broken("log.parquet", parquet()[:-50], WRONG, "the file is broken"),
    "parquet-in-name-only": Broken("log.parquet", GOOD, WRONG, "the file is broken"),
    "arrow-cut": Broken("log.arrow", b"ARROW1\0\0" + b"\xff\xff\xff\xff\x10\0\0\0", WRONG, "the file is broken"),
    "parquet-of-texts": Broken("log.parquet", parquet(ts=["yesterday"] * 20), WRONG, "docs/how-to/field-maps.md"),
    # JSON.
    "cut-line": Broken("log.jsonl", GOOD[:CUT], PARTLY, "bad JSON", 19),
    "cut-document": Broken("log.json", b"[\n" + GOOD.replace(b"\n", b",\n")[:-40], PARTLY, "bad JSON", 19),
    "garbage-between": Broken("log.jsonl", GOOD + b"Traceback (most recent call last):\n" + GOOD, PARTLY, ":21:", 40),
    "single-quotes": Broken("log.jsonl", b"{ts: 1, features: [1]}\n" * 3, WRONG, "bad JSON"),
    "numbers": Broken("log.jsonl", b"1\n2\n3\n", WRONG, "plain text"),
    "prose": Broken("notes.txt", b"This is what we saw today.\nNothing much.\n", WRONG, "plain text"),
    "deep": Broken("log.jsonl", GOOD + b'{"ts":' + b"[" * 3_000 + b"\n", PARTLY, "bad JSON", 20),
    "not-utf-8": Broken(
        "log.jsonl", GOOD + row(7, user="x").replace(b'"x"', b'"\xff"'), PARTLY, "texts that are no UTF-8", 21
    ),
    "byte-order-mark": Broken("log.jsonl", b"\xef\xbb\xbf" + GOOD, PARTLY, "", 20),
    "endless-line": Broken("log.jsonl", GOOD + b'{"a": "' + b"x" * (17 * 2**20) + b'"}\n', PARTLY, "line too long", 20),
    "broken-message": Broken("log.jsonl", kafka(3), PARTLY, "a message of Kafka is broken", 19),
    "row-of-an-answer": Broken("log.json", answer(7), PARTLY, "no time", 19),
    "bar-in-a-cell": Broken("log.txt", drawn(), PARTLY, "a delimiter in a cell without quotes", 21),
    "value-of-no-type": Broken("log.jsonl", typed(3), PARTLY, "no time", 19),
    # Columns.
    "no-time": Broken(
        "log.jsonl", b'{"user":"u","features":[1,2],"prediction":"a"}\n' * 9, WRONG, "no field holds a time"
    ),
    "nothing-asked": Broken("log.jsonl", b'{"ts":1767605400,"host":"a","cpu":0.5}\n' * 9, WRONG, "none says who asked"),
    "two-times": Broken(
        "log.csv", b"date,x,prediction\n05/01/2026,1,a\n06/01/2026,2,b\n", WRONG, "name the right one under format"
    ),
    "time-of-day-alone": Broken(
        "log.csv", b"time,x,prediction\n09:30:00,1,a\n09:31:00,2,b\n", WRONG, "no field holds a time"
    ),
    "header-twice": Broken("log.csv", b"ts,x,x\n1767605400,1,2\n", WRONG, "two columns have the same name"),
    "no-header": Broken("log.csv", b"1767605400,u1,1.5,a\n1767605401,u2,2.5,b\n", WRONG, "time,user_id,x2,label"),
    "short-rows": Broken("log.csv", CSV + b"1767605499,u1\n", PARTLY, "2 cells where the header has 5", 20),
    "broken-quote": Broken("log.csv", CSV + b'1767605499,"u1,3,2.5,a\n', PARTLY, "a quote without its other half", 21),
    "bad-times": Broken("log.jsonl", GOOD + row(ts="soon"), PARTLY, "time cannot be read", 20),
    "long-ago": Broken("log.jsonl", GOOD + row(ts=100), PARTLY, "time outside 1990", 20),
    "far-ahead": Broken("log.jsonl", GOOD + row(ts=32_503_680_000), PARTLY, "time outside 1990", 20),
    "words-for-numbers": Broken("log.csv", CSV + b"1767605499,u1,many,2.5,a\n", PARTLY, "is no number", 21),
}
