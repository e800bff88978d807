import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.command import run

from caponier.app.scan.dataset import scan_dataset
from caponier.app.scan.look_alikes import look_alikes
from caponier.cli.scan.dataset_page import dataset_page
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import load_digits_split
from caponier.formats.grey_png import grey_png
from caponier.telemetry.labelled_data.dataset import Columns

HOSTILE = "<script>alert(1)</script>"


def table(path: Path) -> Path:
    """A table whose first column decides; every twentieth label is wrong and comes from a hostile name."""
    rng = np.random.default_rng(3)
    lines = ["size,weight,who,kind"]
    for row in range(400):
        large = row % 2
        wrong = row % 20 == 0
        kind = "large" if large != wrong else "small"
        lines.append(f"{large * 5 + rng.normal():.3f},{rng.normal():.3f},{HOSTILE if wrong else 'ann'},{kind}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_pictures_are_drawn_beside_what_they_are_like(tmp_path: Path) -> None:
    poisoned = poisons()["corner_backdoor"].apply(load_digits_split(21).train, 0.1, 22)
    (tmp_path / "train.npz").write_bytes(as_npz(poisoned.pool))
    page = dataset_page(scan_dataset(tmp_path / "train.npz"))
    assert "trigger_rows" in page
    pictures = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    assert len(pictures) >= 3 * 20
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as drawn:
        assert (drawn.size, drawn.mode) == ((8, 8), "L")
        assert np.asarray(drawn)[-1, -1] == 255, "the trigger is to be seen"
    assert not re.search(r"https?://|<script|<link", page)


def test_rows_of_a_table_are_shown_by_what_is_unlike_their_label_and_names_do_no_harm(tmp_path: Path) -> None:
    report = scan_dataset(table(tmp_path / "t.csv"), Columns("kind", "who"))
    page = dataset_page(report)
    assert report.suspicious
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert 'class="bar"' in page
    assert "size:" in page
    assert "<img" not in page


def test_what_a_row_is_like_is_never_itself_nor_flagged(tmp_path: Path) -> None:
    dataset = scan_dataset(table(tmp_path / "t.csv"), Columns("kind", "who")).dataset
    flagged = np.arange(len(dataset)) % 3 == 0
    for like in look_alikes(dataset, flagged, [0, 1, 2]):
        assert like.same is not None
        assert like.other is not None
        assert like.row not in (like.same, like.other)
        assert not flagged[[like.same, like.other]].any()
        assert dataset.y[like.same] == dataset.y[like.row] != dataset.y[like.other]
        assert [one.size for one in like.differences] == sorted((one.size for one in like.differences), reverse=True)
    nobody = np.ones(len(dataset), bool)
    assert look_alikes(dataset, nobody, [0])[0].same is None


def test_a_picture_comes_back_as_it_was() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9)).astype(np.uint8)
    with Image.open(io.BytesIO(grey_png(pixels))) as read:
        assert np.array_equal(np.asarray(read), pixels)


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "scan", "dataset", table(tmp_path / "t.csv"), "--label", "kind", "--page", tmp_path / "p.html")
    assert done.code in (0, 1)
    assert "<!doctype html>" in (tmp_path / "p.html").read_text()


def test_a_set_in_which_nothing_is_suspicious_has_a_page_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "clean.npz").write_bytes(as_npz(load_digits_split(21).train))
    assert "No row is suspicious" in dataset_page(scan_dataset(tmp_path / "clean.npz"))
