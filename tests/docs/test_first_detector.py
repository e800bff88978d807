"""The package of docs/tutorial/first-detector.md, installed as pip would, finds what the page says."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from app.inference.event_files import log, rows
from docs.pages import ROOT, ours
from packages import installed
from test_drop_in import python

PAGE = ROOT / "docs" / "tutorial" / "first-detector.md"
TEXT = PAGE.read_text(encoding="utf-8")
GROUP = "caponier.detectors"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (project,), (module,) = (re.findall(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL) for kind in ("toml", "python"))
    about = tomllib.loads(project)["project"]
    points = {f"{GROUP}:{name}": place for name, place in about["entry-points"][GROUP].items()}
    folder = tmp_path / "site"
    folder.mkdir()
    return installed(folder, about["name"], {"my_detectors": module}, points)


def test_the_package_of_the_page_finds_who_sends_blanks(site: Path, tmp_path: Path) -> None:
    callers = [
        row
        for caller in range(150)
        for row in rows(12, 12 * caller, principal=f"u{caller}", input=lambda i: [i % 97, i, i % 89])
    ]
    log(tmp_path, callers, name="benign.jsonl")
    log(tmp_path, rows(45, 900, principal="eve", input=lambda i: [0, i, 0]), name="today.jsonl")
    build, scan, show = (one.words[1:] for one in ours(PAGE))
    paths = {"benign.jsonl", "today.jsonl", "b.safetensors"}

    def run(words: list[str], *more: str) -> tuple[int, str, str]:
        done = python(
            site, "-m", "caponier", *[str(tmp_path / word) if word in paths else word for word in words], *more
        )
        return done.returncode, done.stdout, done.stderr

    code, _, told = run(build)
    assert code == 0, told
    assert re.search(r"detectors that run: .*blank_inputs", told)
    code, out, told = run(scan, "--format", "json")
    assert code == 1, told
    finding = next(one for one in json.loads(out)["findings"] if one["detector"] == "blank_inputs")
    assert finding["subject"]["id"] == "eve"
    assert finding["summary"].startswith("One caller sent ")
    assert "that are mostly blank in " in finding["summary"]
    assert show[:2] == ["findings", "show"]
