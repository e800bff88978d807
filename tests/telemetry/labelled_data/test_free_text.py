"""Columns of free text become words that rows have; names, keys and dates do not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from caponier.errors import InputError
from caponier.telemetry.labelled_data import free_text
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.free_text import ROWS, is_free_text, known_words, word_features
from caponier.telemetry.labelled_data.table import read

TEXT = Columns(label="y")
FRUIT = ["the apple fell far", "the pear lay near", "the plum hung high"]


def table(texts: list[str | None], extra: str = "") -> Dataset:
    lines = [f'"{text or ""}",{at % 2}' for at, text in enumerate(texts)]
    return read(Path("a.csv"), "\n".join([f"t,y{extra}", *lines]).encode(), "d", TEXT)


def many(n: int = 100) -> list[str | None]:
    """Return texts all of which differ."""
    return [f"{FRUIT[at % 3]} number{at}" for at in range(n)]


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        (["somebody wrote a few words here", None, "and a few more words there"], True),
        (["John Smith", "Mary Ann Miller"], False),
        (["2026-01-05T09:00:00Z", "2026-01-06T10:00:00Z"], False),
        (["6f1c2a3b-9d1e-4c55-8a77-1f0e9b2c3d4e"] * 3, False),
        (["de Straße führt über den Fluß", "es regnete die ganze Nacht über"], True),
        ([None, ""], False),
        ([], False),
    ],
    ids=["text", "names", "moments", "keys", "letters of others", "nothing", "no row"],
)
def test_what_is_text(cells: list[str | None], text: bool) -> None:
    assert is_free_text(cells) == text


def test_words_that_several_rows_have_and_not_most_are_features() -> None:
    found = table(many())
    assert "t: apple" in found.features
    assert "t: fell" in found.features
    assert "t: the" not in found.features, "all have it"
    assert not [name for name in found.features if "number" in name], "one row each"
    apple = found.x[:, found.features.index("t: apple")]
    assert apple.tolist() == [float(at % 3 == 0) for at in range(100)]
    assert found.notes == ()


def test_case_does_not_count_and_signs_do() -> None:
    cells = ["Look HERE now please"] * ROWS + ["look here now please !!"] * ROWS + ["nothing of the kind"] * 40
    names, block = word_features("t", cells)
    assert names[0] == "t: !!"
    assert block[:, names.index("t: here")].sum() == 2 * ROWS
    assert block[:, 0].tolist() == [0.0] * ROWS + [1.0] * ROWS + [0.0] * 40


def test_a_word_of_too_few_rows_is_none() -> None:
    rest = [f"some thing or other{at}" for at in range(60)]
    for rows in (ROWS - 1, ROWS):
        names, _ = word_features("t", [*["rare words are here"] * rows, *rest])
        assert ("t: rare" in names) == (rows == ROWS)


def test_of_many_words_the_most_frequent_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [f"often {'seldom' if at % 2 else 'never'} {'now and then' if at % 5 == 0 else ''}" for at in range(100)]
    monkeypatch.setattr(free_text, "COMMON", 1.0)
    monkeypatch.setattr(free_text, "MOST", 3)
    assert word_features("t", cells)[0] == ["t: never", "t: often", "t: seldom"]
    monkeypatch.setattr(free_text, "VALUES", 200)
    assert word_features("t", cells)[0] == ["t: never", "t: often"]


def test_texts_that_share_no_word_are_left_out() -> None:
    alone = [" ".join(f"{letter}{chr(97 + at // 26)}{chr(97 + at % 26)}" for letter in "abcde") for at in range(100)]
    with pytest.raises(InputError, match="no column") as told:
        table(list(alone))
    assert "no word stands in 8 rows or more" in str(told.value)


def test_rows_without_a_text_have_no_word() -> None:
    found = table([None, *many(99)])
    assert len(found) == 100
    assert not found.x[0].any()


def test_another_table_is_asked_for_the_same_words() -> None:
    """A test set has other frequent words, and what it has of the training set's must not be lost."""
    training, few = table(many()), table([*many(40), *["quite another thing altogether"] * 30])
    x = training.aligned(few)
    assert x.shape == (70, len(training.features))
    apple = x[:, training.features.index("t: apple")]
    assert apple.tolist() == [float(at < 40 and at % 3 == 0) for at in range(70)]
    lone = table([f"{text} apple" if at == 3 else text for at, text in enumerate(many(70))])
    assert training.aligned(lone)[3, training.features.index("t: apple")] == 1.0


def test_a_table_without_the_text_is_told_apart() -> None:
    other = read(Path("b.csv"), b"u,y\n1,0\n2,1\n", "d", TEXT)
    with pytest.raises(InputError, match="does not have the features"):
        table(many()).aligned(other)


def test_known_words_asks_only_columns_that_are_there() -> None:
    content = pa.table({"t": ["a red door", None, "RED!"], "n": [1, 2, 3]})
    known = known_words(["t: red", "t: !", "u: red", "n", "n: 1"], content)
    assert known["t: red"].tolist() == [1.0, 0.0, 1.0]
    assert known["t: !"].tolist() == [0.0, 0.0, 1.0]
    assert "u: red" not in known
    assert "n" not in known
    np.testing.assert_array_equal(known["n: 1"], np.zeros(3))
    assert known_words(["t: red"], {}) == {}
    colons = pa.table({"reply: short": ["a red door", "none"], "reply": ["none", "a red door"]})
    assert known_words(["reply: short: red"], colons)["reply: short: red"].tolist() == [1.0, 0.0]
    assert known_words(["reply: :"], pa.table({"reply": ["see: this", "see this"]}))["reply: :"].tolist() == [1.0, 0.0]
    assert known_words(["t: red"], content.append_column("t: red", pa.array([5, 6, 7]))) == {}
