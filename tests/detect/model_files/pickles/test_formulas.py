"""Results of statsmodels: the formula that is evaluated while one is loaded may name columns, and do no more."""

import pytest

from caponier.detect.model_files.pickles.formulas import evaluates
from caponier.detect.model_files.pickles.values import Box, Global, Made
from detect.model_files.pickles.reading import read

FRAME = "cpandas\nDataFrame\n)\x81"
HOMES = ["ModelData", "PandasData", "PatsyData", "FormulaicData"]


def text(value: str) -> str:
    return f"X{len(value).to_bytes(4, 'little').decode('latin-1')}{value}"


def data(home: str = "PandasData", **state: str) -> bytes:
    pairs = "".join(text(key) + value for key, value in state.items())
    return f"\x80\x02cstatsmodels.base.data\n{home}\n)\x81}}({pairs}ub.".encode("latin-1")


@pytest.mark.parametrize("home", HOMES)
def test_a_model_of_arrays_is_clean(home: str) -> None:
    assert read(data(home, endog="N", exog="N", formula="N")).is_clean


@pytest.mark.parametrize("key", ["restore_design_info", "restore_model_spec"])
@pytest.mark.parametrize("formula", ["y ~ a", "y ~ a + b - 1", "y ~ a * b", "y ~ a:b", "price ~ rooms_2 +\n age"])
def test_a_formula_of_names_is_clean(formula: str, key: str) -> None:
    assert read(data(formula=text(formula), frame=FRAME, **{key: "\x88"})).is_clean


@pytest.mark.parametrize("key", ["restore_design_info", "restore_model_spec"])
@pytest.mark.parametrize(
    "formula",
    [
        "y ~ f(a)", "y ~ a.b", "y ~ a[0]", "y ~ {a}", "y ~ `a`", "y ~ a + __import__('os').system('x')", "y ~ 'a'",
        "y ~ a | b", "y ~ a if b else c, d", "y ~ a @ b", "y ~ a / b", "y ~ (a + b)",
    ],
)  # fmt: skip
def test_any_other_formula_is_open_and_says_why(formula: str, key: str) -> None:
    reading = read(data(formula=text(formula), frame=FRAME, **{key: "\x88"}))
    assert not reading.unsafe
    assert any("evaluates the formula" in doubt for doubt in reading.ledger.doubts)


@pytest.mark.parametrize(
    "state",
    [
        {"formula": text("y ~ a")}, {"frame": FRAME}, {"formula": "N", "frame": FRAME},
        {"formula": text("y ~ a"), "frame": "N"}, {"formula": text("y ~ a"), "frame": "}"},
        {"formula": text("y ~ a"), "frame": "csklearn.utils\nBunch\n)\x81"},
    ],
)  # fmt: skip
def test_a_formula_or_a_table_that_is_missing_or_another_thing_is_open(state: dict[str, str]) -> None:
    reading = read(data(restore_model_spec="\x88", **state))
    assert not reading.is_clean
    assert any("evaluates the formula" in doubt for doubt in reading.ledger.doubts)


def test_the_last_of_two_formulas_counts_and_so_does_the_first() -> None:
    pairs = "".join(
        text(key) + value
        for key, value in [
            ("formula", text("y ~ f(a)")), ("formula", text("y ~ a")), ("frame", FRAME), ("restore_model_spec", "\x88"),
        ]
    )  # fmt: skip
    head = "\x80\x02cstatsmodels.base.data\nModelData\n)\x81}("
    assert not read(f"{head}{pairs}ub.".encode("latin-1")).is_clean


def test_only_a_plain_dictionary_of_texts_is_known() -> None:
    frame = Made(Global("pandas", "DataFrame"))
    plain = ["formula", "y ~ a", "frame", frame, "restore_model_spec", True]
    assert not evaluates(Box("dict", plain))
    assert not evaluates(Box("dict", []))
    assert evaluates(Box("list", plain))
    assert evaluates(Box("dict", [*plain, 1, 2]))
    assert evaluates(Made(Global("collections", "OrderedDict")))
    assert evaluates(None)


@pytest.mark.parametrize("key", ["__setstate__", "append", "extend", "__class__"])
def test_items_of_a_result_of_scipy_that_it_takes_for_methods_are_refused(key: str) -> None:
    head = "\x80\x02cscipy.optimize._optimize\nOptimizeResult\n)\x81("
    assert read(f"{head}{text(key)}K\x01u.".encode("latin-1")).unsafe
    assert read(f"{head}{text('success')}\x88u.".encode("latin-1")).is_clean
