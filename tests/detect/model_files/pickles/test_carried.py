"""Pickles that lie in a value: nothing loads them with the file, and no model needs one that runs something."""

import base64
import pickle
import pickletools
from typing import Any

import joblib
import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict
from detect.model_files.files.test_judge import torch_archive

RUNS = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R."
OWN = b"\x80\x04\x8c\x07mymodel\x8c\x03Net\x93)R."
FORMS: dict[str, Any] = {
    "bytes": RUNS,
    "in a list in a dictionary": [{"x": [RUNS]}],
    "base64": base64.b64encode(RUNS).decode(),
    "base64 of addresses": base64.urlsafe_b64encode(RUNS + b"\xff\xfe").decode(),
    "digits": RUNS.hex(),
    "large digits": RUNS.hex().upper(),
    "the first protocol": HARMFUL,
    "a pickle in a pickle": pickle.dumps({"x": pickle.dumps([RUNS])}),
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 4, 5])
@pytest.mark.parametrize("form", FORMS)
def test_a_value_that_is_a_pickle_and_runs_something_is_unsafe(form: str, protocol: int) -> None:
    judgement = judged(pickle.dumps({"model": "x", "notes": FORMS[form]}, protocol))
    assert judgement.verdict is Verdict.UNSAFE
    assert "carries a pickle as a value" in judgement.reason


def test_a_class_of_ones_own_in_a_value_is_unknown(tmp_path: Any) -> None:
    assert verdict(pickle.dumps({"net": OWN})) is Verdict.UNKNOWN
    assert verdict(torch_archive(pickle.dumps({"net": RUNS}))) is Verdict.UNSAFE
    joblib.dump({"net": RUNS, "w": np.ones(2)}, tmp_path / "x")
    assert verdict((tmp_path / "x").read_bytes()) is Verdict.UNSAFE


def test_values_that_only_look_like_pickles_stay_clean() -> None:
    chance = np.random.default_rng(3)
    values = [
        b"\x80\x04" + chance.bytes(200),
        b"\x80\x02\x00\x01",
        "gASV" + "A" * 50,
        "80040000" * 9,
        "8004 rows",
        "cosine\nsimilarity\n",
        b"cos\n",
        pickle.dumps({"a": np.ones(3)}),
        base64.b64encode(pickle.dumps([1, 2.5, "x"])).decode(),
        "(" * 50,
    ]
    for protocol in (0, 2, 5):
        assert judged(pickletools.optimize(pickle.dumps(values, protocol))).verdict is Verdict.CLEAN


def test_many_carried_pickles_cost_no_more_than_the_limits() -> None:
    assert verdict(pickle.dumps([pickle.dumps([RUNS, n]) for n in range(300)])) is Verdict.UNSAFE
    deep: bytes = RUNS
    for _ in range(12):
        deep = pickle.dumps(deep)
    assert verdict(deep) is not Verdict.CLEAN


def test_a_long_value_is_looked_at_as_well() -> None:
    assert verdict(pickle.dumps([RUNS + bytes(17 << 20)])) is Verdict.UNSAFE
    assert verdict(pickle.dumps([base64.b64encode(RUNS + bytes(13 << 20)).decode()])) is Verdict.UNSAFE


def encoded(content: bytes, width: int) -> str:
    whole = base64.b64encode(content).decode()
    return "\n".join(whole[at : at + width] for at in range(0, len(whole), width))


PLACES = {
    "a table": "id,model\n1,{}\n",
    "XML": "<m><p format='pickle'>{}</p></m>\n",
    "settings": "[a]\nmodel = {}\n",
    "TOML": 'model = "{}"\n',
    "YAML": "model: {}\n",
    "JSON": '{{"model": "{}"}}',
    "nothing else": "{}\n",
    "a line of words": "The model is {} and no other.\n",
}
ENCODINGS = {
    "base64": encoded(RUNS, 9999),
    "base64 of the first protocol": encoded(HARMFUL, 9999),
    "base64 of a mark": encoded(b"(" + HARMFUL, 9999),
    "base64 of an instance": encoded(b"(S'id'\nios\nsystem\n.", 9999),
    "digits": RUNS.hex(),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ENCODINGS)
def test_a_pickle_in_any_text_is_told(name: str, place: str) -> None:
    """Orange keeps the settings of its workflows so, in XML, and loads them."""
    if name != "base64 of an instance":
        judgement = judged(PLACES[place].format(ENCODINGS[name]).encode())
        assert judgement.verdict is Verdict.UNSAFE
        assert "system" in judgement.reason


def test_a_pickle_over_several_lines_is_told_and_the_text_of_one() -> None:
    long = pickle.dumps({"x": list(range(300))})[:-1] + RUNS[2:]
    assert verdict(encoded(long, 76).encode()) is Verdict.UNSAFE
    assert verdict(f"<a>\n  {encoded(long, 60)}\n</a>\n".encode()) is Verdict.UNSAFE
    assert verdict(f"a: |\n  {encoded(long, 60)}\n".replace("\n", "\n  ").encode()) is Verdict.UNSAFE
    assert verdict(b'{"a": "cposix\\nsystem\\n(S\'id\'\\ntR."}') is Verdict.UNSAFE


@pytest.mark.parametrize("place", PLACES)
def test_letters_that_are_no_pickle_that_runs_something_are_clean(place: str) -> None:
    for words in (
        "gASVKgAAAAAAAAB9lCiMAWGUSwGMAWKUXZQoSwFLAksDZXUu",
        "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo",
        "8004" * 20,
    ):
        assert verdict(PLACES[place].format(words).encode()) is Verdict.CLEAN
