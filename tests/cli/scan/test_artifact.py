import csv
import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

from caponier.app.incidents.findings import list_findings
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.cli.scan.artifact import EXAMPLE, artifact
from caponier.emulate.registry import files

app = typer.Typer()
app.command("artifact", epilog=EXAMPLE)(artifact)
app.command("other")(lambda: None)

HARMFUL = b"cos\nsystem\n(S'id'\ntR."


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["artifact", *map(str, arguments)])


def scanned(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    document = json.loads(run(*arguments, "--format", "json").stdout)
    return {Path(file["path"]).name: file for file in document["scanned"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    models = tmp_path / "models"
    models.mkdir()
    return models


def test_the_acceptance_folder(folder: Path) -> None:
    """One attack, two real models, and four files of which nothing can be known; and nothing is ever loaded."""
    pytest.importorskip("torch")
    canary = folder.parent / "canary"
    files()["plain_pickle_attack"].write(folder, canary)
    for path in folder.iterdir():
        if path.name != "protocol-4.pkl":
            path.unlink()
    control = folder.parent / "control"
    for name, kept in (("torch_checkpoints", "weights.pt"), ("sklearn_models", "forest-zlib.joblib")):
        (control / name).mkdir(parents=True)
        files()[name].write(control / name, canary)
        (folder / kept).write_bytes((control / name / kept).read_bytes())
    (folder / "truncated.joblib").write_bytes((control / "sklearn_models" / "forest.joblib").read_bytes()[:-500])
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as bomb, bomb.open("zeros", "w") as part:
        for _ in range(400):
            part.write(bytes(1 << 20))
    (folder / "loop").symlink_to(folder)
    (folder / "round").symlink_to("round")

    result = run(folder, "--format", "json")
    assert result.exit_code == 1, result.output
    verdicts = {Path(file["path"]).name: file for file in json.loads(result.stdout)["scanned"]}
    assert {name: file["verdict"] for name, file in verdicts.items()} == {
        "protocol-4.pkl": "unsafe",
        "weights.pt": "clean",
        "forest-zlib.joblib": "clean",
        "truncated.joblib": "unknown",
        "bomb.zip": "unknown",
        "loop": "unknown",
        "round": "unknown",
    }
    assert "ends early" in verdicts["truncated.joblib"]["reason"]
    assert "bomb" in verdicts["bomb.zip"]["reason"]
    assert "loop" in verdicts["loop"]["reason"]
    assert verdicts["round"]["reason"]
    assert not canary.exists()


def test_the_canary_can_sing(folder: Path) -> None:
    """The proof that nothing was loaded needs an attack that works: this one is run, as a command of its own."""
    canary = folder / "canary"
    files()["plain_pickle_attack"].write(folder, canary)
    order = (folder / "protocol-0.pkl").read_text().splitlines()[2].removeprefix("(V")
    assert os.system(order) == 0
    assert canary.exists()


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ({"a": pickle.dumps(1)}, 0),
        ({"a": HARMFUL}, 1),
        ({"a": b"\x00\x01"}, 3),
        ({"a": HARMFUL, "b": b"\x00\x01"}, 1),
        ({}, 0),
    ],
)
def test_exit_codes(folder: Path, contents: dict[str, bytes], code: int) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    assert run(folder).exit_code == code


def test_findings_below_the_bar_do_not_fail(folder: Path) -> None:
    (folder / "a").write_bytes(HARMFUL)
    assert run(folder, "--fail-on", "critical").exit_code == 0
    assert run(folder, "--fail-on", "high").exit_code == 1


def test_unsafe_and_unknown_files_are_both_listed(folder: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    (folder / "odd").write_bytes(b"\x00")
    result = run(folder)
    lines = result.stdout.splitlines()
    assert lines[1].startswith("unsafe")
    assert lines[2].startswith("unknown")
    assert "2 files: 0 clean, 1 unsafe, 1 unknown" in result.stderr
    assert "has no known format" not in result.stderr, "the table has it"
    as_data = run(folder, "--format", "csv").stderr
    assert "has no known format, or a damaged header" in " ".join(as_data.split())
    assert run(folder, "--quiet").stderr == ""


def test_the_document_is_the_published_one(folder: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    document = json.loads(run(folder, "--format", "json").stdout)
    assert document["schema"] == "caponier.findings/1"
    assert document["scanned"][0].keys() >= {"path", "sha256", "verdict", "reason"}
    assert document["scanned"][0]["sha256"] == hashlib.sha256(HARMFUL).hexdigest()
    assert document["findings"][0]["subject"]["kind"] == "file"
    assert document["skipped"] == []


def test_csv_and_markdown_hold_a_row_a_file(folder: Path) -> None:
    (folder / "=cmd()|x.pkl").write_bytes(HARMFUL)
    relative = run("models/=cmd()|x.pkl", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(relative.stdout)))
    assert [row["verdict"] for row in rows] == ["unsafe"]
    markdown = run(folder, "--format", "markdown").stdout
    assert "cmd()\\|x.pkl" in markdown
    assert len(markdown.splitlines()) == 3


def test_names_cannot_write_on_the_terminal(folder: Path) -> None:
    (folder / "a\x1b[31m.pkl").write_bytes(b"cevil\x1b[0m\nx\n(tR.")
    result = run(folder)
    assert "\x1b" not in result.stdout
    assert "\x1b" not in result.stderr


def test_the_ignore_file_is_read_where_it_is_named(folder: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    digest = hashlib.sha256(HARMFUL).hexdigest()
    entry = f"ignore:\n- {{sha256: {digest}, reason: ours, expires: "
    accepted, expired = folder.parent / "accepted.yaml", folder.parent / "expired.yaml"
    accepted.write_text(entry + "2999-12-31}\n")
    expired.write_text(entry + "2020-12-31}\n")
    assert run(folder, "--ignore", accepted).exit_code == 0
    assert scanned(folder, "--ignore", accepted)["bad.pkl"]["ignored"] == "ours"
    result = run(folder, "--ignore", expired)
    assert result.exit_code == 1
    assert "was to be ignored until 2020-12-31" in result.stderr
    (folder / "ignore.yaml").write_text(accepted.read_text())
    assert run(folder).exit_code == 1


def test_findings_are_kept_in_the_workspace(folder: Path) -> None:
    (folder / "bad.pkl").write_bytes(HARMFUL)
    create_workspace(folder.parent / "home")
    home = folder.parent / "home"
    for _ in range(2):
        assert run(folder, "--workspace", home).exit_code == 1
    (kept,) = list_findings(require_workspace(home))
    assert kept.subject.path == str(folder / "bad.pkl")


def test_help_has_an_example() -> None:
    result = CliRunner().invoke(app, ["artifact", "--help"])
    assert result.exit_code == 0
    assert "caponier scan artifact models/" in result.stdout


def test_a_named_file_that_may_not_be_read_is_a_line_beside_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "evil.pkl").write_bytes(HARMFUL)
    # What a check before the scan would ask: it must not be asked, for it would end the scan of all others.
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert run(folder / "evil.pkl", folder).exit_code == 1
