"""docs/tutorial/notebook.py runs from its first cell to its last, and finds whom it says."""

import re
import runpy
from pathlib import Path

import pytest

from docs.pages import ROOT

SCRIPT = ROOT / "docs" / "tutorial" / "notebook.py"


def test_the_notebook_finds_who_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = runpy.run_path(str(SCRIPT))
    assert {one.subject.id for one in names["found"].findings} == {"mallory"}
    assert "iterative_query" in {one.detector for one in names["found"].findings}
    assert any(one.subject.kind == "source" and one.subject.id == "mallory" for one in names["poisoned"].findings)
    assert "<table>" in names["found"]._repr_html_()
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_cells_are_marked_as_notebooks_read_them() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    assert len(re.findall(r"^# %%$", text, re.MULTILINE)) >= 5
