"""Plain classes of small libraries and of Python itself that models keep: clean, and not with anything else."""

import collections
import datetime
import pickle
import string
from typing import Any

import numpy as np
import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import tzoffset, tzutc
from mpmath import mpc, mpf
from packaging.version import Version
from PIL import Image

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.pickles.rules import canonical
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.files.building import judged
from detect.model_files.pickles.reading import read
from detect.model_files.pickles.test_state_code import built, table, text


class Label(str):
    """A text with a class of its own."""

    __slots__ = ()


PLAIN: dict[str, Any] = {
    "the rest of a run": [ValueError("it broke off at step 3"), KeyError("a/b"), OSError("none"), StopIteration()],
    "warnings": [RuntimeWarning("did not converge"), UserWarning(), TimeoutError("x")],
    "containers": [collections.UserList([1]), collections.UserString("ab c"), string.Template("$a")],
    "zones": [datetime.datetime(2024, 1, 1, tzinfo=tzoffset("X", 3600)), datetime.time(1, tzinfo=tzutc())],
    "spans": relativedelta(months=1),
    "numbers": [mpf("1.5"), mpc(1, 2)],
    "versions": {"model": Version("1.2.3rc1")},
    "pictures": [Image.new("RGB", (2, 2)), Image.new("P", (2, 2))],
    "functions": [np.percentile, np.linalg.norm, np.cumsum, np.isfinite],
}


@pytest.mark.parametrize("what", PLAIN)
@pytest.mark.parametrize("protocol", range(6))
def test_plain_classes_are_clean_in_every_protocol(what: str, protocol: int) -> None:
    reading = read(pickle.dumps(PLAIN[what], protocol))
    assert reading.is_clean, (reading.ledger.uses, reading.ledger.doubts)


@pytest.mark.parametrize(
    "code",
    [
        "cmpmath.ctx_mp_python\nmpf\nK\x01\x85\x81.",
        "cdateutil.relativedelta\nrelativedelta\nK\x01\x85\x81.",
        "cdateutil.relativedelta\nrelativedelta\nK\x01\x85R.",
        "cdateutil.tz.tz\ntzutc\nK\x01\x85R.",
        "cdateutil.tz.tz\ntzfile\nU\x01x\x85R.",
        "cdateutil.tz.tz\ntzstr\nU\x01x\x85R.",
        "cPIL.Image\nopen\nU\x01x\x85R.",
        "cpackaging.version\nparse\nU\x01x\x85R.",
        "cnumpy\npercentile\nK\x01\x85R.",
        "cnumpy.linalg\nnorm\nK\x01\x85R.",
        "c__builtin__\nSystemExit\n)R.",
        "c__builtin__\nValueError\n)R}U\x01xK\x01sb.",
        "cstring\nTemplate\nU\x01x\x85R.",
        "cstring\nFormatter\n)\x81.",
        "ccollections\nUserList\n]\x85R.",
    ],
)
def test_more_than_that_is_not_listed(code: str) -> None:
    assert read("\x80\x02".encode("latin-1") + code.encode("latin-1")).unsafe


def test_an_object_that_decides_what_is_called_leaves_a_zone_open() -> None:
    """A zone asks what it is given for its seconds, and attributes of an object come before its methods."""
    offset = "ccollections\nUserList\n)\x81}U\x0dtotal_secondscnumpy\nmean\nsb"
    reading = read(f"\x80\x02cdateutil.tz.tz\ntzoffset\nU\x01x{offset}\x86R.".encode("latin-1"))
    assert not reading.is_clean
    assert any("which may call them" in doubt for doubt in reading.ledger.doubts)


@pytest.mark.parametrize("name", ["data", "_cache"])
def test_their_state_names_no_method_of_python(name: str) -> None:
    assert read(built("collections", "UserList", table(**{name: text("a")}))).is_clean
    assert read(built("collections", "UserList", table(__class__=text("a")))).unsafe


def test_errors_of_python_2_are_the_same_under_their_old_name_and_nothing_else_is() -> None:
    assert canonical("exceptions", "ValueError") == Global("builtins", "ValueError")
    assert canonical("exceptions", "StandardError") == Global("builtins", "Exception")
    assert canonical("exceptions", "list") == Global("exceptions", "list")
    assert canonical("exceptions", "ValueError", translated=False) == Global("exceptions", "ValueError")
    assert read(b"cexceptions\nValueError\n)R.").is_clean
    assert read(b"\x80\x03cexceptions\nValueError\n)R.").unsafe
    assert read(b"cexceptions\neval\n)R.").unsafe


@pytest.mark.parametrize("protocol", range(6))
def test_a_text_with_a_class_of_its_own_is_open(protocol: int) -> None:
    assert judged(pickle.dumps(Label("dark red"), protocol)).verdict is Verdict.UNKNOWN
    assert judged(pickle.dumps(Label("id -u"), protocol)).verdict is Verdict.UNSAFE


@pytest.mark.parametrize(
    "code",
    [
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nunicode\nc__builtin__\nunicode\nVos\ntR",
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nstr\nc__builtin__\nstr\nVos\ntR",
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nlist\nc__builtin__\nunicode\nVos\ntR",
        b"ccopy_reg\n_reconstructor\n(cfleet.made\nNet\nc__builtin__\nunicode\ncos\nsystem\ntR",
        b"ccopy_reg\n_reconstructor\n(cfleet.made\nNet\nc__builtin__\nunicode\nVa\nVidna\ntR",
        b"ccopy_reg\n_reconstructor\n(csubprocess\nPopen\nc__builtin__\nunicode\nVa\ntR",
    ],
)
def test_no_text_of_pythons_own_is_made_that_could_name_something(code: bytes) -> None:
    assert read(code + b".").unsafe


def test_a_text_of_ones_own_that_names_something_is_a_name_that_is_computed() -> None:
    made = b"ccopy_reg\n_reconstructor\n(cfleet.made\nNet\nc__builtin__\nunicode\nVos\ntR"
    assert read(b"\x80\x04" + made + b"\x8c\x06system\x93\x8c\x02id\x85R.").unsafe
