"""Names, files and links that somebody made so that an erasure fails, leaves something, or takes what is others'."""

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.guard.test_work import guard_in
from app.workspace.test_erasure import ADA, EVE, asked_by, gone, holding, row
from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.workspace.erasure import erase
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.guard.spool import SpoolProgress, free_spools
from caponier.records.inventory import Workspace
from respond.made import finding


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


@pytest.fixture
def day(home: Workspace) -> Path:
    folder = Path(home.lake) / "2026-12-01"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", ["high", "principal", "subject", "atlas", "digits-mlp", "iterative_query", "open"])
def test_a_name_that_is_a_word_of_the_store_changes_no_record_of_others(home: Workspace, day: Path, name: str) -> None:
    record_findings(home, [finding(1, name), finding(2, ADA)], actor="test")
    correlate_findings(home, actor="test")
    (day / "a.jsonl").write_text(json.dumps({"principal": name}) + "\n")
    done = erase(home, name, actor="test")
    assert (done.events, done.records, [skip.what for skip in done.skipped]) == (1, 0, ["the store"])
    assert not set(holding(home, "erased-"))


def test_a_name_that_is_told_in_facts_is_no_word_of_the_store(home: Workspace) -> None:
    record_findings(home, [finding(1, EVE, facts={"by_caller": {EVE: 3}, "most_of_them": [EVE]})], actor="test")
    assert gone(home).records == 1
    assert not set(holding(home, EVE))


def test_however_letters_are_escaped_the_line_goes(home: Workspace, day: Path) -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in EVE)
    lines = [f'{{"principal": "{escaped}"}}', '{"principal": "a\\/b"}', f'{{"principal": "{ADA}", "x": "\\n"}}']
    (day / "a.jsonl").write_text("\n".join(lines) + "\n")
    assert (gone(home).events, erase(home, "a/b", actor="test").events) == (1, 1)
    assert (day / "a.jsonl").read_text().split("\n")[2:] == [lines[2], ""]


def test_a_file_that_is_broken_keeps_no_other_from_being_erased(home: Workspace, day: Path) -> None:
    (day / "a.parquet").write_bytes(b"PAR1 and nothing else")
    pq.write_table(pa.table({"principal": [1, 2]}), day / "b.parquet")
    (day / ".caponier-half").write_text(json.dumps(row(1, EVE), default=str))
    (day / "c.jsonl").write_text(json.dumps(row(0, EVE), default=str) + "\n")
    done = gone(home)
    assert done.events == 1
    assert {Path(skip.what).name for skip in done.skipped} == {"a.parquet", "b.parquet", ".caponier-half"}


def test_a_link_out_of_the_lake_is_named_and_what_it_leads_to_stays(home: Workspace, day: Path, tmp_path: Path) -> None:
    line = json.dumps(row(0, EVE), default=str) + "\n"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("log.jsonl", "other.jsonl"):
        (elsewhere / name).write_text(line)
    (day / "own.jsonl").write_text(line)
    os.symlink(elsewhere / "log.jsonl", day / "linked.jsonl")
    os.symlink(day / "own.jsonl", day / "twice.jsonl")
    os.symlink(elsewhere, day / "folder")
    done = gone(home)
    assert (done.events, (elsewhere / "log.jsonl").read_text()) == (1, line)
    assert {Path(skip.what).name for skip in done.skipped} == {"linked.jsonl", "folder"}


def test_what_a_guard_was_done_with_is_blank_where_its_segment_is_still_there(home: Workspace, tmp_path: Path) -> None:
    work = guard_in(tmp_path / "guard", []).work
    spools = home.root / ".caponier" / "spool"
    spool = work.backlog.spool = next(free_spools(spools, 10**9))
    for name in (EVE, ADA, EVE, ADA):
        work.keep(asked_by(name))
    work.backlog.take(2)
    spool.commit(SpoolProgress(spool.taken))
    spool.close()
    assert gone(home).requests == 1
    assert not any(EVE.encode() in path.read_bytes() for path in spools.rglob("*.segment"))
    again = guard_in(tmp_path / "again", []).work
    again.backlog.spool = next(free_spools(spools, 10**9))
    assert again.recover() == 1
    again.close()
