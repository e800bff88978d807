import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from caponier import __version__
from caponier.app.coverage.cover import read_trials
from caponier.app.validate.validate import ValidationReport
from caponier.app.workspace.workspace import create_workspace
from caponier.cli.validate.validate import EXAMPLE, validate
from caponier.detect.calibration.judging import ALPHA
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId
from caponier.records.skip import Skip
from caponier.records.trial import Trial

app = typer.Typer()
app.command("validate", epilog=EXAMPLE)(validate)
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
    figures={
        "runs": 3,
        "succeeded": 3,
        "detected": 3,
        "worst": {"requests_to_first_finding": 536},
        "controls": {"burst": {"checked": 12, "flagged": 0}},
    },
)
MISSED = replace(TRIAL, detected=False, figures={**TRIAL.figures, "detected": 2})
NOISY = replace(
    TRIAL, control_silent=False, figures={**TRIAL.figures, "controls": {"burst": {"checked": 12, "flagged": 2}}}
)
BOTH = replace(NOISY, detected=False, figures={**NOISY.figures, "detected": 2})
MOOT = replace(TRIAL, attack_succeeded=False, detected=False, figures={**TRIAL.figures, "succeeded": 0, "detected": 0})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


def told(*trials: Trial, skipped: tuple[Skip, ...] = (), arguments: tuple[str, ...] = ()) -> Result:
    report = ValidationReport("v-1", trials, skipped, ("sigma:ml_image_push",), 12.3)
    with patch("caponier.cli.validate.validate.carry_out", return_value=report):
        return run(*arguments)


def test_help_ends_with_an_example() -> None:
    assert "Examples: caponier validate" in re.sub(r"\x1b\[[0-9;]*m", "", run("--help").stdout)


@pytest.mark.parametrize(
    ("trials", "skipped", "code", "words"),
    [
        ((TRIAL,), (), 0, "1 of 1 trials passed in 12 s, not kept: there is no workspace"),
        ((TRIAL, MISSED), (), 1, "failed: flood saw 2 of 3 successful runs of flood on digits-mlp"),
        ((NOISY,), (), 1, "failed: flood was not silent on burst (2 of 12)"),
        ((BOTH,), (), 1, "of flood on digits-mlp; flood was not silent on burst (2 of 12)"),
        ((MOOT,), (), 3, "flood did not succeed on digits-mlp: it proves nothing"),
        ((TRIAL,), (Skip("torch_checkpoints", "needs torch"),), 3, "not done: torch_checkpoints: needs torch"),
        ((MISSED,), (Skip("torch_checkpoints", "needs torch"),), 1, "not done: torch_checkpoints"),
    ],
)
def test_exit_codes_and_what_is_told(
    trials: tuple[Trial, ...], skipped: tuple[Skip, ...], code: int, words: str
) -> None:
    done = told(*trials, skipped=skipped)
    assert done.exit_code == code
    assert words in " ".join(done.stderr.split())
    assert "no emulation yet: sigma:ml_image_push" in done.stderr


@pytest.mark.parametrize(
    ("trial", "word"), [(TRIAL, "passed"), (MISSED, "missed"), (NOISY, "noisy"), (MOOT, "no proof")]
)
def test_the_table_says_what_came_of_each_trial(trial: Trial, word: str) -> None:
    row = told(trial, arguments=("--format", "csv")).stdout.splitlines()[1]
    assert row.startswith(f'"{word}","flood"')
    assert word in told(trial).stdout
    assert f"| {word} |" in told(trial, arguments=("--format", "markdown")).stdout


def test_quick_is_one_seed_and_only_and_the_share_are_passed_on() -> None:
    given: dict[str, Any] = {}

    def carry_out(**arguments: Any) -> ValidationReport:
        given.update(arguments)
        return ValidationReport("v-1", (), (), (), 0.0)

    with patch("caponier.cli.validate.validate.carry_out", carry_out):
        run("--quick", "--seed", "4", "--only", "flood", "--only", "jbda", "--alpha", "0.02")
        assert given["scale"].seeds == (4,)
        assert given["scale"].alpha == 0.02
        assert given["only"] == ("flood", "jbda")
        run()
        assert given["scale"].seeds == (0, 1, 2)
        assert given["scale"].alpha == ALPHA
        told = run("--alert-budget", "14 per week")
        assert "deprecated: --alert-budget means nothing any more" in told.stderr
        assert given["scale"].alpha == ALPHA
        assert isinstance(run("--alpha", "7").exception, InputError)


def test_a_real_validation_is_kept_and_written(tmp_path: Path) -> None:
    create_workspace(tmp_path / "home")
    out = tmp_path / "trials.json"
    done = run("--only", "stolen_account", "--quick", "--workspace", tmp_path / "home", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "kept as v-" in done.stderr
    assert done.stdout == ""
    assert {trial.emulation for trial in read_trials(out)} == {"stolen_account"}
    document = json.loads(out.read_text())
    assert document["caponier_version"] == __version__
    assert document["skipped"] == []


def test_quiet_prints_nothing_but_the_result() -> None:
    done = told(TRIAL, arguments=("--quiet",))
    assert done.stderr == ""
    assert "passed" in done.stdout
