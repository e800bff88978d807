"""Ordinary files of people who mean no harm: clean, or unknown with what is not known, and never unsafe."""

import argparse
import collections
import functools
import io
import operator
import pathlib
import pickle
import types
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict

CLEAN: dict[str, Any] = {
    "uuid": uuid.UUID(int=7),
    "pure path": pathlib.PurePosixPath("/models/a"),
    "path": pathlib.Path("models/a"),
    "namespace": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("a")),
    "simple namespace": types.SimpleNamespace(a=1),
    "time zone": [zoneinfo.ZoneInfo("UTC"), zoneinfo.ZoneInfo("Europe/Berlin")],
    "chain of maps": collections.ChainMap({"a": 1}),
    "polynomial": [np.polynomial.Polynomial([1, 2]), np.poly1d([1, 2])],
    "generators": [np.random.default_rng(1), np.random.RandomState(2)],
    "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "numpy's texts as keys": {np.str_("__a__"): 1},
}
OPEN: dict[str, Any] = {"partial": functools.partial(np.clip, 0), "itemgetter": operator.itemgetter(1)}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", CLEAN)
def test_plain_values_of_libraries_are_clean(name: str, protocol: int) -> None:
    judgement = judged(pickle.dumps(CLEAN[name], protocol))
    assert judgement.verdict is Verdict.CLEAN, judgement.reason


@pytest.mark.parametrize("name", OPEN)
def test_functions_that_are_kept_for_later_are_unknown(name: str) -> None:
    assert verdict(pickle.dumps(OPEN[name])) is Verdict.UNKNOWN


def test_attributes_are_taken_of_no_class_and_for_no_name_that_is_not_listed() -> None:
    for taken in (b"czoneinfo\nZoneInfo\nV__init__\n", b"cuuid\nUUID\nVhex\n", b"cos\n\nVsystem\n"):
        assert verdict(b"cbuiltins\ngetattr\n(" + taken + b"tR.") is not Verdict.CLEAN
    assert verdict(b"cbuiltins\ngetattr\n.") is Verdict.UNSAFE
    once = b"cbuiltins\ngetattr\nq\0(czoneinfo\nZoneInfo\nV_unpickle\ntR0"
    assert verdict(once + b"]h\0a.") is Verdict.UNSAFE


def test_a_search_over_distributions_is_unknown_because_scipy_compiles_their_text() -> None:
    stats, search = pytest.importorskip("scipy.stats"), pytest.importorskip("sklearn.model_selection")
    svm = pytest.importorskip("sklearn.svm")
    found = search.RandomizedSearchCV(svm.SVC(), {"C": stats.uniform(0, 1), "degree": stats.randint(1, 4)})
    for protocol in (0, 2, 4):
        judgement = judged(pickle.dumps(found, protocol))
        assert judgement.verdict is Verdict.UNKNOWN, judgement.reason
        assert "compile text" in judgement.reason


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_programs_of_torch_are_clean() -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU())
    script, exported = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(net), script)
    assert judged(script.getvalue()).verdict is Verdict.CLEAN
    torch.export.save(torch.export.export(net, (torch.zeros(1, 3),)), exported)
    judgement = judged(exported.getvalue())
    assert (judgement.verdict, judgement.kind) == (Verdict.CLEAN, "torch (exported)"), judgement.reason


@pytest.mark.parametrize("text", ["__import__('os')", "s0.__class__", "open(1)", "a['b']", "Max(1, eval(2))"])
def test_sizes_of_exported_programs_that_may_be_code_are_unknown(text: str) -> None:
    assert verdict(b'{"expr_str": "%s"}' % text.encode()) is Verdict.UNKNOWN


def test_sizes_of_exported_programs_are_arithmetic() -> None:
    assert verdict(b'{"expr_str": "Max(1, 2*s0 + FloorDiv(s1, 2))"}') is Verdict.CLEAN
