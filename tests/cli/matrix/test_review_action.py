"""The ready workflow action, its shell steps run in a repository as a runner runs them."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from matrix.contributions.made import EVIDENCE, TECHNIQUE, changed, file

ROOT = Path(__file__).resolve().parents[3]
ACTION = ROOT / ".github" / "actions" / "matrix-review"
INPUTS = {"paths": "contributions", "changed-only": "false", "matrix": "", "fail-on-look": "false", "version": ""}

pytestmark = pytest.mark.skipif(
    not ACTION.is_dir() or not shutil.which("bash") or not shutil.which("git"), reason="needs bash, git and a checkout"
)

BAD = changed(TECHNIQUE, severity="high", description="")
LOOK = changed(TECHNIQUE, id="AMLTM.EVADE.07")


@dataclass(frozen=True)
class Step:
    """What a run of the action left."""

    code: int
    log: str
    summary: str
    output: str

    @property
    def commands(self) -> list[str]:
        """The lines that a runner obeys."""
        return [line for line in self.log.splitlines() if line.lstrip().startswith("::") or "##[" in line]


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    home = tmp_path / "repository"
    (home / "contributions").mkdir(parents=True)
    git(home, "init", "--quiet", "--initial-branch", "main")
    file(home, "# Ours\n", "README.md")
    commit(home, "Begin")
    # A runner has the base branch as a remote one.
    git(home, "update-ref", "refs/remotes/origin/main", "main")
    git(home, "switch", "--quiet", "--create", "proposal")
    return home


def git(home: Path, *arguments: str) -> None:
    names = ["-c", "user.name=T", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *names, *arguments], cwd=home, check=True, capture_output=True)


def commit(home: Path, subject: str) -> None:
    git(home, "add", "--all")
    git(home, "commit", "--quiet", "--message", subject)


def act(home: Path, base: str | None = "main", **inputs: str) -> Step:
    """Run the steps of the action but for the one that installs: the present environment stands for it."""
    summary, output = home.parent / "summary.md", home.parent / "output.txt"
    values = INPUTS | {key.replace("_", "-"): value for key, value in inputs.items()}
    steps = [step for step in action()["runs"]["steps"] if "run" in step and "pip install" not in step["run"]]
    log, code = "", 0
    for step in steps:
        given = {key: values[value[len("${{ inputs.") : -len(" }}")]] for key, value in step["env"].items()}
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home.parent),
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_WORKSPACE": str(home),
            "LC_ALL": "C.UTF-8",
        } | ({"GITHUB_BASE_REF": base} if base else {})
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=home,
            env=environment | given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        log, code = log + ran.stdout, ran.returncode
    told = [path.read_text() if path.exists() else "" for path in (summary, output)]
    return Step(code, log, *told)


def test_every_input_is_described_and_none_gets_into_a_shell() -> None:
    loaded = action()
    assert set(loaded["inputs"]) == {*INPUTS, "python-version"}
    assert all(one["description"] for one in loaded["inputs"].values())
    assert loaded["runs"]["using"] == "composite"
    runs = [step["run"] for step in loaded["runs"]["steps"] if "run" in step]
    assert runs
    assert not any("${{" in run for run in runs)
    assert any(run.startswith("python -m pip install") for run in runs)


def test_a_good_contribution_passes_without_a_word(repository: Path) -> None:
    file(repository, TECHNIQUE, "contributions/good.yaml")
    step = act(repository)
    assert (step.code, step.commands, step.output) == (0, [], "verdict=good\n")
    assert "| contributions/good.yaml | technique | nothing found |" in step.summary


def test_a_bad_one_fails_with_annotations_on_its_lines(repository: Path) -> None:
    path = file(repository, BAD, "contributions/bad.yaml")
    file(repository, EVIDENCE, "contributions/good.yaml")
    step = act(repository)
    lines = path.read_text().splitlines()
    line = 1 + next(place for place, text in enumerate(lines) if text.startswith("severity:"))
    assert (step.code, step.output) == (2, "verdict=error\n")
    assert len(step.commands) == 2
    assert f"::error file=contributions/bad.yaml,line={line},title=severity%3A cannot be taken::severity: " in step.log
    assert "| contributions/bad.yaml | technique | cannot be taken |" in step.summary
    assert "| contributions/good.yaml | evidence | nothing found |" in step.summary


@pytest.mark.parametrize(("strict", "code"), [("false", 0), ("true", 1)])
def test_what_somebody_has_to_look_at_is_a_warning(repository: Path, strict: str, code: int) -> None:
    file(repository, LOOK, "contributions/look.yaml")
    step = act(repository, fail_on_look=strict)
    assert (step.code, step.output) == (code, "verdict=look\n")
    assert [line.split()[0] for line in step.commands] == ["::warning"]


def test_only_changed_files_are_reviewed_if_asked(repository: Path) -> None:
    file(repository, BAD, "contributions/old.yaml")
    commit(repository, "Add a bad one")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    nothing = act(repository, changed_only="true")
    assert (nothing.code, nothing.output) == (0, "verdict=good\n")
    file(repository, EVIDENCE, "contributions/new.yaml")
    file(repository, "no contribution", "contributions/notes.txt")
    commit(repository, "Add a good one")
    assert act(repository, changed_only="true").code == 0
    assert act(repository, changed_only="false").code == 2
    # Outside of a pull request there is nothing to compare with.
    assert act(repository, None, changed_only="true").code == 2


HOSTILE = [
    "$(touch owned).yaml",
    "`touch owned`.yaml",
    "a;touch owned;.yaml",
    "--out=owned.yaml",
    "-q.yaml",
    "a\n::error::forged.yaml",
    "a\n::set-output name=x::y.yaml",
    "a%0A::error::forged,line=9.yaml",
    "##[error]forged.yaml",
    "a\r::warning::forged.yaml",
    "é\u202e.yaml",
]


@pytest.mark.parametrize("changed_only", ["true", "false"])
def test_a_hostile_name_is_a_name(repository: Path, changed_only: str) -> None:
    for name in HOSTILE:
        (repository / "contributions" / name).write_text(BAD)
    commit(repository, "Add")
    step = act(repository, changed_only=changed_only)
    assert step.code == 2
    # Each file has a severity and no description; all but the first have the id and the name of another.
    assert len(step.commands) == 4 * len(HOSTILE) - 2
    assert all(line.startswith(("::error file=contrib", "::warning file=contrib")) for line in step.commands)
    assert len(step.log.splitlines()) == len(step.commands)
    assert "##[" not in step.log
    assert not list(repository.rglob("owned*"))


def test_hostile_text_forges_no_annotation_and_no_markup(repository: Path) -> None:
    text = changed(
        BAD,
        id="x%0A::error::forged",
        tactics=["a\r\n::error::forged", "##[error]forged", "$(touch owned)", "`touch owned`", "|<script>"],
    )
    file(repository, text, "contributions/bad.yaml")
    step = act(repository)
    assert step.code == 2
    assert all(line.startswith("::error file=contributions/bad.yaml,line=") for line in step.commands)
    assert not any("##[" in line or "%0A" in line for line in step.commands)
    assert "<script>" not in step.summary
    assert not list(repository.rglob("owned"))


@pytest.mark.parametrize("paths", ["absent\n::error::forged", "contributions/none", "", "--help"])
def test_what_is_not_there_fails_and_forges_nothing(repository: Path, paths: str) -> None:
    step = act(repository, paths=paths)
    assert step.code == 2
    assert not [line for line in step.commands if not line.startswith(("::error file=", "::warning file="))]


@pytest.mark.parametrize("changed_only", ["true", "false"])
def test_a_link_is_never_followed(repository: Path, changed_only: str) -> None:
    secret = file(repository.parent, changed(TECHNIQUE, secret_key="hunter2", name="hunter3 TODO"), "secret.yaml")
    (repository / "contributions" / "link.yaml").symlink_to(secret)
    commit(repository, "Add a link")
    if changed_only == "true":
        linked = act(repository, changed_only="true")
    else:
        (repository / "other").symlink_to(repository.parent)
        linked = act(repository, paths="contributions\nother")
    assert (linked.code, linked.output) == (2, "verdict=error\n")
    assert "link, which is not followed" in linked.log
    assert "hunter" not in linked.log + linked.summary
    assert "secret_key" not in linked.log + linked.summary


def test_a_link_that_the_pull_request_does_not_change_is_told_too(repository: Path) -> None:
    file(repository, TECHNIQUE, "contributions/good.yaml")
    (repository / "contributions" / "link.yaml").symlink_to(repository.parent / "secret.yaml")
    linked = act(repository)
    assert (linked.code, linked.output) == (2, "verdict=error\n")
    assert "link.yaml: this is a link" in linked.log


def test_a_path_that_was_never_there_does_not_pass_as_unchanged(repository: Path) -> None:
    file(repository, TECHNIQUE, "contributions/good.yaml")
    commit(repository, "Add one")
    mistyped = act(repository, changed_only="true", paths="contributions\ncontributoins")
    assert (mistyped.code, mistyped.output) == (2, "verdict=error\n")
    assert "is not there" in mistyped.log


def test_a_base_that_is_not_there_is_told(repository: Path) -> None:
    file(repository, TECHNIQUE, "contributions/good.yaml")
    step = act(repository, "absent", changed_only="true")
    assert (step.code, step.output) == (2, "verdict=error\n")
    assert "fetch-depth: 0" in step.log


def test_an_unknown_version_fails_with_a_message(repository: Path) -> None:
    file(repository, TECHNIQUE, "contributions/good.yaml")
    step = act(repository, matrix="nope\n::error::forged")
    assert step.code == 2
    assert step.commands == []
    assert "caponier: error: there is no matrix version" in step.log
    assert "could not be reviewed" in step.summary
