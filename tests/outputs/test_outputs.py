"""What a newcomer gets to read, whole: of scans, findings, incidents, baselines and errors."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from cli.command import run_in
from docs.stage import furnished
from outputs.held_output import HeldOutputs

pytestmark = pytest.mark.slow
WIDE: Final = {"COLUMNS": "160", "LOGNAME": "ada"}
OUTPUTS: Final[dict[str, str]] = {
    "baseline-build": "baseline build september.parquet --no-self-test --out new.safetensors",
    "baseline-show": "baseline show digits.safetensors",
    "scan-inference": "scan inference today.parquet --baseline digits.safetensors",
    "scan-inference-cold": "scan inference today.parquet",
    "scan-inference-own-form": "scan inference requests.jsonl",
    "scan-artifact": "scan artifact models/",
    "scan-dataset": "scan dataset train.csv --label fraud --source contributor",
    "scan-model": "scan model classifier.safetensors --samples clean.npz",
    "scan-logs": "scan logs AWSLogs auth.log jupyter.log",
    "findings-list": "findings list",
    "findings-show": "findings show FINDING",
    "incidents-list": "incidents list",
    "incidents-show": "incidents show INCIDENT",
    "respond-plan": "respond plan INCIDENT",
    "coverage": "coverage",
    "doctor": "doctor",
    "matrix-show": "matrix show AML.T0024",
    "help": "--help",
    "help-scan": "scan --help",
    "help-findings": "findings --help",
    "error-no-log": "scan inference nowhere.parquet",
    "error-no-baseline": "scan inference today.parquet --baseline nowhere.safetensors",
    "error-no-events": "scan inference train.csv",
    "error-no-incident": "incidents show i-nothing",
    "error-no-finding": "findings verdict f-nothing true",
    "error-not-two": "baseline compare digits.safetensors today.parquet",
}
"""Name of the file, and the command."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this module's own, in which the commands are typed one after the other."""
    return Path(shutil.copytree(furnished(tmp_path_factory), tmp_path_factory.mktemp("outputs") / "home"))


@pytest.mark.parametrize("name", OUTPUTS)
def test_what_is_printed_is_what_is_held(name: str, home: Path, tmp_path: Path, held: HeldOutputs) -> None:
    # Each command sees the stage as it was: a scan would leave findings to the next.
    folder = Path(shutil.copytree(home, tmp_path / "home"))
    words = OUTPUTS[name].split()
    for kind, place in (("findings", "FINDING"), ("incidents", "INCIDENT")):
        if place in words:
            found = run_in(folder, kind, "list", "--format", "csv", environment=WIDE).out
            words[words.index(place)] = found.splitlines()[1].split(",")[0]
    ran = run_in(folder, *words, environment=WIDE)
    said = f"$ caponier {OUTPUTS[name]}\n{ran.out}-- errors and notes\n{ran.err}-- exit code {ran.code}\n"
    held.check(name, said, folder)
