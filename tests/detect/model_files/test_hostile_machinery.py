"""The machinery that builds hostile files: its instructions mean what they say, and nothing here runs them."""

import io
import pickle
import pickletools
import random
import zipfile

import pytest
from bench.machinery.hostile.advisories import build
from bench.machinery.hostile.archives import HARMLESS, zipped
from bench.machinery.hostile.assembly import array, call, data, get, harm, named, new, pickled, put, row, table, text
from bench.machinery.hostile.campaign import Outcome, _scan, apart
from bench.machinery.hostile.grammar import Grammar, Program, counted
from bench.machinery.hostile.mutations import KINDS, mutated
from bench.machinery.hostile.pickles import PICKLES
from hypothesis import given
from hypothesis import strategies as st

CANARY = "/nowhere/canary"


class Named(pickle.Unpickler):
    """Says which globals a pickle asks for, and gives nothing that could do harm."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.asked: list[tuple[str, str, tuple[object, ...]]] = []

    def find_class(self, module: str, name: str) -> object:
        def told(*args: object) -> str:
            self.asked.append((module, name, args))
            return f"{module}.{name}"

        return told


def loaded(content: bytes) -> tuple[object, list[tuple[str, str, tuple[object, ...]]]]:
    reader = Named(content)
    return reader.load(), reader.asked


@given(value=st.text())
def test_a_text_is_itself(value: str) -> None:
    assert loaded(pickled(text(value)))[0] == value


@given(value=st.binary())
def test_bytes_are_themselves_whether_they_may_be_changed_or_not(value: bytes) -> None:
    assert loaded(pickled(data(value)))[0] == value
    assert loaded(pickled(array(value), protocol=5))[0] == bytearray(value)


@given(values=st.lists(st.text(), max_size=6), keys=st.dictionaries(st.text("abc", min_size=1), st.text(), min_size=1))
def test_rows_and_tables_hold_what_they_are_given(values: list[str], keys: dict[str, str]) -> None:
    assert loaded(pickled(row(*map(text, values))))[0] == tuple(values)
    assert loaded(pickled(table(**{key: text(value) for key, value in keys.items()})))[0] == keys


def test_a_call_calls_with_its_arguments() -> None:
    assert loaded(pickled(call(("a.b", "c"), text("x"), b"N"))) == ("a.b.c", [("a.b", "c", ("x", None))])


def test_a_new_object_is_made_by_its_class() -> None:
    steps = [op.name for op, *_ in pickletools.genops(pickled(new(("a", "b"), text("x"))))]
    assert steps == ["PROTO", "GLOBAL", "MARK", "BINUNICODE", "TUPLE", "NEWOBJ", "STOP"]
    assert named("a", "b") == b"ca\nb\n"


@given(place=st.integers(0, 255))
def test_what_is_put_in_a_place_is_got_from_it(place: int) -> None:
    assert loaded(pickled(text("x"), put(place), b"0", get(place)))[0] == "x"


@given(canary=st.text(st.characters(codec="utf-8", exclude_characters="\n\\\r"), min_size=1))
def test_the_harm_is_a_folder_of_that_name(canary: str) -> None:
    assert loaded(harm(canary))[1] == [("posix", "mkdir", (canary,))]


@pytest.mark.parametrize("stacked", [False, True])
def test_an_advisory_is_the_same_call_in_either_spelling(stacked: bool) -> None:
    content = build(["posix", "mkdir", "x y"], CANARY, stacked=stacked)
    assert loaded(content)[1] == [("posix", "mkdir", ("x y",))]
    assert (b"cposix\n" in content) is not stacked


@pytest.mark.parametrize("seed", [1, 2])
def test_programs_are_pickles_to_their_end(seed: int) -> None:
    """But for whole tricks, which may be no plain pickle, every instruction can be read."""
    grammar = Grammar(seed)
    programs = [grammar.program(CANARY) for _ in range(300)]
    for program in programs:
        if not set(program.classes) & set(PICKLES):
            *_, (last, _, at) = pickletools.genops(program.content)
            assert (last.name, at) == ("STOP", len(program.content) - 1)
    assert sum(not one.classes for one in programs) > 20, "some are harmless"
    assert len(counted(programs)) > 20


def test_other_seeds_give_other_programs() -> None:
    one, other = (Grammar(seed) for seed in (1, 2))
    assert [one.program("/c").content for _ in range(9)] != [other.program("/c").content for _ in range(9)]


@given(seed=st.integers(0, 10**6), content=st.binary(min_size=1, max_size=30))
def test_a_changed_program_is_never_empty(seed: int, content: bytes) -> None:
    assert Grammar(seed).mutated(content)


def test_classes_are_counted_over_programs() -> None:
    assert counted([Program(b"", ["a", "b"]), Program(b"", ["a"]), Program(b"")]) == {"a": 2, "b": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_names_its_kind_and_one_of_its_loaders(kind: str) -> None:
    loaders = {loader for loader, _ in KINDS[kind].seeds}
    for seed in range(40):
        made = mutated(kind, random.Random(seed), CANARY)
        assert made.content
        assert made.classes == [kind]
        assert made.loader in loaders


@pytest.mark.parametrize("kind", KINDS)
def test_changes_cope_with_what_is_hardly_there(kind: str) -> None:
    for seed in range(60):
        content = bytearray(b"PK\x01\x02" if seed % 2 else b"x")
        KINDS[kind].change(random.Random(seed), content)


def test_a_zip_holds_its_files() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(("a/b.pkl", HARMLESS), ("c", b"x")))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a/b.pkl": HARMLESS, "c": b"x"}


def test_a_text_with_an_escape_that_python_warns_about_is_counted_quietly() -> None:
    outcome = Outcome()
    _scan(outcome, Program(b"S'\\q'\n."), has_fired=False)
    assert outcome.opcodes == {"STRING": 1, "STOP": 1}


def test_no_change_of_a_letter_or_two_makes_a_canary_that_of_another_program() -> None:
    names = [apart("canary", number) for number in range(500)]
    assert len({len(name) for name in names}) == 1
    near = (
        sum(a != b for a, b in zip(one, other, strict=True)) for one in names[:100] for other in names if one != other
    )
    assert min(near) > 4
