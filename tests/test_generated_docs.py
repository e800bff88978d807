"""What `scripts/docs` writes, in a folder of its own."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from caponier.app.coverage.technique_pages import pages

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "generate_docs.py"


@pytest.fixture
def generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_docs", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DOCS", tmp_path)
    monkeypatch.setattr("sys.argv", ["generate_docs.py"])
    return module


def drawn(page: Path) -> set[str]:
    return set(re.findall(r"\]\(pictures/([^)]+)\)", page.read_text(encoding="utf-8")))


def test_all_pages_are_written_once_and_then_up_to_date(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert generator.main() == 0
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == drawn(tmp_path / "scorecard.md")
    there = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "reference" / "techniques").iterdir()}
    assert there == pages()
    assert (tmp_path / "reference" / "cli.md").is_file()
    capsys.readouterr()
    assert generator.main() == 0
    assert capsys.readouterr().out.startswith("0 of ")
    monkeypatch.setattr("sys.argv", ["generate_docs.py", "--check"])
    assert generator.main() == 0


def test_a_check_names_changed_missing_and_left_over_pages_and_writes_nothing(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    generator.main()
    folder = tmp_path / "reference" / "techniques"
    (folder / "AML.T0000.md").write_text("changed")
    (folder / "AML.T0001.md").unlink()
    (folder / "AML.T9999.md").write_text("left over")
    capsys.readouterr()
    monkeypatch.setattr("sys.argv", ["generate_docs.py", "--check"])
    assert generator.main() == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in told] == [
        "docs/reference/techniques/AML.T0000.md",
        "docs/reference/techniques/AML.T0001.md",
        "docs/reference/techniques/AML.T9999.md",
    ]
    assert (folder / "AML.T0000.md").read_text() == "changed"
    assert not (folder / "AML.T0001.md").exists()


def test_writing_removes_what_nothing_makes_any_more(generator: ModuleType, tmp_path: Path):
    generator.main()
    left = tmp_path / "reference" / "techniques" / "AML.T9999.md"
    left.write_text("left over")
    other = tmp_path / "own.md"
    other.write_text("written by hand")
    generator.main()
    assert not left.exists()
    assert other.read_text() == "written by hand"
