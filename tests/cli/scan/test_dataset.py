import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.findings import list_findings
from caponier.app.scan.dataset import SuspiciousRow, _counted
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.scan.dataset import EXAMPLE, _shown_of, dataset
from caponier.errors import InputError
from caponier.formats import safe_text


def app() -> typer.Typer:
    group = typer.Typer()
    group.callback()(lambda: None)
    group.command("dataset", epilog=EXAMPLE)(dataset)
    return group


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app(), ["dataset", *arguments])


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 300 rows with 24 flipped labels, one of which looks like a formula."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    rng = np.random.default_rng(8)
    names = np.array(["=cat()", "dog", "e[bold]l|k"])
    y = np.arange(300) % 3
    given = y.copy()
    given[:24] = (y[:24] + 1) % 3
    with open(tmp_path / "rows.csv", "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "kind", "who"])
        for row in range(300):
            writer.writerow([*rng.normal(4.0 * np.array([y[row] == 1, y[row] == 2]), 0.5), names[given[row]], "ada"])
    return tmp_path / "rows.csv"


def test_something_found_is_exit_code_one(rows: Path) -> None:
    result = run(str(rows), "--label", "kind", "--source", "who")
    assert result.exit_code == 1
    assert "label_noise" in result.stdout
    assert "SUGGESTED" in result.stdout
    assert "suspicious rows of 300" in result.stderr


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown"])
def test_a_name_that_is_no_text_is_shown(rows: Path, format_: str) -> None:
    odd = rows.rename(rows.with_name(os.fsdecode(b"odd-\xff\x1b") + rows.suffix))
    result = run(str(odd), "--label", "kind", "--format", format_)
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    result.stdout.encode()


def test_csv_has_every_suspicious_row_and_no_formula(rows: Path) -> None:
    result = run(str(rows), "--label", "kind", "--format", "csv", "--quiet")
    lines = list(csv.DictReader(io.StringIO(result.stdout)))
    flipped = {str(row + 2) for row in range(24)}
    assert len(flipped & {line["id"] for line in lines}) >= 20
    assert "'=cat()" in {line["given"] for line in lines}
    assert not any(cell.startswith("=") for line in lines for cell in line.values())
    assert result.stderr == ""


def test_json_is_the_document_of_findings(rows: Path) -> None:
    plain = json.loads(run(str(rows), "--label", "kind", "--format", "json").stdout)
    assert plain["schema"] == "caponier.findings/1"
    assert plain["dataset"]["rows"] == 300
    assert plain["findings"][0]["subject"]["kind"] == "row"
    assert {"id", "given", "suggested", "score"} <= set(plain["suspicious"][0])


def test_json_lists_what_could_not_be_judged_and_how_many_rows_could_not_be_used(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[3] = np.nan
    np.savez(tmp_path / "few.npz", x=x, y=["a"] * 40)
    rejected = str(tmp_path / "bad.jsonl")
    result = run(str(tmp_path / "few.npz"), "--format", "json", "--rejected", rejected)
    plain = json.loads(result.stdout)
    assert plain["rejected"] == {"rows": 1, "file": rejected}
    assert any("only one class" in skipped["reason"] for skipped in plain["skipped"])
    assert result.exit_code == 3


def test_markdown_escapes_what_others_wrote(rows: Path) -> None:
    out = rows.with_name("report.md")
    assert run(str(rows), "--label", "kind", "--out", str(out)).exit_code == 1
    assert "e\\[bold\\]l\\|k" in out.read_text()


def test_a_severity_to_fail_on(rows: Path) -> None:
    assert run(str(rows), "--label", "kind", "--fail-on", "critical").exit_code == 0


def test_bad_rows_are_listed_and_exit_code_three(rows: Path) -> None:
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join([lines[0], *lines[25:], "1,2"]) + "\n")
    result = run(str(rows), "--label", "kind")
    assert result.exit_code == 3
    assert "rows.csv:278: bad CSV" in result.stderr
    assert not list(Path().glob("*reject*"))
    assert run(str(rows), "--label", "kind", "--rejected", "left.jsonl").exit_code == 3
    assert Path("left.jsonl").exists()


def test_a_clean_set_is_exit_code_zero(rows: Path) -> None:
    lines = rows.read_text().splitlines()
    rows.write_text("\n".join([lines[0], *lines[25:]]) + "\n")
    assert run(str(rows), "--label", "kind").exit_code == 0


def test_findings_are_kept_in_the_workspace(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_workspace(rows.parent)
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    assert run(str(rows), "--label", "kind").exit_code == 1
    assert run(str(rows), "--label", "kind").exit_code == 1
    assert len(list_findings(require_workspace(rows.parent))) == 1


def test_wrong_input_is_an_input_error(rows: Path) -> None:
    result = run(str(rows))
    assert isinstance(result.exception, InputError)


def test_rows_that_were_changed_since_the_manifest_are_named_with_what_was_recorded(rows: Path) -> None:
    manifest = rows.with_name("rows.manifest.json")
    assert run(str(rows), "--label", "kind", "--source", "who", "--write-manifest", str(manifest)).exit_code == 1
    lines = rows.read_text().splitlines()
    lines[200] = lines[200].replace("dog", "=cat()").replace("e[bold]l|k", "=cat()")
    rows.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    result = run(str(rows), "--label", "kind", "--source", "who", "--manifest", str(manifest), "--format", "json")
    named = [row for row in json.loads(result.stdout)["suspicious"] if row["detector"] == "provenance"]
    assert [(row["given"], row["suggested"] in ("dog", "e[bold]l|k")) for row in named] == [("=cat()", True)]


def test_a_manifest_is_never_written_over(rows: Path) -> None:
    rows.with_name("m.json").write_text("kept")
    result = run(str(rows), "--label", "kind", "--write-manifest", str(rows.with_name("m.json")))
    assert isinstance(result.exception, InputError)
    assert rows.with_name("m.json").read_text() == "kept"


def test_help_has_an_example() -> None:
    assert "Example" in run("--help").stdout


def test_safe_text() -> None:
    assert safe_text.plain("a\x1b[31mb\n") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}"
    assert safe_text.spreadsheet("-1+2") == "'-1+2"
    assert safe_text.spreadsheet("1-2") == "1-2"
    assert safe_text.markdown("<b>|") == "&lt;b&gt;\\|"


def test_ties_among_the_rows_that_are_shown_are_counted_and_rows_stand_as_people_count() -> None:
    rows = [SuspiciousRow(str(n), None, "0", "1", 0.955, "label_noise") for n in range(155)]
    assert _shown_of(rows).startswith(
        "20 of 155 suspicious rows are shown, highest scores first (155 rows have the same"
    )
    apart = [replace(row, score=1 - at / 1000) for at, row in enumerate(rows)]
    assert "same score" not in _shown_of(apart)
    assert sorted(["10", "9", "a2", "a10", "1019", "107"], key=_counted) == ["9", "10", "107", "1019", "a2", "a10"]
    _counted("9" * 100_000)
