import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import typer
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from caponier import __version__
from caponier.app.coverage.cover import SCHEMA
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.cli.coverage.coverage import EXAMPLE, coverage
from caponier.cli.coverage.view import CoverageColumns
from caponier.coverage.heat_map import heat_map
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load
from caponier.records.trial import Trial
from caponier.store import trials
from caponier.store.database import open_store

app = typer.Typer()
app.command("coverage", epilog=EXAMPLE)(coverage)
app.command("other")(lambda: None)

TRIAL = Trial(
    trial_id="v-1-000",
    detector="flood",
    techniques=(TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),),
    emulation="flood",
    control="burst",
    target="digits-mlp",
    caponier_version=__version__,
    time=datetime(2026, 1, 5, tzinfo=UTC),
    attack_succeeded=True,
    detected=True,
    control_silent=True,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trials.json"
    path.write_bytes(orjson.dumps({"schema": SCHEMA, "trials": [TRIAL.to_dict()]}))
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["coverage", *map(str, arguments)])


def test_help_ends_with_an_example() -> None:
    assert "Example: caponier coverage" in re.sub(r"\x1b\[[0-9;]*m", "", run("--help").stdout)


def test_without_trials_it_says_how_to_get_some() -> None:
    done = run()
    assert done.exit_code == 0
    assert "0 validated" in done.stderr
    assert "Run: caponier validate" in done.stderr
    assert "✓ validated: 0" in done.stdout


def test_the_columns_hold_every_entry_and_the_counts(file: Path) -> None:
    done = run("--trials", file)
    assert "✓ validated: 1" in done.stdout
    assert "✓ Denial of Service" in done.stdout
    for tactic in load("amltm-2020").tactics:
        assert re.search(rf"{tactic.name} +\(\d+/\d+\)|{tactic.name} \(\d+/\d+\)", done.stdout)


@pytest.mark.parametrize("width", [40, 80, 168])
def test_columns_fit_the_width_and_need_no_colour(width: int) -> None:
    sheet = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(file=sheet, width=width, color_system=None).print(CoverageColumns(heat_map([], [TRIAL], __version__)))
    sheet.seek(0)
    view = sheet.read()
    assert max(map(len, view.splitlines())) <= width
    assert view.isascii()
    assert view.count("- ") >= 36


def test_the_list_says_why(file: Path) -> None:
    done = run("--trials", file, "--status", "validated")
    (row,) = done.stdout.splitlines()[1:2]
    assert row.startswith("validated  AMLTM.IMPACT.02  Denial of Service  ML     flood")
    assert "flood detected flood on digits-mlp" in done.stdout
    assert "AMLTM.RECON" not in done.stdout


def test_json_and_csv_say_the_same(file: Path) -> None:
    document = json.loads(run("--trials", file, "--format", "json").stdout)
    rows = list(csv.DictReader(io.StringIO(run("--trials", file, "--format", "csv").stdout)))
    assert document["schema"] == "caponier.coverage/1"
    assert document["counts"]["validated"] == 1
    assert sum(document["counts"].values()) == len(document["techniques"]) == len(rows) == 58
    assert [(one["id"], one["status"]) for one in document["techniques"]] == [
        (row["id"], row["status"]) for row in rows
    ]
    (validated,) = (one for one in document["techniques"] if one["status"] == "validated")
    assert validated["trials"] == ["v-1-000"]
    assert validated["means"] == {"ML": "validated"}
    assert {row["id"]: row["means"] for row in rows}[validated["id"]] == "ML (validated)"
    by_id = {one["id"]: one["means"] for one in document["techniques"]}
    # A stolen account and a stolen model are two ways to the same end.
    assert by_id["AMLTM.EXFIL.03"] == {"traditional": "declared"}
    assert {"traditional", "ML"} == set().union(*by_id.values())


def test_markdown_is_a_table(file: Path) -> None:
    lines = run("--trials", file, "--format", "markdown").stdout.splitlines()
    assert {line.replace("\\|", "").count("|") for line in lines} == {9}


def test_the_picture_goes_into_a_file_by_its_name(file: Path, tmp_path: Path) -> None:
    done = run("--trials", file, "--out", tmp_path / "coverage.svg", "--quiet")
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "coverage.svg").read_text().startswith("<svg ")


def test_the_navigator_layer_is_of_this_version(file: Path) -> None:
    layer = json.loads(run("--trials", file, "--format", "navigator").stdout)
    assert layer["versions"]["layer"] == "4.5"
    assert {"name": "caponier_version", "value": __version__} in layer["metadata"]
    assert 2 in [technique["score"] for technique in layer["techniques"]]


def test_trials_of_another_version_do_not_count_and_that_is_said(tmp_path: Path) -> None:
    old = replace(TRIAL, caponier_version="0.0.1")
    path = tmp_path / "old.json"
    path.write_bytes(orjson.dumps({"schema": SCHEMA, "trials": [old.to_dict()]}))
    done = run("--trials", path)
    assert "0 validated" in done.stderr
    assert "1 trials are of another version" in done.stderr


def test_the_trials_of_a_workspace_count(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    workspace = load_workspace(tmp_path)
    assert workspace is not None
    with open_store(workspace.store) as store, store.write() as connection:
        trials.add(connection, "v-1", [TRIAL], "ada")
    assert "1 validated" in run().stderr
