"""`validate --mode enforce`: what is printed, what is said beside it, and the exit code."""

import json
from pathlib import Path
from unittest.mock import patch

import pytest
import typer
from typer.testing import CliRunner

from caponier.app.validate.enforced import BenignCallers, EnforcedReport, EnforcedRun
from caponier.cli.validate import enforced
from caponier.cli.validate.validate import validate
from caponier.errors import InputError

app = typer.Typer()
app.command("validate")(validate)
app.command("other")(lambda: None)
HELD = EnforcedRun("simba", 0, 0, success=False, answers=8, refused=True)
NONE = BenignCallers(30, 20_000, 0, 3, 5)


def ran(report: EnforcedReport, *arguments: str) -> tuple[int, str]:
    with patch.object(enforced, "validate_enforced", return_value=report) as carried_out:
        result = CliRunner().invoke(app, ["validate", "--mode", "enforce", *arguments])
    if carried_out.called:
        assert carried_out.call_args.args[0]["simba"] == 10
    if isinstance(result.exception, InputError):
        raise result.exception
    return result.exit_code, result.output


def test_success_stands_beside_benign_callers_and_the_raised_limit_is_said() -> None:
    code, said = ran(EnforcedReport((HELD,), NONE), "--only", "simba", "--quick")
    assert code == 0
    assert "simba" in said
    assert "0.0%" in said
    flat = " ".join(said.split())
    assert "0 of 20,000 requests of 30 benign callers were refused; up to 11.4% of benign callers could be" in flat
    assert "the limit on automatic responses was raised" in flat


@pytest.mark.parametrize(
    ("run", "benign"),
    [
        (EnforcedRun("simba", 0, 0, success=True, answers=90, refused=False), NONE),
        (HELD, BenignCallers(30, 20_000, 1)),
    ],
    ids=["an attack succeeded", "a benign request was refused"],
)
def test_what_is_not_as_it_should_be_fails(run: EnforcedRun, benign: BenignCallers) -> None:
    assert ran(EnforcedReport((run,), benign))[0] == 1


def test_the_document_has_every_run(tmp_path: Path) -> None:
    out = tmp_path / "enforced.json"
    ran(EnforcedReport((HELD,), NONE), "--out", str(out), "--quiet")
    found = json.loads(out.read_text())
    assert found["schema"] == "caponier.enforced/1"
    assert found["limit_raised"] is True
    assert found["attacks"] == [
        {"name": "simba", "targets": 1, "succeeded": 0, "refused": 1, "answers": 8, "success": 0.0}
    ]
    assert found["benign"]["requests"] == 20_000
    assert found["runs"][0]["answers"] == 8


@pytest.mark.parametrize("arguments", [("--incident", "i-1"), ("--log", "x.parquet"), ("--only", "simbad")])
def test_what_does_not_go_with_it_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(InputError):
        ran(EnforcedReport((HELD,), NONE), *arguments)
