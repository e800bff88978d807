"""Classes that somebody else brings leave a file open; given what may be a command or a program, they condemn it."""

import pickle
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.pickles.homes import acts_when_called, carried_along, is_foreign_class
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.files.building import judged
from detect.model_files.pickles.reading import read

NET = b"cfleet.made\nNet\n"


class Row(NamedTuple):
    name: str
    value: object


class Ours:
    def __init__(self) -> None:
        self.weights = [1.0]


@pytest.mark.parametrize("protocol", range(6))
def test_an_object_of_ones_own_leaves_a_file_open_in_every_protocol(protocol: int) -> None:
    judgement = judged(pickle.dumps(Ours(), protocol))
    assert judgement.verdict is Verdict.UNKNOWN
    assert f"creates {__name__}.Ours, which is not on the allow list" in judgement.reasons[0]
    assert "allowed-names.yaml" in judgement.reasons[0]
    assert judgement.reasons[0].endswith("with a reason and the roles new, build")


@pytest.mark.parametrize(
    "made",
    [
        NET + b"(U\x05id -utR",
        b"(" + NET + b"U\x07/bin/ido",
        b"(U\x05id;idifleet.made\nNet\n",
        NET + b"U\x02id]U\x05x = 1a\x86\x81",
        NET + b")}U\x01xU\x05id -us\x92",
        NET + b"cfleet.made\nrun\n\x85R",
        NET + b"cos\nsystem\n\x85R",
        NET + b"U\x04id.u\x85R",
        b"cfleet.made\n__pyx_unpickle_Net\n(" + NET + b"K\x07U\x05id -utR",
        b"cos\n__pyx_unpickle_Net\n(" + NET + b"K\x07NtR",
        b"cfleet.made\nnet\n)\x81",
        b"cfleet.made\nsubprocess.Popen\n)\x81",
        NET + b"}b",
        NET + b")\x81}U\x0c__setstate__K\x01sb",
        NET + b")\x81}b}b",
        NET + b")\x81}bK\x01a",
        NET + b")\x81ctorch.storage\n_load_from_bytes\nb",
        b"cpandas.core.indexes.base\n_new_Index\n(" + NET + b"}tR",
        b"csklearn.neighbors._kd_tree\nnewObj\n(" + NET + b"tR",
        b"ccopy_reg\n_reconstructor\n(" + NET + NET + b"NtR",
    ],
)
def test_more_than_creating_it_condemns_a_file(made: bytes) -> None:
    assert judged(b"\x80\x02" + made + b".").verdict is Verdict.UNSAFE


@pytest.mark.parametrize(
    "made",
    [
        b"cdiskcache\nIndex\n)\x81U\x01dK\x01\x86b",
        b"cdiskcache.core\nCache\n)\x81",
        b"cgevent.subprocess\nPopen\n(U\x04calctR",
        b"ctornado.process\nSubprocess\n(U\x04calctR",
        b"ch5py\nFile\n(U\x01xU\x01wtR",
        b"ccompression.gzip\nGzipFile\n(U\x01xU\x01wtR",
        b"cjoblib\nMemory\n(U\x01xtR",
        b"cpy4j.java_gateway\nJavaGateway\n)R",
        b"cpsutil\nPopen\n)\x81}b",
        b"cjoblib.externals.loky.backend.popen_loky_posix\nPopen\n)\x81",
        b"cray.cloudpickle\nCloudPickler\n)\x81",
        b"csubprocess\nPopen\n)\x81}b",
        b"ccopy_reg\n__newobj__\n(csubprocess\nPopen\ntR",
        b"cnumpy.core.multiarray\n_reconstruct\n(cpsutil\nPopen\nK\x00U\x01btR",
    ],
)
def test_a_class_of_a_library_that_runs_programs_or_stores_objects_condemns_a_file(made: bytes) -> None:
    judgement = judged(b"\x80\x02" + made + b".")
    assert judgement.verdict is Verdict.UNSAFE
    assert "known to be dangerous" in judgement.reason


@pytest.mark.parametrize("made", [NET + b")\x81", NET + b")}\x92", NET + b")\x81}b", NET + b")\x81K\x01K\x02s}b"])
def test_creating_and_filling_it_leaves_a_file_open(made: bytes) -> None:
    assert judged(b"\x80\x02" + made + b".").verdict is Verdict.UNKNOWN


def test_what_runs_beside_it_still_condemns_the_file() -> None:
    many = b"".join(b"cfleet.made\nNet%d\n)\x810" % number for number in range(1_500))
    assert judged(b"\x80\x02" + many + b"cfleet.made\nrun\n)R.").verdict is Verdict.UNSAFE


def test_one_that_was_created_plainly_is_still_judged_with_arguments() -> None:
    assert read(b"\x80\x02" + NET + b")\x810" + NET + b"U\x05id -u\x85\x81.").unsafe


@pytest.mark.parametrize(
    "made",
    [
        NET + b")R",
        NET + b"(U\x02idtR",
        b"(" + NET + b"o",
        b"(ifleet.made\nNet\n",
        NET + b"K\x01\x85R",
        NET + b"K\x01K\x02\x86R",
        NET + b"K\x01K\x02\x86\x81",
        NET + b"U\x02id\x85\x81",
        NET + b"K\x01]U\x01xa\x86\x81",
        NET + b"]q\x00h\x00a\x85R",
        NET + b")}U\x01xK\x01s\x92",
        NET + b"K\x01\x85}U\x01xK\x01s\x92",
        NET + NET + b")\x81\x85R",
        b"cfleet.made\n__pyx_unpickle_Net\n(" + NET + b"K\x07NtR",
        b"c__builtin__\ngetattr\n(" + NET + b"VLEFT\ntR",
        b"c__builtin__\ngetattr\n(" + NET + b")\x81Vpredict\ntR",
    ],
)
def test_numbers_words_and_attributes_leave_a_file_open(made: bytes) -> None:
    judgement = judged(b"\x80\x02" + made + b".")
    assert judgement.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "made",
    [
        b"cfleet.made\nnet\nK\x01\x85R",
        b"csubprocess\nPopen\nK\x01\x85R",
        b"c__builtin__\ngetattr\n(" + NET + b"V__init__\ntR",
        b"c__builtin__\ngetattr\n(" + NET + b"Vrun\ntR(Vid\ntR",
        b"c__builtin__\ngetattr\n(" + NET + b")\x81Vrun\ntR)R",
        b"c__builtin__\ngetattr\n(cfleet.made\nnet\nVrun\ntR",
        b"c__builtin__\ngetattr\n(cos\nPathLike\nVregister\ntR",
    ],
)
def test_what_more_is_done_with_them_condemns_it(made: bytes) -> None:
    assert judged(b"\x80\x02" + made + b".").verdict is Verdict.UNSAFE


def test_a_pickle_in_a_value_that_creates_one_is_not_passed_over() -> None:
    inner = b"\x80\x02" + NET + b")\x81}b."
    assert judged(pickle.dumps({"weights": inner}, 4)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("module", "name", "foreign"),
    [
        ("gensim.models.phrases", "Phrases", True),
        ("__main__", "_Net", True),
        ("fleet", "Outer.Inner", True),
        ("fleet", "os.Net", False),
        ("fleet", "run", False),
        ("fleet", "", False),
        (".subprocess", "Popen", False),
        ("fleet..made", "Net", False),
        ("fleet made", "Net", False),
        ("flêet", "Net", False),
        ("subprocess", "Popen", False),
        ("collections.abc", "Mapping", False),
        ("commands", "Net", False),
        ("Queue", "Queue", False),
        ("asyncore", "Dispatcher", False),
        ("?", "<a name that is computed>", False),
        ("copyreg extension", "7", False),
    ],
)
def test_whose_a_class_is(module: str, name: str, *, foreign: bool) -> None:
    assert is_foreign_class(Global(module, name)) is foreign


@pytest.mark.parametrize(
    "name", ["Popen", "Popen3", "CDLL", "PyDLL", "WinDLL", "File", "HDFStore", "OSFile", "PyTorchFileWriter", "TinyDB"]
)
def test_a_word_is_enough_for_what_is_called_for_running_or_opening(name: str) -> None:
    assert acts_when_called(Global("fleet.made", name))
    called = f"cfleet.made\n{name}\n".encode()
    assert judged(b"\x80\x02" + called + b"U\x04calc\x85R.").verdict is Verdict.UNSAFE
    assert judged(b"\x80\x02" + called + b")\x81}b.").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "name", ["Colour", "FileFormat", "ServerState", "GaussianProcess", "StoreKind", "Profile", "_Net", "Net2", "X"]
)
def test_other_names_do_not_count_for_it(name: str) -> None:
    assert not acts_when_called(Global("fleet.made", name))
    called = f"cfleet.made\n{name}\n".encode()
    assert judged(b"\x80\x02" + called + b"U\x04calc\x85R.").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("given", [b")", b"K\x01\x85", b"NK\x02\x86"])
def test_numbers_name_nothing_to_open(given: bytes) -> None:
    """Members of enumerations are looked up by a call, most of them by a number."""
    assert judged(b"\x80\x02cfleet.made\nReader\n" + given + b"R.").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "name",
    [
        "xgboost.DMatrix", "xgboost.core.QuantileDMatrix", "xgboost.Booster", "lightgbm.Dataset", "catboost.Pool",
        "catboost.core.Pool", "torch.UntypedStorage", "sentencepiece.SentencePieceProcessor",
    ],
)  # fmt: skip
def test_classes_that_open_the_file_they_are_called_with_condemn_it_wherever_they_are_found(name: str) -> None:
    module, _, kind = name.rpartition(".")
    called = f"c{module}\n{kind}\n".encode()
    assert judged(b"\x80\x02" + called + b"U\x01x\x85R.").verdict is Verdict.UNSAFE
    assert judged(b"\x80\x02cfleet.made\n" + kind.encode() + b"\nU\x01x\x85R.").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("fleet._vendor.psutil", "Popen"),
        ("fleet.externals.joblib", "Memory"),
        ("fleet.vendor.deep.third_party.psutil", "Popen"),
        ("sklearn.externals.joblib", "Memory"),
        ("sklearn.externals.joblib.memory", "Memory"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_a_library_carries_along_is_judged_as_where_it_is_at_home(module: str, name: str, protocol: int) -> None:
    called = f"c{module}\n{name}\n".encode()
    judgement = judged(bytes([0x80, protocol]) + called + b"U\x01x\x85R.")
    assert judgement.verdict is Verdict.UNSAFE
    assert "known to be dangerous" in judgement.reason


def test_homes_of_what_is_carried_along() -> None:
    assert list(carried_along("pip._vendor.rich.externals.deep")) == ["rich.externals.deep", "deep"]
    assert list(carried_along("externals.joblib")) == list(carried_along("fleet.externals")) == []
    assert len(list(carried_along("a" + ".vendor" * 1_000_000))) < 30


def test_joblib_as_scikit_learn_carried_it_is_joblib() -> None:
    """All that scikit-learn's users wrote before version 0.23 names it so."""
    wrapper = (
        b"csklearn.externals.joblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}("
        b"U\x08subclasscnumpy\nndarray\nU\x05shapeK\x01\x85U\x05orderU\x01CU\x0aallow_mmap\x89"
        b"U\x05dtypecnumpy\ndtype\n(U\x02f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbub"
    )
    content = b"\x80\x03" + wrapper + bytes(8) + b"."
    assert judged(content).verdict is Verdict.CLEAN
    assert judged(content.replace(b"sklearn.externals", b"fleet.externals")).verdict is not Verdict.CLEAN


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.ones(3), Verdict.UNKNOWN),
        (np.float64(2), Verdict.UNKNOWN),
        (datetime(2024, 1, 1), Verdict.UNKNOWN),
        ([np.ones(2, bool), {1: 2}], Verdict.UNKNOWN),
        (np.array(["id -u"]), Verdict.UNSAFE),
        (np.array([{}], dtype=object), Verdict.UNSAFE),
        (np.str_("id -u"), Verdict.UNSAFE),
        (b"id -u", Verdict.UNSAFE),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_row_of_numbers_and_dates_leaves_a_file_open(value: object, expected: Verdict, protocol: int) -> None:
    """Rows with names, as `typing.NamedTuple` makes them, are created with all that they hold."""
    assert judged(pickle.dumps(Row("left", value), protocol)).verdict is expected
