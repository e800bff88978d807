"""What README, tutorials, how-to guides and reference have their readers type is done, line by line, in one folder."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from caponier.records.response_action import ActionState
from cli.command import Ran, run_in
from docs.pages import PAGES, ROOT, Command, commands
from docs.stage import furnish_demo, furnished

pytestmark = pytest.mark.slow
ELSEWHERE: Final = {
    r"(\S+/)?pip install|python3 -m venv|cd |scripts/|\./scripts/": "what is installed is what runs the tests",
    r"(\S+/)?caponier demo": "tests/cli/demo/test_demo.py",
    r"caponier guard": "tests/cli/test_guard.py",
    r"caponier collect": "tests/cli/test_collect.py",
    r"caponier enrich": "tests/cli/test_enrich.py",
    r"caponier remediate (membership|robustness)": "tests/app/remediate/test_retrained_model.py",
    r"caponier validate --log": "tests/cli/validate/test_own_log.py",
    r"caponier validate$": "tests/cli/validate/test_validate.py",
    r"caponier validate --mode enforce": "tests/cli/validate/test_enforced.py",
    r"cat >> ": "tests/journeys/test_first_finding.py",
}
"""What does not run here, and which test runs it."""
OTHERS: Final = {
    "docs/tutorial/first-detector.md": "tests/docs/test_first_detector.py",
    "docs/tutorial/first-finding.md": "tests/journeys/test_first_finding.py",
    "docs/how-to/field-maps.md": "tests/journeys/test_own_form.py",
    "docs/how-to/spark.md": "tests/engines/spark/test_cluster.py",
}
"""Pages whose commands another test runs as a whole."""
RUN: Final = [
    page
    for page in PAGES
    if page.relative_to(ROOT).as_posix() not in OTHERS
    and page.name not in ("cli.md", "CONTRIBUTING.md", "SECURITY.md")
    and page.parent.name != "explanation"
    and any(one.parts[0].words[0].endswith("caponier") for one in commands(page) if "<<" not in one.text)
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return furnished(tmp_path_factory)


class Shell:
    """Goes through a page as somebody does who types what stands there."""

    def __init__(self, home: Path) -> None:
        self.folder = home

    def type(self, command: Command) -> Ran | None:
        """Do one line, or None where another test does it."""
        for one in command.parts:
            if one.text.startswith("cd "):
                self.folder = (self.folder / one.words[1]).resolve()
            elif any(re.match(pattern, one.text) for pattern in ELSEWHERE):
                continue
            elif one.is_ours:
                # Planting attacks takes long, and tests of its own do it.
                quick = ["--no-self-test"] * (one.words[1:3] == ["baseline", "build"])
                # Nobody approves what he asked for himself.
                environment = {"LOGNAME": "grace"} if "approve" in one.words else {}
                stdin = (self.folder / one.stdin).read_bytes() if one.stdin else b""
                ran = run_in(self.folder, *map(self.meant, one.words[1:]), *quick, environment=environment, stdin=stdin)
                assert ran.code in (0, 1, 3), f"{one}\n{ran.code}: {ran.err}"
                assert "Traceback" not in ran.err
            else:
                subprocess.run(one.words, cwd=self.folder, check=True)
        return None

    def meant(self, word: str) -> str:
        """Put ids of what is there in place of those that a page made up."""
        for kind, pattern in {"incidents": r"i-[0-9a-f…]+|INCIDENT", "findings": r"f-[0-9a-f…]+"}.items():
            if re.fullmatch(pattern, word):
                (first, *_) = json.loads(self._asked(kind, "list").out)[kind]
                return str(first[f"{kind[:-1]}_id"])
        if re.fullmatch(r"a-[0-9a-f…]+", word):
            listed = json.loads(self._asked("respond", "list", "--all").out)["actions"]
            waiting = [one for one in listed if one["state"] == ActionState.AWAITING_APPROVAL]
            return str((waiting or listed)[0]["action_id"])
        if re.fullmatch(r"\d+:[0-9a-f]+…", word):
            head = re.search(r"\d+:[0-9a-f]{64}", str(run_in(self.folder, "audit", "verify", environment={})))
            assert head
            return head[0]
        return word

    def _asked(self, *words: str) -> Ran:
        return run_in(self.folder, *words, "--format", "json", environment={})


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_can_be_typed_from_top_to_bottom(page: Path, stage: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(stage, home)
    shell = Shell(home)
    if "demo-out" in page.read_text(encoding="utf-8"):
        furnish_demo(home)
    if page.name == "contribute-to-a-matrix.md":
        # The page says so: a story is told when it is over.
        shell.type(Command(page, "caponier incidents close INCIDENT --reason over"))
        (home / "contributions").mkdir()
    for command in commands(page):
        if command.words[1:3] == ["matrix", "review"]:
            # By now the form is filled in as the page shows it.
            (filled, *_) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
            for file in (home / "spoofing.yaml", home / "contributions" / "spoofing.yaml"):
                file.write_text(filled)
        if "<<" not in command.text:
            shell.type(command)


@pytest.mark.parametrize("page", ["README.md", "docs/reference/python.md"])
def test_what_a_page_shows_in_python_runs(
    page: str, stage: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stage)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})
    assert capsys.readouterr().out


def test_what_runs_elsewhere_has_a_test() -> None:
    named = [*ELSEWHERE.values(), *OTHERS.values()]
    assert all((ROOT / place).is_file() for place in named if place.startswith("tests/"))
    assert all((ROOT / page).is_file() for page in OTHERS)
