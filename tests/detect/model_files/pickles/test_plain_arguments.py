"""What a class of somebody else's is given, and whether that leaves a file open or condemns it; never is it clean."""

import collections
import datetime
import decimal
import pickle
from datetime import date
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.pickles.plain_arguments import is_harmless_text, is_listed_object, only_computes
from caponier.detect.model_files.pickles.rules import Allowance, GlobalRole, shipped
from caponier.detect.model_files.pickles.values import Global, Guess, Made
from detect.model_files.files.building import judged


class Holder:
    """Pickled as a call of its class with whatever it holds."""

    def __init__(self, *held: Any) -> None:
        self.held = held

    def __reduce__(self) -> tuple[Any, ...]:
        return Holder, self.held


class Created:
    """Pickled as an object that is created with whatever it holds."""

    held: tuple[Any, ...]

    def __new__(cls, *held: Any) -> "Created":
        made = super().__new__(cls)
        made.held = held
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.held

    def __getstate__(self) -> None:
        return None


FITTED = LogisticRegression().fit(np.array([[0.0], [1.0]]), np.array([0, 1]))
FITTED_TEXTS = LogisticRegression().fit(np.array([[0.0], [1.0]]), np.array(["id -u", "b"]))


@pytest.mark.parametrize("holder", [Holder, Created])
@pytest.mark.parametrize(
    "held",
    [
        "the z score of last year",
        "dark red",
        "Bob's cat, the one by the well-known house.",
        "1.5",
        "-2.5e-3",
        "1.26.4",
        FITTED,
        np.mean,
        np.float32,
        [float, str],
        {"of the team": np.ones(3)},
        collections.OrderedDict(kind="dark red"),
        decimal.Decimal("1.5"),
        datetime.timedelta(1),
        Holder(Holder("a b")),
    ],
)
def test_plain_things_leave_a_file_open(holder: type[Holder | Created], held: object) -> None:
    for protocol in (2, 4, 5):
        judgement = judged(pickle.dumps(holder(held), protocol))
        assert judgement.verdict is Verdict.UNKNOWN, (judgement.reasons, protocol)
        assert "allowed-names.yaml" in judgement.reason


@pytest.mark.parametrize("holder", [Holder, Created])
@pytest.mark.parametrize(
    "held",
    [
        "touch made",
        "rm all",
        "now sudo reboot",
        "the python of it",
        "from made import run",
        "the eval of it",
        "../made",
        "of /bin/id",
        "of $HOME",
        "two  blanks",
        "a\nb",
        "run it --all",
        collections.OrderedDict(kind="id -u"),
        collections.OrderedDict(kind=b"id"),
        FITTED_TEXTS,
        collections.deque([["id -u"]]),
        Holder("id -u"),
        np.fromfile,
        np.vectorize,
        isinstance,
        type,
        collections.namedtuple,
        bytearray(b"id"),
    ],
)
def test_what_could_be_a_command_or_call_one_condemns_it(holder: type[Holder | Created], held: object) -> None:
    for protocol in (2, 4, 5):
        assert judged(pickle.dumps(holder(held), protocol)).verdict is Verdict.UNSAFE, protocol


@pytest.mark.parametrize("name", ["Popen", "FileWriter", "RemoteServer"])
def test_words_in_a_row_tell_no_less_than_one_what_to_open(name: str) -> None:
    called = f"cfleet.made\n{name}\n(U\x08dark redtR.".encode()
    assert judged(b"\x80\x02" + called).verdict is Verdict.UNSAFE


@pytest.mark.parametrize(
    "handed",
    [
        b"cnumpy._core.multiarray\n_reconstruct\n",
        b"cbuiltins\ngetattr\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n",
        b"csklearn.metrics._scorer\nmake_scorer\n",
        b"csklearn.metrics.pairwise\npairwise_distances\n",
        b"clightgbm.basic\nBooster\n",
        b"cfunctools\npartial\n",
        b"cnumpy\nmean.__class__\n",
        b"c_codecs\nencode\n",
    ],
)
def test_what_calls_makes_or_loads_an_argument_is_never_plain(handed: bytes) -> None:
    assert judged(b"\x80\x04cfleet.made\nNet\n" + handed + b"\x85R.").verdict is Verdict.UNSAFE
    assert judged(b"\x80\x04cfleet.made\nNet\n](" + handed + b"e\x85R.").verdict is Verdict.UNSAFE


def test_no_list_holds_itself_for_ever() -> None:
    for code in (b"]q\x00h\x00a", b"ccollections\nOrderedDict\n)Rq\x00K\x01h\x00s"):
        assert judged(b"\x80\x02cfleet.made\nNet\n" + code + b"\x85R.").verdict is Verdict.UNKNOWN


def test_an_object_whose_items_come_later_is_judged_with_them_where_it_is_handed_over() -> None:
    later = b"ccollections\nOrderedDict\n)Rq\x000cfleet.made\nNet\nh\x00%sU\x01xU\x05id -us\x85R."
    assert judged(b"\x80\x02" + later % b"").verdict is Verdict.UNSAFE


def test_every_function_that_only_computes_is_named_and_not_called() -> None:
    rules = shipped()
    computing = {what for what in rules.allowed if only_computes(what, rules)}
    assert {Global("numpy", "log1p"), Global("torch.nn.functional", "relu"), Global("builtins", "str")} <= computing
    assert not computing & rules.functions
    assert not computing & set(rules.checks)
    names = {what.name for what in computing}
    assert not names & {"type", "hash", "load", "vectorize", "apply_along_axis", "fromfile", "frompyfunc", "piecewise"}


def test_what_a_user_has_allowed_is_no_plain_argument_of_another_class() -> None:
    mine, mean = Global("fleet.made", "Net"), Global("numpy", "mean")
    until = [Allowance(one, frozenset({GlobalRole.NEW, GlobalRole.CALL}), "read", date.max) for one in (mine, mean)]
    rules = shipped().extended(until)
    assert not is_listed_object(Made(mine), rules)
    assert not only_computes(mean, rules)
    assert is_listed_object(Made(Global("collections", "OrderedDict")), rules)
    assert not is_listed_object(Made(Global("os", "system")), rules)
    assert not is_listed_object(Made(Global("types", "SimpleNamespace")), rules)


@pytest.mark.parametrize("text", ["id", "a-b", "1", "1.5.0", "New York", "date of birth", "a, b"])
def test_texts_that_tell_nothing_to_do(text: str) -> None:
    assert is_harmless_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "", " a", "a ", "a;b", "a.b", "1.2.3.4", "a | b", "a > b", "a: b", "a=b", "a b!", "a (b)", "%s b", "{a} b",
        "x " * 200, "a 'b'", "a\tb", "a, sh", "Sudo it", "delete from b", "a -b", "~ b", "a & b", "`a` b", "a\x00b",
        "a @b", "\\a b",
    ],
)  # fmt: skip
def test_texts_that_may_tell_something(text: str) -> None:
    assert not is_harmless_text(text)


def test_a_text_that_depends_on_the_codec_of_its_loader_is_none_of_them() -> None:
    assert not is_harmless_text(Guess("a"))
