import csv
import io
import json
import re
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.coverage.detectors import controls, emulations
from caponier.app.validate.emulate import DetectorKind, EmulationReport
from caponier.app.validate.validate import validate
from caponier.cli.emulate import app
from caponier.emulate.registry import attacks
from caponier.errors import InputError, MissingExtraError
from caponier.plugins import Discovery, Unavailable


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.mark.parametrize("command", [[], ["list"], ["run"]])
def test_help_ends_with_an_example(command: list[str]) -> None:
    text = re.sub(r"\x1b\[[0-9;]*m", "", run(*command, "--help").stdout)
    assert "Example: caponier emulate" in text


def test_every_emulation_is_listed() -> None:
    done = run("list")
    assert done.exit_code == 0
    for card in emulations():
        assert re.search(rf"^{card.name} +{card.kind.value} ", done.stdout, re.MULTILINE)
    assert f"{len(emulations())} emulations" in done.stderr


def test_json_says_what_each_shows() -> None:
    document = json.loads(run("list", "--format", "json", "--controls").stdout)
    assert document["schema"] == "caponier.emulations/1"
    by_name = {one["name"]: one for one in document["emulations"]}
    assert {"matrix": "amltm-2020", "id": "AMLTM.EVADE.01.02"} in by_name["hop_skip_jump"]["techniques"]
    assert not by_name["poller"]["harmful"]
    assert len(document["emulations"]) == len(emulations()) + len(controls())


def test_one_kind_can_be_asked_for() -> None:
    rows = list(csv.DictReader(io.StringIO(run("list", "--kind", "dataset", "--format", "csv").stdout)))
    assert {row["kind"] for row in rows} == {"dataset"}
    assert "uniform_flips" in {row["name"] for row in rows}


def test_markdown_goes_into_a_file_by_its_name(tmp_path: Path) -> None:
    done = run("list", "--out", tmp_path / "list.md", "--quiet")
    assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "list.md").read_text().startswith("| name | kind |")


def test_a_run_tells_its_own_success_and_what_it_wrote(tmp_path: Path) -> None:
    done = run("run", "stolen_account", "--out", tmp_path / "attack")
    assert done.exit_code == 0
    assert "yes, by its own measure" in done.stdout
    assert (tmp_path / "attack" / "stolen_account.jsonl").exists()


def test_a_run_as_json_leaves_nothing_without_a_folder() -> None:
    document = json.loads(run("run", "stolen_account", "--format", "json").stdout)
    assert document["success"]
    assert document["measure"]["model_files"] == document["measure"]["wanted"]
    assert document["files"] == []


def test_files_that_run_code_come_with_a_warning(tmp_path: Path) -> None:
    done = run("run", "plain_pickle_attack", "--out", tmp_path)
    assert "Do not load them" in done.stderr


def test_an_emulation_that_fails_exits_with_3() -> None:
    failed = EmulationReport("jbda", DetectorKind.EVENT, "digits-mlp", False, {"agreement": 0.1}, 1.0, 10, "refused")
    with patch("caponier.cli.emulate.emulate", return_value=failed):
        done = run("run", "jbda")
    assert done.exit_code == 3
    assert "shows nothing about any detector" in done.stderr


def test_an_unknown_name_is_a_wrong_request() -> None:
    done = run("run", "teleport")
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2


def test_what_lacks_an_extra_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = Unavailable("attack", "deep", "deep 1.0", "it needs the Python package 'torch'", "Install caponier[torch]")
    monkeypatch.setitem(vars(attacks), "_found", Discovery(attacks(), {"deep": deep}))
    done = run("list")
    assert done.exit_code == 0
    document = json.loads(run("list", "--format", "json").stdout)
    assert [one["name"] for one in document["unavailable"]] == ["deep"]
    asked = run("run", "deep")
    assert isinstance(asked.exception, MissingExtraError)
    with pytest.raises(MissingExtraError, match="the attack 'deep' is not available"):
        validate(only=["deep"])
    said = " ".join(done.stderr.split())
    assert "unavailable deep: it needs the Python package 'torch'. Install caponier[torch]" in said
