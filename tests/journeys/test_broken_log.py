"""A log of which one row in a hundred is broken gives the same findings as the clean one, and says what is broken."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from caponier.emulate.registry import attacks
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace
from caponier.emulate.victims.digits import DigitsSplit, Victim

pytestmark = pytest.mark.slow

USERS, QUERIES = 60, 60
EVERY = 100
HUGE = 20 * 2**20
LAUNCH = """
import pathlib, resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "caponier", *sys.argv[1:]])
pathlib.Path("peak").write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""
"""A child's peak is never below that of its parent when it was made, so a small one stands between it and the tests."""

Row = dict[str, Any]
Line = bytes


@dataclass(frozen=True)
class Run:
    """One run of the command line."""

    code: int
    output: str
    errors: str
    peak_mb: float

    @property
    def document(self) -> Row:
        return orjson.loads(self.output)  # type: ignore[no-any-return]

    @property
    def findings(self) -> list[str]:
        return sorted(finding["finding_id"] for finding in self.document["findings"])


def caponier(folder: Path, *words: object) -> Run:
    """Run the command line in a folder and measure its memory."""
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *map(str, words)], cwd=folder, capture_output=True, check=False
    )
    peak_mb = int((folder / "peak").read_text()) / 1024
    return Run(done.returncode, done.stdout.decode(), " ".join(done.stderr.decode().split()), peak_mb)


def rows_of(*tables: pa.Table) -> list[Row]:
    """Events as a server logs them: in order of time, without ids and numbers of ours."""
    rows = [row for table in tables for row in table.to_pylist()]
    for row in rows:
        del row["event_id"], row["seq"]
    return sorted(rows, key=lambda row: row["time"])


def line_of(row: Row) -> Line:
    return orjson.dumps({name: value for name, value in row.items() if value is not None})


# What a caller could spoil in a row of his own, such as NaN in the input, rejects none: see `telemetry.test_events`.
BREAKS: list[tuple[str, Callable[[Row], Line]]] = [
    ("bad JSON", lambda row: line_of(row)[:9]),
    ("no model", lambda row: line_of(row | {"model": None})),
    ("unknown operation", lambda row: line_of(row | {"operation": "guess"})),
    ("time cannot be read", lambda row: line_of(row | {"time": "yesterday"})),
    ("input of the wrong length", lambda row: line_of(row | {"input": row["input"][1:], "input_shape": None})),
    ("duplicate", line_of),
    ("no time", lambda row: line_of(row | {"time": None})),
    ("bad JSON", lambda row: b"\xff\xfe" + line_of(row)),
]


def broken(rows: list[Row]) -> tuple[list[Line], list[tuple[int, str]]]:
    """Put a broken line behind every hundredth row, and a huge one in the middle; return what is to be rejected."""
    lines: list[Line] = []
    expected = []
    for place, row in enumerate(rows):
        lines.append(line_of(row))
        if place % EVERY == EVERY - 1:
            reason, spoil = BREAKS[place // EVERY % len(BREAKS)]
            lines.append(spoil(row))
            expected.append((len(lines), reason))
        if place == len(rows) // 2:
            lines.append(b'{"input":"' + b"x" * HUGE + b'"}')
            expected.append((len(lines), "line too long"))
    return lines, expected


def write(path: Path, lines: Iterable[Line]) -> Path:
    with path.open("wb") as stream:
        for line in lines:
            stream.write(line + b"\n")
    return path


@pytest.fixture(scope="module")
def tables(digits: tuple[DigitsSplit, Victim]) -> dict[str, list[Row]]:
    """Benign traffic to learn from, other benign traffic to scan, and an attack in the middle of it."""
    split, victim = digits
    learned = simulate(assemble(split.calibration.images, USERS, 1), victim.predict_proba, QUERIES)
    scanned = simulate(assemble(split.test.images, USERS, 2), victim.predict_proba, QUERIES)
    target = victim.understood(split.attackers)
    attacked = trace(
        attacks.one("boundary"),
        victim.predict_proba,
        target.images[0],
        int(target.labels[0]),
        seed=1,
        budget=300,
        begin=EPOCH + timedelta(hours=12),
    )
    return {"benign": rows_of(learned), "quiet": rows_of(scanned), "log": rows_of(scanned, attacked.events)}


@pytest.fixture(scope="module")
def folder(tables: dict[str, list[Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("broken")
    learned = write(folder / "benign.jsonl", map(line_of, tables["benign"]))
    built = caponier(folder, "baseline", "build", learned, "--out", "digits.safetensors")
    assert built.code == 0, built.errors
    return folder


def scan(folder: Path, log: Path, *words: object) -> Run:
    return caponier(
        folder, "scan", "inference", log, "--baseline", folder / "digits.safetensors", "--format", "json", *words
    )


def test_one_broken_row_in_a_hundred_changes_no_finding(tables: dict[str, list[Row]], folder: Path) -> None:
    clean = scan(folder, write(folder / "clean.jsonl", map(line_of, tables["log"])), "--rejected", "none.jsonl")
    assert clean.code == 1, clean.errors
    assert "boundary-1" in {finding["subject"]["id"] for finding in clean.document["findings"]}
    assert clean.document["rejected"] == {"rows": 0, "file": None}
    assert not (folder / "none.jsonl").exists()

    lines, expected = broken(tables["log"])
    assert len(expected) >= len(tables["log"]) // EVERY
    log = write(folder / "broken.jsonl", lines)
    found = scan(folder, log, "--rejected", "caponier-rejected.jsonl")
    assert found.code == 1, found.errors
    assert found.findings == clean.findings
    assert found.document["findings"] == clean.document["findings"]

    rejected = [orjson.loads(line) for line in (folder / "caponier-rejected.jsonl").read_bytes().splitlines()]
    said = sorted((row["line"], row["reason"].split(":")[0]) for row in rejected)
    assert said == expected
    assert {row["file"] for row in rejected} == {str(log)}
    assert found.document["rejected"] == {"rows": len(expected), "file": "caponier-rejected.jsonl"}
    assert f"{len(expected)} rows could not be used" in found.errors
    # A line of 20 MB is never held, nor does it leave more behind than its name.
    assert found.peak_mb < clean.peak_mb + 48


def test_a_quiet_log_with_broken_rows_is_done_in_part(tables: dict[str, list[Row]], folder: Path) -> None:
    # So few may be flagged that nothing benign is.
    strict = ("baseline", "build", folder / "benign.jsonl", "--out", "strict.safetensors", "--alpha", "1e-9")
    assert caponier(folder, *strict).code == 0
    words = ("--baseline", folder / "strict.safetensors", "--rejected", "quiet.jsonl")
    lines = [line_of(row) for row in tables["quiet"]]
    clean = scan(folder, write(folder / "quiet-clean.jsonl", lines), *words)
    assert (clean.code, clean.findings) == (0, []), clean.errors
    found = scan(folder, write(folder / "quiet-broken.jsonl", [*lines, b"{"]), *words)
    assert (found.code, found.findings) == (3, []), found.errors
    assert found.document["rejected"]["rows"] == 1


def test_a_log_of_which_nothing_can_be_used_is_an_error(folder: Path) -> None:
    found = scan(folder, write(folder / "hopeless.jsonl", [b"{"] * 50), "--rejected", "hopeless-rejected.jsonl")
    assert found.code == 2
    assert "contains no events; rows were rejected for: bad JSON (50 rows)" in found.errors
    assert "Traceback" not in found.errors
