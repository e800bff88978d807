"""Names in disguise: every way to write, carry or spell a name ends at the same global, or at none that is allowed."""

import pickle
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, canonical, shipped
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read

RULES = shipped()
ALLOWED = sorted(RULES.allowed, key=str)


def verdict(content: bytes) -> Verdict:
    return judge(memoryview(content), Limits()).verdict


def spelled(text: str) -> list[bytes]:
    """A text in every way that a pickle can write it."""
    raw = text.encode()
    return [
        b"\x8c" + bytes([len(raw)]) + raw,
        b"X" + struct.pack("<I", len(raw)) + raw,
        b"\x8d" + struct.pack("<Q", len(raw)) + raw,
        b"U" + bytes([len(raw)]) + raw,
        b"T" + struct.pack("<i", len(raw)) + raw,
        b"V" + raw + b"\n",
        b"V" + "".join(f"\\u{ord(letter):04x}" for letter in text).encode() + b"\n",
        b"V" + "".join(f"\\U{ord(letter):08x}" for letter in text).encode() + b"\n",
        b"S'" + raw + b"'\n",
        b'S"' + raw + b'"\n',
        b"S'" + "".join(f"\\x{ord(letter):02x}" for letter in text).encode() + b"'\n",
        b"S'" + "".join(f"\\{ord(letter):03o}" for letter in text).encode() + b"'\n",
        b" S'".strip()
        + b"".join(b"\\" + bytes([letter]) if letter in b"'" else bytes([letter]) for letter in raw)
        + b"'  \n",
    ]


CARRIERS = {
    "as it is": lambda value: value,
    "through the memo": lambda value: value + b"q\x050h\x05",
    "through a long memo": lambda value: value + b"r\x00\x01\x00\x000j\x00\x01\x00\x00",
    "through a written memo": lambda value: value + b"p77\n0g77\n",
    "by its number": lambda value: value + b"\x940h\x00",
    "through a duplicate": lambda value: value + b"20",
    "over a mark": lambda value: b"(N1" + value,
    "behind a mark that is dropped": lambda value: b"(NN1(1" + value,
    "after a tuple that is dropped": lambda value: b"N\x850" + value,
    "in a memo place that is written twice": lambda value: b"Nq\x050" + value + b"q\x050h\x05",
}


@pytest.mark.parametrize("way", range(13))
def test_a_name_is_known_in_every_spelling(way: int) -> None:
    content = spelled("os")[way] + spelled("system")[way] + b"\x93U\x02id\x85R."
    assert read(b"\x80\x04" + content).unsafe == [("call", "os.system")]


@pytest.mark.parametrize("how", CARRIERS)
def test_a_name_is_known_however_it_was_carried(how: str) -> None:
    carry = CARRIERS[how]
    # Only the second word travels, or its memo places would be those of the first.
    content = spelled("os")[0] + carry(spelled("system")[0]) + b"\x93U\x02id\x85R."
    assert ("call", "os.system") in read(b"\x80\x04" + content).unsafe
    function = carry(b"cos\nsystem\n") + b"U\x02id\x85R."
    assert read(b"\x80\x04" + function).unsafe == [("call", "os.system")]


CONFUSABLE = {"a": "\u0430", "c": "\u0441", "e": "\u0435", "o": "\u043e", "p": "\u0440", "l": "\u04cf", "i": "\u0456"}


@given(st.sampled_from(ALLOWED), st.data())
@settings(max_examples=300, deadline=None)
def test_a_name_that_only_looks_allowed_is_not(what: Global, data: st.DataObject) -> None:
    """Letters of other alphabets, and what Unicode folds into ours, are other names to an unpickler."""
    text = data.draw(st.sampled_from([what.module, what.name]))
    places = [at for at, letter in enumerate(text) if letter in CONFUSABLE]
    if not places:
        return
    at = data.draw(st.sampled_from(places))
    other = text[:at] + CONFUSABLE[text[at]] + text[at + 1 :]
    seems = Global(other, what.name) if text == what.module else Global(what.module, other)
    assert seems not in RULES.allowed
    content = b"c" + seems.module.encode() + b"\n" + seems.name.encode() + b"\n)R."
    assert verdict(b"\x80\x04" + content) is Verdict.UNSAFE


@given(
    st.sampled_from(ALLOWED),
    st.sampled_from(["\u200b", "\u00ad", "\ufeff", " ", "\t", "\x00", ".", "\u0301"]),
    st.data(),
)
@settings(max_examples=200, deadline=None)
def test_invisible_letters_make_another_name(what: Global, letter: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(what.name)))
    name = what.name[:at] + letter + what.name[at:]
    assert RULES.standing(Global(what.module, name), GlobalRole.CALL) >= AllowLevel.UNLISTED
    assert RULES.standing(Global(what.module + letter, what.name), GlobalRole.CALL) >= AllowLevel.UNLISTED


@given(
    st.sampled_from(ALLOWED), st.sampled_from(["__globals__", "__class__", "__init__.__globals__", "__reduce__", "x"])
)
@settings(max_examples=200, deadline=None)
def test_a_name_with_dots_reaches_through_nothing(what: Global, further: str) -> None:
    """From protocol 4 on an unpickler follows dots: what lies behind an allowed class is not allowed with it."""
    raw = f"{what.name}.{further}"
    if len(raw) > 255 or len(what.module) > 255:
        return
    content = b"\x80\x04" + spelled(what.module)[0] + spelled(raw)[0] + b"\x93)R."
    assert read(content).unsafe == [("call", f"{what.module}.{raw}")]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_names_of_python_2_are_translated_as_the_protocol_says(protocol: int) -> None:
    head = b"\x80" + bytes([protocol])
    expected = "builtins.eval" if protocol < 3 else "__builtin__.eval"
    assert read(head + b"c__builtin__\neval\n)R.").unsafe == [("call", expected)]


def test_the_protocol_may_change_in_the_middle() -> None:
    assert read(b"\x80\x04\x80\x02c__builtin__\nset\n]\x85R.").is_clean
    assert not read(b"\x80\x02\x80\x04c__builtin__\nset\n]\x85R.").is_clean


@pytest.mark.parametrize("module", ["__builtin__", "copy_reg"])
def test_translation_never_allows_what_is_dangerous(module: str) -> None:
    for name in ("eval", "exec", "getattr", "__import__", "open", "add_extension"):
        assert RULES.standing(canonical(module, name), GlobalRole.CALL) >= AllowLevel.UNLISTED


CHAINS = [
    b"c__builtin__\ngetattr\n(cos\nsystem\nU\x08__call__tRU\x02id\x85R.",
    b"c__builtin__\ngetattr\n(ccollections\nOrderedDict\nU\x08fromkeystR)R.",
    b"cfunctools\npartial\n(cos\nsystem\nU\x02idtR)R.",
    b"coperator\nattrgetter\nU\x06system\x85Rcos\npath\n\x85R.",
    b"c__builtin__\nmap\n(cos\nsystem\n]U\x02idatR.",
    b"c__builtin__\napply\n(cos\nsystem\nU\x02id\x85tR.",
    b"cimportlib\nimport_module\nU\x02os\x85R.",
    b"ctypes\nFunctionType\n)R.",
    b"cmarshal\nloads\nC\x01x\x85R.",
    b"ccollections\ndefaultdict\ncos\ngetcwd\n\x85R.",
    b"c__builtin__\ntype\n(U\x01xtR.",
    b"ccopy_reg\n__newobj__\n(cmy.own\nthing\ntR.",
    b"ccopy_reg\n__newobj__\n(cmy.own\nThing\nU\x05id -utR.",
    b"cnumpy\ndtype\nU\x08O,(2)f8x\x85R.",
    b"csys\nmodules\nU\x02osa.",
    b"csys\nmodules\nU\x01xcos\nsystem\ns.",
]


@pytest.mark.parametrize("at", range(len(CHAINS)))
def test_chains_of_harmless_names_are_unsafe(at: int) -> None:
    assert verdict(b"\x80\x02" + CHAINS[at]) is Verdict.UNSAFE


@pytest.mark.parametrize("code", [b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00", b"\x84\xff\xff\xff\xff"])
def test_the_extension_registry_names_what_nobody_knows(code: bytes) -> None:
    assert verdict(code + b".") is not Verdict.CLEAN
    assert verdict(code + b")R.") is Verdict.UNSAFE
    assert verdict(code + b")\x81}b.") is Verdict.UNSAFE


@pytest.mark.parametrize(
    "key",
    [
        b"Pkey\n",
        b"K\x01Q",
        b"U\x07storageQ",
        b"(U\x07storagetQ",
        b"(U\x07storageNNNNtQ",
        b"(U\x06modulecmy.own\nnet\nNNtQ",
    ],
)
def test_objects_outside_the_file_are_never_clean(key: bytes) -> None:
    assert verdict(b"\x80\x02" + key + b".") is not Verdict.CLEAN
    assert verdict(b"\x80\x02" + key + b")R.") is Verdict.UNSAFE


@pytest.mark.parametrize("half", [b"V\\ud800\n", b"\x8c\x03\xed\xa0\x80", b"X\x03\x00\x00\x00\xed\xa0\x80"])
def test_half_letters_in_a_name_can_be_told(half: bytes) -> None:
    judgement = judge(memoryview(b"\x80\x04" + half + b"\x8c\x03run\x93)R."), Limits())
    assert judgement.verdict is Verdict.UNSAFE
    judgement.reason.encode("utf-8")
    "".join(judgement.facts["globals"]).encode("utf-8")


@given(st.sampled_from(ALLOWED))
@settings(max_examples=300, deadline=None)
def test_an_allowed_name_is_clean_as_a_value_and_unclean_where_it_has_no_such_role(what: Global) -> None:
    content = b"\x80\x04c" + str(what.module).encode() + b"\n" + what.name.encode() + b"\n"
    assert read(content + b".").is_clean
    if GlobalRole.CALL not in RULES.allowed[what]:
        assert read(content + b")R.").unsafe == [("call", str(what))]
    if GlobalRole.NEW not in RULES.allowed[what]:
        assert read(content + b")\x81.").unsafe == [("new", str(what))]
    assert read(content + b"}b.").unsafe == [("build", f"{what} itself")]


@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False), st.lists, max_leaves=8
    )
)
@settings(max_examples=100, deadline=None)
def test_plain_values_are_clean_in_every_protocol(value: object) -> None:
    for protocol in range(6):
        assert verdict(pickle.dumps([value], protocol)) is Verdict.CLEAN
