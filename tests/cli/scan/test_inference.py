import csv
import gzip
import io
import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from app.inference.event_files import FirstFeature, log, only, rows
from caponier.app.incidents.findings import list_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.matrix.versions.catalogue import versions
from caponier.records.finding import Finding
from cli.command import Ran, run
from conftest import World

LOUD: dict[str, Any] = {"input": lambda i: [120, i % 127]}
RANGE = ("--range", "0,127")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is no workspace."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def scan(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: object, stdin: bytes = b"") -> Ran:
        return run(capsys, "scan", "inference", *arguments, stdin=stdin)

    return command


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A log with one user who scores 120 where the cold start of `first_feature` is 100."""
    return log(tmp_path, rows(3, principal="bad", **LOUD), rows(3, 50, principal="good"))


class TestExitCodes:
    def test_nothing_found_is_0(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 125.0):
            ran = scan(bad, *RANGE)
        assert (ran.code, ran.out) == (0, "")
        assert "0 findings in 6 events" in ran.err

    def test_something_found_is_1(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            ran = scan(bad, *RANGE)
        assert ran.code == 1
        assert "1 finding in 6 events" in ran.err

    def test_nothing_found_but_something_skipped_is_3(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), None):
            ran = scan(bad, *RANGE)
        assert ran.code == 3
        assert re.search("^m: 1 detector does not run, .*\n  first_feature: ", ran.err, re.MULTILINE)

    def test_a_rejected_row_is_3_too(self, scan: Any, tmp_path: Path) -> None:
        file = log(tmp_path, rows(3))
        file.write_text(file.read_text() + "not json\n")
        with only(FirstFeature(), 125.0):
            ran = scan(file, *RANGE)
        assert ran.code == 3
        assert f"{file}:4: " in ran.err
        assert not list(Path().glob("*reject*"))
        with only(FirstFeature(), 125.0):
            ran = scan(file, *RANGE, "--rejected", "left.jsonl")
        assert "all of them: left.jsonl" in ran.err
        assert Path("left.jsonl").exists()

    def test_findings_and_skips_are_1_and_the_skips_are_listed(self, scan: Any, world: World) -> None:
        ran = scan(world.attacked)
        assert ran.code == 1
        assert re.search("^digits: .*do not run, so .*(\n  .*)*novelty", ran.err, re.MULTILINE)

    @pytest.mark.parametrize(("level", "code"), [("info", 1), ("low", 1), ("medium", 0), ("critical", 0)])
    def test_fail_on_says_from_which_severity(self, level: str, code: int, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            assert scan(bad, *RANGE, "--fail-on", level).code == code

    def test_findings_below_it_with_skips_are_3(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            file = log(bad.parent, rows(3, **LOUD), rows(1, 9, principal=None), name="b.jsonl")
            assert scan(file, *RANGE, "--fail-on", "critical").code == 3

    @pytest.mark.parametrize(
        ("arguments", "hint"),
        [
            (["none.jsonl"], "does not exist"),
            (["log.jsonl", "--baseline", "none"], "none: does not exist"),
            (["log.jsonl", "--baseline", "log.jsonl"], "baseline file"),
            (["log.jsonl", "--reader", "morse"], "Readers: auto"),
            (["log.jsonl", "--shape", "8;8"], "--kind image --shape 8,8"),
            (["log.jsonl", "--kind", "smell"], "--kind image --shape 8,8"),
            (["log.jsonl", "--range", "1,0"], "--range"),
            (["log.jsonl", "--kind", "image"], "--shape 8,8"),
            (["log.jsonl", "--shape", "3"], "take 3 values, but its inputs in the log have 2"),
            (["log.jsonl", "--workspace", "nowhere"], "caponier init"),
            (["log.jsonl", "--fail-on", "bad"], "fail-on"),
            (["log.jsonl", "--batch-size", "0"], "batch-size"),
            (["log.jsonl", "--no-such-option"], "no-such-option"),
            ([], "EVENTS"),
        ],
    )
    def test_a_wrong_request_is_2_and_says_what_would_be_right(
        self, arguments: list[str], hint: str, scan: Any, bad: Path
    ) -> None:
        ran = scan(*arguments)
        assert ran.code == 2
        assert hint in ran.err
        assert ran.out == ""

    def test_an_internal_error_is_4_and_says_where_to_look(
        self, scan: Any, bad: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("a wire came off")

        monkeypatch.setattr("caponier.cli.scan.inference.scan_inference", broken)
        ran = scan(bad)
        assert ran.code == 4
        assert "a wire came off" not in ran.err
        (file,) = [Path(word) for word in ran.err.split() if word.endswith(".log")]
        assert "RuntimeError: a wire came off" in file.read_text()
        assert file.stat().st_mode & 0o077 == 0
        file.unlink()


class TestDocument:
    @pytest.fixture
    def document(self, scan: Any, world: World) -> dict[str, Any]:
        ran = scan(world.attacked, "--baseline", world.baseline_file, "--format", "json")
        assert ran.code == 1
        return dict(json.loads(ran.out))

    def test_it_is_the_published_one(self, document: dict[str, Any]) -> None:
        assert document["schema"] == "caponier.findings/1"
        assert document["matrix"] in versions()
        assert document["skipped"] == []
        assert document["rejected"] == {"rows": 0, "file": None}
        silent = [note.split(": ")[1].split()[0] for note in document["notes"] if " does not run" in note]
        assert silent == [
            *(
                "adversarial_input",
                "feedback_dispute",
                "feedback_flood",
                "feedback_skew",
                "local_patch",
                "trigger_probe",
            ),
            "membership_probe",
        ]
        assert document["events"] > 6000

    def test_its_findings_have_every_key_of_the_contract(self, document: dict[str, Any]) -> None:
        keys = (
            "finding_id detector subject system model model_version severity confidence techniques harms first_time "
            "last_time trigger_event_id event_ids unique_queries evidence summary notify"
        )
        for finding in document["findings"]:
            assert list(finding) == keys.split()
            assert set(finding["subject"]) == {"kind", "id"}
            assert set(finding["evidence"]) == {
                *("statistic", "value", "threshold", "rank", "share", "expected_per_week", "beside", "basis", "facts"),
            }
            assert set(finding["evidence"]["rank"]) == {"above", "of", "age"}
            if finding["evidence"]["basis"] != "cold-start":
                assert set(finding["evidence"]["expected_per_week"]) == {"benign", "low", "high"}
            assert finding["first_time"].endswith("Z")
            assert finding["trigger_event_id"] in finding["event_ids"]
            assert finding["techniques"][0]["matrix"] == "atlas"

    def test_its_findings_can_be_read_back(self, document: dict[str, Any]) -> None:
        assert [Finding.from_dict(plain).to_dict() for plain in document["findings"]] == document["findings"]

    def test_skips_and_rejected_rows_are_in_it(self, scan: Any, tmp_path: Path) -> None:
        file = log(tmp_path, rows(3))
        file.write_text(file.read_text() + "not json\n")
        ran = scan(file, "--format", "json", "--rejected", tmp_path / "r.jsonl")
        document = json.loads(ran.out)
        assert document["rejected"] == {"rows": 1, "file": str(tmp_path / "r.jsonl")}
        assert [skip["what"] for skip in document["skipped"]] == [
            *("m: caller_profile", "m: distance_shape", "m: distributed_query", "m: flood", "m: growing_doubt"),
            *("m: information_spend", "m: input_search", "m: novelty", "m: score_climb"),
        ]
        assert [note for note in document["notes"] if "built-in" in note]


class TestFormats:
    def test_a_table_names_every_finding(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            ran = scan(bad, *RANGE)
        head, line = ran.out.splitlines()
        assert head.split()[:3] == ["FINDING", "ID", "TIME"]
        assert "principal bad" in line

    def test_csv(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            (row,) = csv.DictReader(io.StringIO(scan(bad, *RANGE, "--format", "csv").out))
        assert (row["subject_id"], row["confidence"]) == ("bad", "0.39")

    def test_markdown(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            assert scan(bad, *RANGE, "--format", "markdown").out.startswith("| finding\\_id | ".replace("\\", ""))

    @pytest.mark.parametrize("name", ["f.json", "f.csv", "f.md", "f.txt", "f"])
    @pytest.mark.parametrize("cold", [100.0, 125.0])
    def test_a_file_is_written_by_its_ending_even_if_nothing_was_found(
        self, name: str, cold: float, scan: Any, bad: Path
    ) -> None:
        with only(FirstFeature(), cold):
            ran = scan(bad, *RANGE, "--out", name)
        assert ran.out == ""
        text = Path(name).read_text()
        assert ("bad" in text) == (cold == 100.0)
        assert {"f.json": "{", "f.csv": "finding_id,", "f.md": "| finding_id"}.get(name, "FINDING ID") in text

    def test_quiet_prints_the_result_alone(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            ran = scan(bad, *RANGE, "--quiet", "--format", "json")
        assert ran.err == ""
        assert json.loads(ran.out)["findings"]

    def test_no_progress_bar_in_a_pipe(self, scan: Any, bad: Path) -> None:
        assert "Reading" not in scan(bad).err


class TestInput:
    def test_standard_input(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            ran = scan("-", *RANGE, stdin=bad.read_bytes())
        assert ran.code == 1
        assert "1 finding in 6 events" in ran.err

    def test_a_folder_of_packed_files(self, scan: Any, bad: Path, tmp_path: Path) -> None:
        folder = tmp_path / "logs"
        folder.mkdir()
        with gzip.open(folder / "a.jsonl.gz", "wb") as packed:
            packed.write(bad.read_bytes())
        with only(FirstFeature(), 100.0):
            assert scan(folder, *RANGE).code == 1

    @pytest.mark.parametrize("option", [("--workers", "2"), ("--batch-size", "61"), ("--lateness", "60")])
    def test_how_it_runs_changes_nothing(self, option: tuple[str, str], scan: Any, world: World) -> None:
        plain, other = (
            scan(world.attacked, "--baseline", world.baseline_file, "--format", "json", *more) for more in ((), option)
        )
        assert json.loads(plain.out) == json.loads(other.out)

    def test_what_cannot_be_shown_reaches_no_terminal(self, scan: Any, tmp_path: Path) -> None:
        ran = scan(log(tmp_path, rows(3, model="\x1b[31mred\x07")))
        assert "\x1b[31m" not in ran.err + ran.out
        assert "\x07" not in ran.err + ran.out
        assert "red" in ran.err


class TestBasis:
    def bases(self, ran: Ran) -> set[str]:
        return {finding["evidence"]["basis"] for finding in json.loads(ran.out)["findings"]}

    def test_what_is_rarer_than_ranks_can_tell_is_an_estimate(self, scan: Any, world: World) -> None:
        ran = scan(world.attacked, "--baseline", world.baseline_file, "--format", "json")
        assert self.bases(ran) <= {"promise", "estimate"}
        assert "estimate" in self.bases(ran)

    def test_a_cold_start_says_so(self, scan: Any, world: World) -> None:
        ran = scan(world.attacked, "--format", "json")
        assert self.bases(ran) == {"cold-start"}
        assert "  iterative_query" in ran.err.partition("with built-in thresholds")[2]

    def test_the_old_budget_is_accepted_and_told(self, scan: Any, bad: Path) -> None:
        with only(FirstFeature(), 100.0):
            plain, ran = scan(bad, *RANGE), scan(bad, *RANGE, "--alert-budget", "2 per fortnight")
            quiet = scan(bad, *RANGE, "--alert-budget", "1/5000", "--quiet")
        assert (ran.code, ran.out) == (plain.code, plain.out)
        assert "deprecated: --alert-budget means nothing any more: the share of benign callers" in ran.err
        assert quiet.err == ""
        assert "--alert-budget" not in scan("--help").out


class TestWorkspace:
    def test_findings_are_recorded_once(self, scan: Any, bad: Path, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        for _ in range(2):
            with only(FirstFeature(), 100.0):
                assert scan(bad, *RANGE).code == 1
        (kept,) = list_findings(require_workspace(tmp_path))
        assert kept.subject.id == "bad"

    def test_nothing_is_recorded_if_the_output_cannot_be_written(self, scan: Any, bad: Path, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        with only(FirstFeature(), 100.0):
            assert scan(bad, *RANGE, "--out", "nowhere/f.json").code == 2
        assert list_findings(require_workspace(tmp_path)) == []

    def test_without_a_workspace_nothing_is_recorded(self, scan: Any, bad: Path, tmp_path: Path) -> None:
        with only(FirstFeature(), 100.0):
            scan(bad, *RANGE)
        assert {file.name for file in tmp_path.iterdir()} == {bad.name}

    def test_an_unknown_detector_in_it_is_refused(self, scan: Any, bad: Path, tmp_path: Path) -> None:
        create_workspace(tmp_path).write_text("[detect.noveltie]\nx = 1\n")
        ran = scan(bad)
        assert ran.code == 2
        assert "Did you mean 'novelty'?" in ran.err


def test_a_log_without_names_says_what_to_switch_on(scan: Any, world: World, tmp_path: Path) -> None:
    table = pq.read_table(world.users).drop_columns(["principal", "source_ip"])
    pq.write_table(table, tmp_path / "log.parquet")
    ran = scan(tmp_path / "log.parquet", "--baseline", world.baseline_file)
    assert ran.code == 3
    assert "log a principal, a session or at least the address" in ran.err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["scan"], ["scan", "inference"]):
        ran = run(capsys, *command, "--help")
        assert ran.code == 0
        assert "Example: caponier scan inference events.parquet" in ran.out


def test_a_security_log_is_sent_to_the_scan_that_reads_it(scan: Any, tmp_path: Path) -> None:
    calls = [
        {"eventTime": f"2026-01-05T10:0{at}:00Z", "eventName": "GetObject", "eventSource": "s3.amazonaws.com"}
        | {"userIdentity": {"userName": "ada"}, "eventID": f"e{at}", "awsRegion": "eu-west-1", "eventVersion": "1.08"}
        for at in range(3)
    ]
    log = tmp_path / "calls.json"
    log.write_text(json.dumps({"Records": calls}))
    said = scan(log).err
    assert f"is a security log (AWS CloudTrail); scan it with: caponier scan logs {log}" in said
