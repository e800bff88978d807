import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.inference.baseline.test_story import CALM, SPEC, built, told
from app.inference.event_files import FirstFeature, log, only, users
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.baseline.picture import picture
from caponier.app.inference.baseline.story import Story
from caponier.detect.calibration.judging import FEWEST

SVG = "{http://www.w3.org/2000/svg}"


def drawn(story: Story) -> ElementTree.Element:
    return ElementTree.fromstring(picture([story]))


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_a_row_says_in_words_what_it_shows(tmp_path: Path) -> None:
    root = drawn(told(built(tmp_path)))
    (row,) = [group for group in root.iter(f"{SVG}g") if group.get("role") == "img"]
    (title,) = [title.text or "" for title in row.iter(f"{SVG}title")]
    assert re.match(
        r"first_feature: of 60 benign callers half stay below 9\.[\d]+, nine tenths below 9\.[\d]+\. "
        r"raises a finding from \d",
        title,
    )
    assert "first_feature" in texts(root)
    assert any(text.startswith("queries from ") for text in texts(root))


def test_the_whole_has_a_title_and_a_description(tmp_path: Path) -> None:
    root = drawn(told(built(tmp_path)))
    assert root.get("aria-label") == "Benign maxima and thresholds of m"
    assert root.find(f"{SVG}title").text == "Benign maxima and thresholds of m"  # type: ignore[union-attr]
    assert "first_feature" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]


def test_it_holds_in_the_dark_and_asks_no_other_host(tmp_path: Path) -> None:
    text = picture([told(built(tmp_path))])
    assert "prefers-color-scheme: dark" in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]


@pytest.mark.parametrize(("principals", "dashed"), [(60, False), (FEWEST - 1, True)])
def test_a_limit_of_a_cold_start_is_dashed(tmp_path: Path, principals: int, dashed: bool) -> None:
    root = drawn(told(built(tmp_path, principals)))
    (line,) = [path for path in root.iter(f"{SVG}path") if path.get("class") == "threshold"]
    assert (line.get("stroke-dasharray") is not None) is dashed
    assert any(text.startswith("cold start, ") for text in texts(root)) is dashed


def test_every_benign_maximum_stands_left_of_a_threshold_above_it(tmp_path: Path) -> None:
    root = drawn(told(built(tmp_path)))
    paths = {
        kind: [p.get("d") or "" for p in root.iter(f"{SVG}path") if p.get("class") == kind]
        for kind in ("benign", "threshold")
    }
    at = float(re.match(r"M([0-9.]+)", paths["threshold"][0])[1])  # type: ignore[index]
    assert paths["benign"]
    assert all(float(re.match(r"M([0-9.]+)", path)[1]) < at + 0.1 for path in paths["benign"])  # type: ignore[index]


def test_a_detector_that_does_not_run_has_no_threshold(tmp_path: Path) -> None:
    root = drawn(told(built(tmp_path, FEWEST - 1, cold=None), None))
    assert not [path for path in root.iter(f"{SVG}path") if path.get("class") == "threshold"]
    assert "does not run" in texts(root)


def test_a_threshold_of_zero_and_nobody_to_rank_among_are_drawn(tmp_path: Path) -> None:
    story = told(built(tmp_path))
    (status,) = story.statuses
    none = replace(status.learned.ranks, scores=status.learned.ranks.scores[:, :0])
    odd = replace(status, learned=replace(status.learned, ranks=none), needed=0.0)
    assert drawn(replace(story, statuses=(odd,))).tag == f"{SVG}svg"


def test_names_from_logs_cannot_break_it(tmp_path: Path) -> None:
    with only(FirstFeature(), 1e9):
        file = log(tmp_path, users(60, model="<b>&\x07", **CALM))
        report = build_baseline([file], spec=SPEC)
    root = drawn(told(report))
    assert any(text.startswith("<b>&") for text in texts(root))
