"""Values that stand as text: what they hold, and that none of them takes long to read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from caponier.telemetry.framing.written_values import loaded, numbers_text
from pace import Stopwatch

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), max_size=20)


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=5), elements=st.floats(-100, 100, width=32)))
def test_an_array_is_read_as_numpy_prints_it(array: np.ndarray) -> None:
    for text in (str(array), repr(array), str(array.tolist()), str(tuple(array.ravel().tolist()))):
        found = numbers_text(text)
        assert found is not None
        flat = np.array(found, float).ravel()
        assert np.allclose(flat, array.ravel(), rtol=1e-4, atol=1e-4)


@given(st.dictionaries(st.text("abc", min_size=1), NUMBERS | st.text(max_size=5) | st.none() | st.booleans()))
def test_an_object_is_read_as_python_prints_it(value: dict[str, object]) -> None:
    assert loaded(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tensor([0.5, 1.5], device='cuda:0', grad_fn=<AddBackward0>)", [0.5, 1.5]),
        ("array([0.5, 1.5], dtype=float32)", [0.5, 1.5]),
        ("[np.float64(0.5), np.float64(1.5)]", [0.5, 1.5]),
        ("{0.5,1.5}", [0.5, 1.5]),
        ("[0.5 ... 1.5]", None),
        ("(see below)", None),
        ("[]", []),
    ],
)
def test_forms_of_numbers(text: str, value: object) -> None:
    assert numbers_text(text) == value


def test_a_map_is_read_as_presto_prints_it() -> None:
    assert loaded("{age=1.5, city=Bern}") == {"age": "1.5", "city": "Bern"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{'x': array([1.5, 2], dtype=float32), 'p': np.float64(0.25)}", {"x": [1.5, 2], "p": 0.25}),
        ("{'x': tensor([[0.5], [1.5]], device='cuda:0')}", {"x": [[0.5], [1.5]]}),
        ("{'at': datetime.datetime(2026, 1, 5, 9, 30)}", {"at": "2026-01-05 09:30:00"}),
        ("{'at': Timestamp('2026-01-05 09:30:00+0100', tz='CET')}", {"at": "2026-01-05 09:30:00+0100"}),
        ("{'sum': Decimal('12.50'), 'id': UUID('1f')}", {"sum": "12.50", "id": "1f"}),
        ("{'low': -inf, 'none': nan, 'three': -3}", {"low": None, "none": None, "three": -3}),
        ("{'answer': Answer(label='a', score=0.5)}", {"answer": {"label": "a", "score": 0.5}}),
        ("{'x': {1.5}, 'y': (1, 2)}", {"x": [1.5], "y": [1, 2]}),
        ("{'raw': b'ab'}", {"raw": "b'ab'"}),
    ],
)
def test_values_in_objects_are_read_as_their_types_are_printed(text: str, value: object) -> None:
    assert loaded(text) == value


@pytest.mark.parametrize(
    "text",
    ["{'a': system('x')}", "{'a': f(1, 2)}", "{'a': -'b'}", "{**b}", "{'a': [1, ...]}", "{'a': f(x=1)}"],
)
def test_what_would_have_to_be_run_is_no_value(text: str) -> None:
    assert loaded(text) is None


@pytest.mark.parametrize("year", ["0", "99999", "9" * 30, "1.5", "None", "'a'"])
def test_a_moment_that_never_was_is_no_value(year: str) -> None:
    assert loaded(f"{{'time': datetime.datetime({year}, 1, 1)}}") is None


@pytest.mark.parametrize(
    ("zone", "value"),
    [
        ("datetime.timezone.utc", "+00:00"),
        ("zoneinfo.ZoneInfo(key='Europe/Rome')", "+01:00"),
        ("datetime.timezone(datetime.timedelta(seconds=19800))", "+05:30"),
    ],
)
def test_a_moment_has_its_zone(zone: str, value: str) -> None:
    assert loaded(f"{{'t': datetime.datetime(2026, 1, 5, 9, 30, tzinfo={zone})}}") == {
        "t": f"2026-01-05 09:30:00{value}"
    }


@pytest.mark.parametrize("name", ["Europe", "Nowhere/Else", "../etc", "", "a" * 400, "a\\x00b"])
def test_a_zone_that_is_none_is_no_value_whatever_it_is_called(name: str) -> None:
    """A caller can write one into a text: a folder of the zones, or a name no file can have."""
    assert loaded(f"{{'t': datetime.datetime(2026, 1, 5, tzinfo=zoneinfo.ZoneInfo(key='{name}'))}}") is None


def test_a_struct_is_read_as_duckdb_prints_it() -> None:
    text = "{'age': 35, 'income': 1200.5, 'work': self-employed, 'canton': NULL, 'place': St. Gallen}"
    told = {"age": 35, "income": 1200.5, "work": "self-employed", "canton": None, "place": "St. Gallen"}
    assert loaded(text) == told
    assert loaded("{'age': 35, 'work': a}b}") is None


@pytest.mark.parametrize(
    "text",
    [
        "[" + " " * 500_000 + "x",
        "array(" + "dtype" * 50_000,
        "{" + "a=1, " * 50_000,
        "{" + "a=1," * 50_000 + "x",
        "(" * 100_000,
        "{'a':" * 10_000,
        "[" + "np.float64(" * 20_000,
        "[" * 60_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    with Stopwatch() as watch:
        loaded(text)
        numbers_text(text)
    assert watch.seconds < 1
