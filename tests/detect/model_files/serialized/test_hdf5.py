"""HDF5, walked from its root: files of h5py, what Keras and PyTables would load from them, and what is damaged."""

import random

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import hdf5, judged, verdict

FORMS = ("old", "ordered", "new")


@pytest.mark.parametrize("form", FORMS)
def test_numbers_and_a_model_of_known_layers_are_clean(form: str) -> None:
    """Groups in trees of the first version, in heaps with the order kept, and in the headers of new files."""
    assert verdict(hdf5(f"weights {form}")) is Verdict.CLEAN
    judgement = judged(hdf5(f"model {form}"))
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "keras (hdf5)")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("layer of code", "has a layer that carries code: Lambda"),
        ("layer of code as bytes", "has a layer that carries code: Lambda"),
        ("numbers elsewhere", "reads numbers from '/etc/passwd', outside its own folder"),
        ("link elsewhere", "reads numbers from '../other.h5', outside its own folder"),
        ("pickle", "calls posix.system"),
        ("old pickle", "calls posix.system"),
    ],
)
def test_what_would_run_or_read_something_is_unsafe(name: str, reason: str, form: str) -> None:
    """The layer's name is written with an escape, so that no search of the bytes finds it."""
    judgement = judged(hdf5(f"{name} {form}"))
    assert judgement.verdict is Verdict.UNSAFE
    assert reason in judgement.reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("link nearby", "keeps numbers in another file: 'other.h5'"),
        ("put together", "puts data together from other files"),
        ("sequences", "holds sequences, which PyTables may read as pickles"),
    ],
)
def test_what_may_be_more_than_numbers_is_unknown(name: str, reason: str) -> None:
    judgement = judged(hdf5(name))
    assert (judgement.verdict, judgement.reason) == (Verdict.UNKNOWN, reason)


@pytest.mark.parametrize("name", ["late pickle old", "late pickle new", "late pickle among many"])
def test_an_attribute_that_ends_like_a_pickle_is_one_whatever_it_begins_with(name: str) -> None:
    """PyTables looks at the full stop alone; an instruction in front of the call does nothing and hides it."""
    judgement = judged(hdf5(name))
    assert judgement.verdict is Verdict.UNSAFE
    assert "os.system" in judgement.reason


def test_sentences_in_attributes_stay_clean() -> None:
    assert verdict(hdf5("texts that end")) is Verdict.CLEAN


@pytest.mark.parametrize("name", ["numbers of a pickle", "one value of a pickle", "compact numbers of a pickle"])
def test_numbers_that_are_the_bytes_of_a_pickle_are_judged_as_a_value_that_is_one(name: str) -> None:
    judgement = judged(hdf5(name))
    assert (judgement.verdict, judgement.kind) == (Verdict.UNSAFE, "hdf5")
    assert "carries a pickle as a value that calls posix.system" in judgement.reason


@pytest.mark.parametrize("form", FORMS)
def test_a_damaged_file_breaks_nothing_and_hides_no_more_than_it_loses(form: str) -> None:
    """What is cut is never clean; and of bytes that are changed none lead a walk in circles."""
    whole, chance = hdf5(f"layer of code {form}"), random.Random(form)
    for cut in (9, 60, 200, len(whole) // 2):
        assert verdict(whole[:cut]) is not Verdict.CLEAN
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(3):
            changed[chance.randrange(8, 700)] = chance.choice((0, 1, 255, chance.randrange(256)))
        judged(bytes(changed))


def test_addresses_that_lead_back_end() -> None:
    content = bytearray(hdf5("weights old"))
    at = content.index(b"SNOD") + 16
    content[at : at + 8] = content[64:72]
    assert verdict(bytes(content)) in (Verdict.CLEAN, Verdict.UNKNOWN)


def test_a_text_twice_in_a_heap_is_unknown() -> None:
    """Of two with one number the library takes the last one."""
    content = bytearray(hdf5("model old"))
    start = content.index(b"GCOL") + 16
    first = int.from_bytes(content[start : start + 2], "little")
    second = start + 16 + -(-int.from_bytes(content[start + 8 : start + 16], "little") // 8) * 8
    content[second : second + 2] = first.to_bytes(2, "little")
    judgement = judged(bytes(content))
    assert (judgement.verdict, judgement.reasons[0]) == (
        Verdict.UNKNOWN,
        "has a text twice, and readers differ in which one counts",
    )
