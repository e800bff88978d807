"""A file whose rows stand in any order gives what the sorted one gives: nothing in it is late."""

import csv
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bench.machinery.long_log import LongLog

from app.inference.event_files import FirstFeature, only, rows
from caponier.app.inference import load as loading
from caponier.app.inference.load import load_events
from caponier.app.inference.read_options import ReadOptions
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.progress import Silent
from caponier.app.respond.dry_run_log import read_queries
from caponier.app.scan.logs import scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.emulate.registry import stories
from caponier.engines import spool as spooling
from caponier.engines.spool import Spool, scale_sample
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.rejections import RejectedRows
from program import printed

Rows = list[dict[str, Any]]
SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
FORMATS = ("log.jsonl", "log.jsonl.gz", "log.csv", "log.csv.gz", "log.parquet")


def shuffled(some: Rows, seed: int = 1) -> Rows:
    """Put rows in any order; equal times keep theirs."""
    _, group = np.unique([str(row["time"]) for row in some], return_inverse=True)
    turn = np.random.default_rng(seed).permutation(group.max() + 1)
    return [some[at] for at in np.argsort(turn[group], kind="stable")]


def written(file: Path, some: Rows) -> Path:
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(some), file)
        return file
    opened: Callable[..., Any] = gzip.open if file.suffix == ".gz" else open
    with opened(file, "wt", newline="") as text:
        if ".csv" in file.name:
            table = csv.DictWriter(text, some[0].keys())
            table.writeheader()
            table.writerows(
                {name: json.dumps(v) if isinstance(v, list) else v for name, v in row.items()} for row in some
            )
        else:
            text.writelines(json.dumps(row) + "\n" for row in some)
    return file


def callers() -> Rows:
    """Ten callers who take turns over a day; the third and the seventh end loudly. Some ask twice in one moment."""
    made = rows(
        400, principal=lambda i: f"u{i % 10}", input=lambda i: [120 if i > 300 and i % 10 in (3, 7) else 5, i % 97]
    )
    return [*made, *rows(400, principal=lambda i: f"u{i % 10}", input=lambda i: [6, i % 89])]


def by_time(some: Rows) -> Rows:
    return sorted(some, key=lambda row: row["time"])


def scan(*files: Path, **how: Any) -> ScanReport:
    with only(FirstFeature(), 100.0):
        return scan_inference(files, spec=SPEC, **how)


def said(report: ScanReport) -> tuple[Any, ...]:
    return report.findings, report.events, report.rejected.reasons


@pytest.mark.parametrize("name", FORMATS)
def test_an_inference_log_in_any_order_gives_the_same_findings(name: str, tmp_path: Path) -> None:
    straight = by_time(callers())
    report = scan(written(tmp_path / name, straight))
    assert {finding.subject.id for finding in report.findings} == {"u3", "u7"}
    assert report.events == 800
    mixed = scan(written(tmp_path / "mixed" / name, shuffled(straight)))
    assert said(mixed) == said(report)
    assert not mixed.rejected.count


@pytest.mark.parametrize("lateness", [0.0, 1e9])
def test_lateness_says_nothing_about_files(lateness: float, tmp_path: Path) -> None:
    straight = by_time(callers())
    report = scan(written(tmp_path / "log.jsonl", shuffled(straight)), options=ReadOptions(lateness=lateness))
    assert said(report) == said(scan(written(tmp_path / "sorted.jsonl", straight)))


def test_files_in_any_order_are_one_log(tmp_path: Path) -> None:
    straight = by_time(callers())
    whole = scan(written(tmp_path / "log.jsonl", straight))
    parts = [written(tmp_path / f"{at}.jsonl", shuffled(straight[at : at + 200])) for at in (600, 0, 400, 200)]
    report = scan(*parts)
    assert {one.finding_id for one in report.findings} == {one.finding_id for one in whole.findings}
    assert not report.rejected.count


def test_the_newest_first_is_an_order_too(tmp_path: Path) -> None:
    straight = by_time(rows(100, input=lambda i: [120 if i == 60 else 5, i]))
    report, back = (scan(written(tmp_path / f"{n}.jsonl", some)) for n, some in enumerate((straight, straight[::-1])))
    assert report.findings
    assert said(back) == said(report)


def test_the_scale_is_learned_from_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long log every so many-th row; which they are must not depend on where they stand in the file."""
    monkeypatch.setattr(spooling, "SAMPLE_ROWS", 50)
    straight = rows(2_000)
    learned = []
    for n, some in enumerate((straight, shuffled(straight))):
        with Spool() as spool:
            loading.load_events(spool, [written(tmp_path / f"{n}.jsonl", some)], RejectedRows(), Silent())
            learned.append(sorted(scale_sample(spool, "m", 2)[:, 0].tolist()))
    assert learned[0] == learned[1] == [float(i) for i in range(39, 2_000, 40)]


def test_a_sorted_file_beside_others_is_sampled_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "SAMPLE_ROWS", 10)
    files = [
        written(tmp_path / f"{n}.jsonl", rows(100, input=lambda i, n=n: [float(1_000 * n + i), 0.0])) for n in (0, 1)
    ]
    with Spool() as spool:
        load_events(spool, files, RejectedRows(), Silent())
        assert (spool.in_order, spool.files_in_order) == (False, True)
        assert scale_sample(spool, "m", 2)[:, 0].tolist() == [*range(19, 100, 20), *range(1_019, 1_100, 20)]


def test_a_dry_run_counts_rows_in_any_order(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    read = read_queries(require_workspace(tmp_path), [written(tmp_path / "log.jsonl", shuffled(callers()))])
    assert (len(read.queries), read.rejected.count) == (800, 0)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path).model_copy(update={"systems": (stories.one("stolen_account").system,)})


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.json", "log.log"])
def test_a_security_log_in_any_order_gives_the_same_findings(name: str, home: Workspace, tmp_path: Path) -> None:
    told = list(stories.one("stolen_account").attack(0).rows)
    report = scan_logs([written(tmp_path / name, told)], workspace=home)
    assert len(report.findings) > 2
    for seed in range(3):
        mixed = scan_logs([written(tmp_path / "mixed" / name, shuffled(told, seed))], workspace=home)
        assert [one.finding_id for one in mixed.findings] == [one.finding_id for one in report.findings]
        assert [one.event_id for one in mixed.context] == [one.event_id for one in report.context]
        assert (mixed.events, mixed.rejected.count) == (report.events, 0)


PEAK = """
import sys
from pathlib import Path
from caponier.engines import spool
from program import peak
spool.SORT_MB = 64
if sys.argv[1].endswith(".parquet"):
    from caponier.app.inference.scan import scan_inference as scan
else:
    from caponier.app.scan.logs import scan_logs as scan
report = scan([Path(sys.argv[1])])
print(report.events, report.rejected.count, peak())
"""


def megabytes(log: Path, events: int) -> float:
    """Return the most memory that a scan takes."""
    scanned, rejected, most = printed(PEAK, log).split()
    assert (int(scanned), int(rejected)) == (events, 0)
    return float(most)


def long_inference_log(folder: Path, events: int) -> Path:
    table = pq.read_table(LongLog(events, features=16).write(folder / "straight.parquet"))
    mixed = table.take(np.random.default_rng(0).permutation(events))
    pq.write_table(mixed, folder / "log.parquet", row_group_size=50_000)
    return folder / "log.parquet"


def long_security_log(folder: Path, events: int) -> Path:
    """A log in which every line matches a rule, so that all of it is kept until the end."""
    row = (
        '{{"time":{},"category":"authentication","user":"{}","host":"g","src_ip":"203.0.113.7","outcome":"success"}}\n'
    )
    order = np.random.default_rng(0).permutation(events).tolist()
    with (folder / "log.jsonl").open("w") as file:
        file.writelines(row.format(1_767_571_200_000 + 50 * n, n % 1_000) for n in order)
    return folder / "log.jsonl"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads how much memory was taken from /proc")
@pytest.mark.parametrize(
    ("made", "few", "many", "most"),
    [(long_inference_log, 300_000, 900_000, 90), (long_security_log, 60_000, 160_000, 140)],
)
def test_a_long_shuffled_file_takes_no_more_memory(
    made: Callable[[Path, int], Path], few: int, many: int, most: int, tmp_path: Path
) -> None:
    short, long = megabytes(made(tmp_path, few), few), megabytes(made(tmp_path, many), many)
    # So many bytes for each further event: less than any list of them would hold, more than the allocator's whims.
    assert (long - short) * 2**20 < most * (many - few), (short, long)
