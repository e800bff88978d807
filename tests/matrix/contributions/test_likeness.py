import pytest

from caponier.matrix.contributions.likeness import alike_names, alike_texts
from caponier.matrix.versions.catalogue import load


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Model Poisoning", "model poisoning"),
        ("Model Poisoning", "Poisoning of the Model"),
        ("Model Poisoning", "Models Poisoning"),
        ("Pre-Trained ML Model with Backdoor", "Pre-trained ML model with a backdoor"),
    ],
)
def test_these_names_are_alike(one: str, other: str) -> None:
    assert alike_names(one, other)
    assert alike_names(other, one)


@pytest.mark.parametrize(
    ("one", "other"), [("Model Poisoning", "Data Poisoning"), ("", ""), ("Phishing", ""), ("?!", "?!")]
)
def test_these_names_are_not(one: str, other: str) -> None:
    assert not alike_names(one, other)


def test_texts_that_share_most_words_are_alike() -> None:
    text = load().technique("AMLTM.EVADE.01").description
    assert alike_texts(text, text.upper() + " And more.")
    assert not alike_texts(text, load().technique("AMLTM.EXFIL.02").description)
    assert not alike_texts("too short", "too short")


def test_few_entries_of_2020_are_alike_in_words() -> None:
    """The measure is of use only if it tells the entries that are there apart."""
    shown = [t for t in load().techniques if t.same_as is None]
    pairs = [(a.id, b.id) for place, a in enumerate(shown) for b in shown[:place]]
    by_id = {t.id: t for t in shown}
    alike = [(a, b) for a, b in pairs if alike_texts(by_id[a].description, by_id[b].description)]
    assert len(alike) <= 2, alike
