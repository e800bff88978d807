import pytest

from caponier.matrix.documents import naming
from caponier.matrix.documents.mention import Beside, Piece

NAMES = {"evade ai model", "craft adversarial data", "data", "valid accounts"}


@pytest.mark.parametrize(
    ("text", "name", "beside", "expected"),
    [
        ("Evade ML Model", "Evade ML Model", Beside.SURE, (0, 14)),
        ("evade  ml model", "Evade ML Model", Beside.MAYBE, (0, 15)),
        ("Evade ML Model now", "Evade ML Model", Beside.SURE, None),
        ("Evade ML Model now", "Evade ML Model", Beside.AFTER, (0, 14)),
        ("Evade ML Models", "Evade ML Model", Beside.AFTER, None),
        ("we Evade ML Model", "Evade ML Model", Beside.BEFORE, (3, 17)),
        ("weEvade ML Model", "Evade ML Model", Beside.BEFORE, None),
        ("Model", "Evade ML Model", Beside.BEFORE, None),
        ("", "Evade ML Model", Beside.AFTER, None),
    ],
)
def test_the_name_within_a_text(text: str, name: str, beside: Beside, expected: tuple[int, int] | None):
    found = naming.within(Piece(text, 0, len(text)), name, beside)
    assert ((found.start, found.end) if found else None) == expected


@pytest.mark.parametrize(
    ("text", "beside", "expected"),
    [
        ("valid accounts", Beside.SURE, True),
        ("phishing: valid accounts", Beside.MAYBE, True),
        ("valid accounts again", Beside.SURE, False),
        ("valid accounts again", Beside.AFTER, True),
        ("valid accountsx", Beside.AFTER, False),
        ("my valid accounts", Beside.BEFORE, True),
        ("invalid accounts", Beside.BEFORE, False),
    ],
)
def test_a_text_says_a_name(text: str, beside: Beside, expected: bool):
    assert naming.says(text, "valid accounts", beside) is expected


@pytest.mark.parametrize(
    ("text", "beside", "expected"),
    [
        ("evade ai model, then more", Beside.AFTER, "evade ai model"),
        ("then craft adversarial data", Beside.BEFORE, "craft adversarial data"),
        ("data we lost", Beside.AFTER, ""),
        ("data", Beside.AFTER, "data"),
        ("(data)", Beside.BEFORE, "data"),
        ("nothing of the kind", Beside.AFTER, ""),
        ("", Beside.AFTER, ""),
        ("x " * 1000, Beside.BEFORE, ""),
    ],
)
def test_the_name_that_a_text_tells(text: str, beside: Beside, expected: str):
    assert naming.told(text, NAMES, beside) == expected


@pytest.mark.parametrize(
    ("text", "beside", "expected"),
    [
        ("craft adversarial dta", Beside.SURE, True),
        ("craft adverserial data now", Beside.AFTER, True),
        ("we craft adverserial data", Beside.BEFORE, True),
        ("craft adversarial data", Beside.SURE, False),
        ("craft something else", Beside.AFTER, False),
        ("x" * 10_000, Beside.MAYBE, False),
    ],
)
def test_a_text_that_is_nearly_the_name(text: str, beside: Beside, expected: bool):
    assert naming.nearly(text, "craft adversarial data", beside) is expected


def test_a_name_of_one_word_is_too_short_to_tell():
    assert not naming.nearly("modl", "model", Beside.SURE)


@pytest.mark.parametrize(
    ("beside", "expected"),
    [(Beside.AFTER, "One two"), (Beside.BEFORE, "three four"), (Beside.SURE, "One two three four")],
)
def test_what_a_document_says_in_place_of_a_name(beside: Beside, expected: str):
    assert naming.said(Piece("One two three four", 0, 18), "own name", beside) == expected
