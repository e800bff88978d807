"""Objects that ordinary training scripts save whole: clean where nothing can follow, else open and never unsafe."""

import http
import inspect
import itertools
import logging
import pickle
import re
import statistics
import uuid

import pytest

from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, shipped
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read
from detect.model_files.pickles.test_state_code import built, table, text


@pytest.mark.parametrize("name", ["memory.Memory", "_store_backends.FileSystemStoreBackend"])
def test_a_memory_of_joblib_is_open_when_it_is_made_and_never_called(name: str) -> None:
    """A pipeline that has one loads with nothing run; its constructor makes folders wherever it is told."""
    home, _, kind = f"joblib.{name}".rpartition(".")
    what, rules = Global(home, kind), shipped()
    for role in (GlobalRole.NAME, GlobalRole.NEW, GlobalRole.BUILD):
        assert rules.standing(what, role) is AllowLevel.UNCLEAR
    assert rules.standing(what, GlobalRole.CALL) > AllowLevel.UNCLEAR
    made = read(built(home, kind, table(location=text("cache"))))
    assert not made.unsafe
    assert any("a folder that its state names" in doubt for doubt in made.ledger.doubts)
    assert read(f"c{home}\n{kind}\n({text('cache')}tR.".encode("latin-1")).unsafe


@pytest.mark.parametrize("module", ["adam", "adamw", "sgd", "rmsprop", "lbfgs"])
def test_an_optimizer_as_an_object_is_open(module: str) -> None:
    reading = read(built(f"torch.optim.{module}", "Any", table(state="}", param_groups="]")))
    assert not reading.unsafe
    assert any("an optimizer calls methods" in doubt for doubt in reading.ledger.doubts)


def test_patterns_densities_and_the_missing_value_of_pandas_are_clean() -> None:
    assert read(f"cre\n_compile\n({text('a+')}K\x20tR.".encode("latin-1")).is_clean
    assert read(built("scipy.stats._kde", "gaussian_kde", table(dataset="N"))).is_clean
    assert read(b"cpandas\nNA\n.").is_clean
    assert read("cre\n_compile\n(cre\n_compile\nK\x20tR.".encode("latin-1")).unsafe


@pytest.mark.parametrize(
    "value",
    [
        statistics.NormalDist(1, 2),
        itertools.count(3),
        logging.getLogger("fleet of trucks"),
        re.IGNORECASE,
        http.HTTPStatus.OK,
        inspect.Parameter.KEYWORD_ONLY,
        uuid.SafeUUID.safe,
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_plain_values_of_python_are_clean(value: object, protocol: int) -> None:
    assert read(pickle.dumps(value, protocol)).is_clean


@pytest.mark.parametrize("name", ["logging.getLogger", "itertools.count", "http.HTTPStatus", "uuid.SafeUUID"])
def test_they_get_plain_values_and_nothing_else(name: str) -> None:
    module, _, kind = name.rpartition(".")
    made = b"c%s\n%s\n" % (module.encode(), kind.encode())
    assert read(made + b"(cfleet.made\nNet\n)\x81tR.").unsafe
    assert read(made + b"(K\x01K\x02K\x03tR.").unsafe


def test_a_namespace_as_cloudpickle_writes_it_is_clean() -> None:
    for home in ("cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle"):
        made = f"c{home}\n_builtin_type\n(S'%s'\ntR".encode()
        assert read(made % b"SimpleNamespace" + b")R}S'a'\nK\x01sb.").is_clean
        for other in (b"FunctionType", b"CodeType", b"ClassType"):
            assert read(made % other + b")R.").unsafe


def test_arrays_of_jax_are_clean_and_are_made_by_numpy_alone() -> None:
    numbers = b"(cnumpy\nndarray\n(K\x00tU\x01bt"
    state = b"(K\x01K\x01\x85cnumpy\ndtype\n(U\x02f4K\x00K\x01tR\x89U\x04\x00\x00\x00\x00t"
    made = b"\x80\x02cjax._src.array\n_reconstruct_array\n(%s" + numbers + state + b"}%stR."
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\n"
    assert read(made % (reconstruct, b"U\x09weak_type\x89s")).is_clean
    assert read(made % (b"cos\nsystem\n", b"")).unsafe
    assert read(made % (reconstruct, b"U\x09__class__\x89s")).unsafe


def test_shapes_are_read_from_bytes_alone() -> None:
    made = b"\x80\x02cshapely.io\nfrom_wkb\n%sR."
    assert read(made % b"U\x04abcd\x85").is_clean
    assert read(made % b"U\x04abcdU\x05raise\x86").unsafe
    assert read(made % b"cos\nsystem\n\x85").unsafe


def test_a_flag_may_be_looked_up_by_another_one() -> None:
    """Flags of `regex` that are given where those of `re` are expected are pickled so."""
    inner = b"cregex._regex_core\nRegexFlag\nK\x38\x85R"
    assert read(b"cre\nRegexFlag\n(" + inner + b"tR.").is_clean
    assert read(b"cre\nRegexFlag\n(" + inner + b"}S'a'\nK\x01sbtR.").unsafe
    assert read(b"cre\nRegexFlag\n((lK\x01atR.").unsafe


def test_a_method_bound_to_an_object_leaves_a_file_open() -> None:
    for kind in (b"ctypes\nMethodType\n", b"ccloudpickle.cloudpickle\n_builtin_type\n(S'MethodType'\ntR"):
        bound = kind + b"(cfleet.made\nrun\nNtR"
        reading = read(bound + b".")
        assert not reading.unsafe
        assert any("whatever calls it calls that one" in doubt for doubt in reading.ledger.doubts)
        assert read(bound + b")R.").unsafe
        assert read(kind + b"(cos\nsystem\nNtR.").ledger.unsafe


def test_what_a_row_of_a_library_keeps_is_called_by_nobody() -> None:
    model = b"csklearn.linear_model._bayes\nBayesianRidge\n)\x81}S'alpha_'\nK\x01sb"
    row = b"\x80\x02csklearn.impute._iterative\n%s\n(K\x01K\x02" + model + b"t\x81."
    assert read(row % b"_ImputerTriplet").is_clean
    assert not read(row % b"IterativeImputer").is_clean


def test_names_in_capitals_mean_nothing_to_python() -> None:
    made = b"\x80\x02cfleet.made\nNet\n)\x81}U\x08__%s__K\x01sb."
    assert not read(made % b"DATA").unsafe
    assert read(made % b"call").unsafe
    assert read(made % b"Call").unsafe
