"""Every link between pages leads to a page that is there, and to a heading that it has."""

import re
from pathlib import Path

import pytest

from caponier.app.coverage.page_links import anchor
from docs.pages import PAGES, ROOT

SECTIONS = ("tutorial", "how-to", "reference", "explanation")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {anchor(title.strip()) for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, part = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path).resolve() if path else page
        known = target.exists() and (not part or target.suffix != ".md" or part in headings(target))
        broken += [] if known else [link]
    assert not broken


def test_every_page_stands_in_a_section_and_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in LINK.findall(index)}
    above = {"README.md", "scorecard.md"}
    pages = [page for page in PAGES if ROOT / "docs" in page.parents and page.name not in above]
    assert {page.relative_to(ROOT / "docs").parts[0] for page in pages} == set(SECTIONS)
    assert not [page for page in pages if page not in linked and page.parent.name != "detections"]
