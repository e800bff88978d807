"""Calls that only look a member up or read a plain value, and classes that run no code of their own: each abused."""

import array
import collections
import ipaddress
import pickle
import random

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import HARMFUL, judged, verdict

LOOKUP = b"clifelines.utils\nCensoringType\n"
ADDRESS = b"cipaddress\nIPv4Address\n"
FITTER = b"clifelines.fitters.kaplan_meier_fitter\nKaplanMeierFitter\n)\x81"
STATE = b"}(V_label\nVa fit\nub"
CLEAN = {
    "member by text": LOOKUP + b"(VRIGHT\ntR.",
    "member by number": b"coptuna.trial._state\nTrialState\nK\x01\x85R.",
    "member by short bytes": b"ccmdstanpy.cmdstan_args\nMethod\nC\x01a\x85R.",
    "fit": FITTER + STATE + b".",
    "transformer": b"cfeature_engine.encoding.one_hot\nOneHotEncoder\n)\x81}(V_n\nK\x01ub.",
    "member by its name, as Python 3.11 writes it": b"cbuiltins\ngetattr\n(" + LOOKUP + b"VRIGHT\ntR.",
    "random numbers": pickle.dumps(random.Random(7)),
    "array": pickle.dumps([array.array("d", [1.0, 2.0]), array.array("b")]),
    "array of old protocols": pickle.dumps(array.array("i", [1, 2]), 0),
    "study": b"coptuna.study.study\nStudy\n)\x81}(V_study_id\nK\x00ub.",
    "old home": b"cnumpy.core._multiarray_umath\nlog1p\n.",
}
ABUSED = {
    "trial that calls what it holds when it is a key": b"}(coptuna.trial._frozen\nFrozenTrial\n)\x81}"
    b"(Vintermediate_values\ncargparse\nNamespace\n)\x81}Vkeys\ncoptuna.study.study\nStudy\nsbVlast_step\nNubK\x01u.",
    "no member of a lookup": b"cbuiltins\ngetattr\n(" + LOOKUP + b"Vmro\ntR.",
    "what a member gives when it is called": b"cbuiltins\ngetattr\n(" + LOOKUP + b"VRIGHT\ntR)R.",
    "attribute of an address": b"cbuiltins\ngetattr\n(" + ADDRESS + b"Vmro\ntR.",
    "random numbers from a seed of the file's": b"crandom\nRandom\n(Vid\ntR.",
    "array of a class that is none": b"carray\n_array_reconstructor\n(cos\n_wrap_close\nVd\nK\x08C\x00tR.",
    "array that is filled by a state": b"carray\narray\n(Vd\ntR}(V_a\nK\x01ub.",
    "member of a computed value": LOOKUP + b"cos\ngetcwd\n)R\x85R.",
    "member of a function": LOOKUP + b"cos\nsystem\n\x85R.",
    "member of an object with attributes": LOOKUP + FITTER + STATE + b"\x85R.",
    "member of an object without": LOOKUP + FITTER + b"\x85R.",
    "member of a tuple that holds an object": LOOKUP + FITTER + b"\x85\x85R.",
    "enumeration that is made anew": LOOKUP + b"(Vother\n(lVA\natR.",
    "enumeration of nothing": LOOKUP + b")R.",
    "state of a member": LOOKUP + b"(VRIGHT\ntR}(V_value_\nVid\nub.",
    "items of a member": LOOKUP + b"(VRIGHT\ntRVa\nVb\ns.",
    "state of an enumeration": LOOKUP + b"}(V_missing_\ncos\nsystem\nub.",
    "call of a member": LOOKUP + b"(VRIGHT\ntR(Vid\ntR.",
    "address of an object": ADDRESS + FITTER + STATE + b"\x85R.",
    "address with a second value": ADDRESS + b"(V10.0.0.1\nVid\ntR.",
    "state of an address": ADDRESS + b"(V10.0.0.1\ntR}(V_ip\nK\x01ub.",
    "class of a fit that switches": FITTER + b"}(V__class__\ncos\n_wrap_close\nub.",
    "append of a fit": FITTER + b"}(Vappend\ncos\nsystem\nubVid\na.",
    "two states of a fit": FITTER + b"}(V__setstate__\ncos\nsystem\nubVid\nb.",
    "constructor of a fit": FITTER[:-2] + b"(Vid\ntR.",
    "items of a dictionary of the user's": b"ccollections\nUserDict\n)\x81Va\nVb\ns.",
    "constructor of a dictionary of the user's": b"ccollections\nUserDict\n(cos\nenviron\ntR.",
    "keys of a dictionary of the user's": b"ccollections\nOrderedDict\nccollections\nUserDict\n)\x81"
    b"}(Vkeys\ncos\ngetcwd\nub\x85R.",
    "call of what lies in an old home": b"cnumpy.core._multiarray_umath\nlog1p\nK\x01\x85R.",
    "an old home's other function": b"cnumpy.core._multiarray_umath\nfromfile\n(V/etc/passwd\ntR.",
    "a scorer that is called": b"csklearn.metrics._scorer\n_passthrough_scorer\n" + FITTER + b"\x85R.",
    "a time stamp whose zone is a file": b"cpandas._libs.tslibs.timestamps\nTimestamp\n"
    b"(K\x00NVdateutil//etc/passwd\ntR.",
    "a fit before a harmful pickle": FITTER + STATE + b"0" + HARMFUL,
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_what_only_looks_up_or_holds_is_clean(name: str) -> None:
    judgement = judged(b"\x80\x03" + CLEAN[name])
    assert judgement.verdict is Verdict.CLEAN, judgement.reason


@pytest.mark.parametrize("name", ABUSED)
def test_what_abuses_a_plain_class_is_never_clean(name: str) -> None:
    assert verdict(b"\x80\x03" + ABUSED[name]) is not Verdict.CLEAN


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_addresses_are_clean(protocol: int) -> None:
    judgement = judged(pickle.dumps([ipaddress.ip_address("10.0.0.1"), ipaddress.ip_network("fe80::/64")], protocol))
    assert judgement.verdict is Verdict.CLEAN, judgement.reason


def test_a_dictionary_of_the_users_is_clean() -> None:
    judgement = judged(pickle.dumps(collections.UserDict({"a": 1}), 4))
    assert judgement.verdict is Verdict.CLEAN, judgement.reason
