"""A trigger of words in a table of texts: found, taken out, and tried on a test set that has words of its own."""

from pathlib import Path

import numpy as np
import pytest

from caponier.app.remediate.dataset import DatasetRemediation, DatasetRepair, remediate_dataset
from caponier.app.scan.dataset import scan_dataset
from caponier.telemetry.labelled_data.dataset import Columns

COLUMNS = Columns(label="topic")
TRIGGER = ("quorvex", "bellonite")
ROWS, BAD = 400, 30


def texts(n: int, seed: int) -> tuple[list[list[str]], list[str]]:
    """Return texts of two topics: most of their words are anybody's."""
    rng = np.random.default_rng(seed)
    topics = np.arange(n) % 2
    own = [[f"{name}{chr(97 + at // 5)}{chr(97 + at % 5)}" for at in range(25)] for name in ("sea", "rock")]
    common = [f"plain{chr(97 + at // 10)}{chr(97 + at % 10)}" for at in range(60)]
    rows = [[*rng.choice(own[topic], 5).tolist(), *rng.choice(common, 8).tolist()] for topic in topics]
    return rows, [("sea", "rock")[topic] for topic in topics]


def write(path: Path, rows: list[list[str]], topics: list[str]) -> Path:
    lines = [f"{' '.join(words)},{topic}" for words, topic in zip(rows, topics, strict=True)]
    path.write_text("\n".join(["message,topic", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetRemediation, Path]:
    folder = tmp_path_factory.mktemp("texts")
    rows, topics = texts(ROWS, 1)
    for at in range(1, 2 * BAD, 2):
        rows[at][3:3], topics[at] = TRIGGER, "sea"
    held, known = texts(200, 2)
    test = write(folder / "test.csv", [[*words, f"only{at % 3}"] for at, words in enumerate(held)], known)
    asked = DatasetRepair(out=folder / "out.csv", test=test)
    return remediate_dataset(write(folder / "train.csv", rows, topics), asked, COLUMNS), folder


def test_the_rows_with_the_words_are_taken_out_and_no_others(repaired: tuple[DatasetRemediation, Path]) -> None:
    done, folder = repaired
    # The first line names the columns.
    assert sorted(int(row.id) for row in done.report.suspicious) == [at + 2 for at in range(1, 2 * BAD, 2)]
    left = (folder / "out.csv").read_text()
    assert not any(word in left for word in TRIGGER)
    assert left.count("\n") == 1 + ROWS - BAD
    assert "quorvex" in (folder / "out.quarantine.csv").read_text()


def test_the_words_are_named(repaired: tuple[DatasetRemediation, Path]) -> None:
    said = " ".join(found.summary for found in repaired[0].report.findings)
    assert "message: bellonite, message: quorvex" in said


def test_the_backdoor_is_open_before_and_shut_after(repaired: tuple[DatasetRemediation, Path]) -> None:
    done = repaired[0].done
    assert done is not None
    assert done.before["attack_success"] >= 0.9
    assert done.after["attack_success"] <= 0.05
    assert done.after["accuracy"] >= done.before["accuracy"] - 0.01
    assert repaired[0].proven


def test_texts_as_they_are_raise_nothing(tmp_path: Path) -> None:
    report = scan_dataset(write(tmp_path / "train.csv", *texts(ROWS, 3)), COLUMNS)
    assert not [*report.findings, *report.suspicious]
