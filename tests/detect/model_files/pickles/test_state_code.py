"""Classes whose own code runs while their state is set: what the state brings must be nothing that this code calls."""

from datetime import date

import pytest

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files.judge import judge
from caponier.detect.model_files.pickles.rules import Allowance, GlobalRole, shipped
from caponier.detect.model_files.pickles.stream import LimitError
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read

CLASS = "cbuiltins\nlist\n"
NAMESPACE = f"ctypes\nSimpleNamespace\n)R}}(X\x06\0\0\0astype{CLASS}ub"
RUN = [
    ("sklearn.isotonic", "IsotonicRegression", "_build_f"),
    ("sklearn.isotonic", "IsotonicRegression", "X_thresholds_"),
    ("torch.nn.modules.rnn", "LSTM", "_all_weights"),
    ("torch.nn.modules.rnn", "GRU", "register_parameter"),
    ("torch.nn.modules.conv", "Conv2d", "register_buffer"),
    ("torch.nn.parallel.data_parallel", "DataParallel", "_parameters"),
    ("torch.optim.swa_utils", "AveragedModel", "_non_persistent_buffers_set"),
    ("sklearn.ensemble._hist_gradient_boosting.predictor", "TreePredictor", "nodes"),
    ("lightgbm.basic", "Booster", "_handle"),
    ("lightgbm.basic", "Booster", "handle"),
    ("pandas.core.frame", "DataFrame", "_set_axis"),
    ("pandas.core.series", "Series", "_mgr"),
    ("pandas", "DataFrame", "_data"),
]
SETTERS = [
    ("scipy.sparse._csr", "csr_matrix", "shape"),
    ("scipy.sparse._csc", "csc_array", "dtype"),
    ("scipy.interpolate._interpolate", "PPoly", "c"),
    ("scipy.interpolate._interpolate", "interp1d", "fill_value"),
    ("sklearn.linear_model._base", "LinearRegression", "coef_"),
]


def text(value: str) -> str:
    return f"X{len(value).to_bytes(4, 'little').decode('latin-1')}{value}"


def table(**entries: str) -> str:
    return "}(" + "".join(text(key) + value for key, value in entries.items()) + "u"


def built(module: str, name: str, state: str) -> bytes:
    return f"\x80\x02c{module}\n{name}\n)\x81{state}b.".encode("latin-1")


@pytest.mark.parametrize(("module", "name", "key"), RUN)
@pytest.mark.parametrize("value", [CLASS, NAMESPACE])
def test_what_a_class_calls_while_its_state_is_set_is_refused(module: str, name: str, key: str, value: str) -> None:
    reading = read(built(module, name, table(a="N", **{key: value})))
    assert ("build", f"{module}.{name} with an attribute {key} that it calls") in reading.unsafe


@pytest.mark.parametrize(("module", "name", "key"), RUN)
def test_the_same_in_the_first_of_two_tables_or_in_another_kind_of_table_is_refused(
    module: str, name: str, key: str
) -> None:
    assert read(built(module, name, f"({table(**{key: CLASS})}Nt")).unsafe
    ordered = f"ccollections\nOrderedDict\n)R({text(key)}{CLASS}u"
    assert read(built(module, name, ordered)).unsafe


@pytest.mark.parametrize(("module", "name", "key"), RUN)
def test_an_array_a_number_or_nothing_under_the_same_name_is_clean(module: str, name: str, key: str) -> None:
    array = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0\x85U\x01btR"
    for value in (array, "N", "K\x01", text("x")):
        assert read(built(module, name, table(**{key: value}))).is_clean
    assert read(built(module, name, table(other=CLASS))).is_clean


@pytest.mark.parametrize("held", [f"](]({NAMESPACE}ee", f"]({NAMESPACE}e", f"({NAMESPACE}t"])
def test_what_an_array_is_made_of_is_refused_in_lists_as_well(held: str) -> None:
    content = built("sklearn.isotonic", "IsotonicRegression", table(y_thresholds_=held))
    assert ("build", "sklearn.isotonic.IsotonicRegression with an attribute y_thresholds_ that it calls") in read(
        content
    ).unsafe
    assert read(built("sklearn.isotonic", "IsotonicRegression", table(other=held))).is_clean


def test_layers_in_a_layer_are_clean() -> None:
    layer = "ctorch.nn.modules.linear\nLinear\n)\x81" + table(_parameters="}", bias="N") + "b"
    layers = table(_modules=table(a=layer), _parameters="ccollections\nOrderedDict\n)R", activation=layer)
    assert read(built("torch.nn.modules.container", "Sequential", layers)).is_clean


@pytest.mark.parametrize("key", ["register_parameter", "_all_weights"])
def test_a_function_that_sets_a_state_is_held_to_what_the_class_calls(key: str) -> None:
    made = "ctorch.nn.modules.rnn\nLSTM\n"
    rebuilt = "\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ccopyreg\n__newobj__\n"
    content = f"{rebuilt}{made}{made}\x85{table(**{key: CLASS})}tR."
    assert read(content.encode("latin-1")).unsafe == [
        ("build", f"torch.nn.modules.rnn.LSTM with an attribute {key} that it calls")
    ]


@pytest.mark.parametrize(("after", "expected"), [("h\x07}X\x01\0\0\0aNsb0", False), ("h\x07}b0", False), ("", True)])
def test_an_object_that_is_handed_over_first_and_gets_attributes_later_leaves_it_open(
    after: str, expected: bool
) -> None:
    default = "ccollections\ndefaultdict\nctorch.nn.modules.linear\nLinear\n)\x81q\x07\x85R"
    reading = read(f"\x80\x02{default}{after}.".encode("latin-1"))
    assert not reading.unsafe
    assert reading.is_clean is expected


@pytest.mark.parametrize(
    ("function", "first", "expected"),
    [
        ("cpandas.core.indexes.base\n_new_Index\n", "cpandas\nIndex\n", False),
        ("ccollections\nOrderedDict\n", "", True),
    ],
)
def test_an_object_in_a_container_that_a_function_gets_leaves_it_open(
    function: str, first: str, expected: bool
) -> None:
    """Pandas makes an array of what its table holds; a dictionary keeps it."""
    layer = "ctorch.nn.modules.linear\nLinear\n)\x81" + table(_modules="}") + "b"
    reading = read(f"\x80\x02{function}({first}{table(data=layer)}tR.".encode("latin-1"))
    assert not reading.unsafe
    assert reading.is_clean is expected


@pytest.mark.parametrize(("module", "name", "key"), SETTERS)
@pytest.mark.parametrize("first", ["N", table(reshape=CLASS)])
def test_an_attribute_that_a_class_sets_by_code_leaves_it_open(module: str, name: str, key: str, first: str) -> None:
    reading = read(built(module, name, f"({first}{table(**{key: 'N'})}t"))
    assert not reading.unsafe
    assert any(f"has {module}.{name} set an attribute {key}" in doubt for doubt in reading.ledger.doubts)


def test_slots_that_only_python_sets_are_clean() -> None:
    slots = table(_y_axis="K\0", _y_extra_shape=")", dtype="N")
    assert read(built("scipy.interpolate._interpolate", "interp1d", f"({table(x='N')}{slots}t")).is_clean
    pieces = table(_c="N", _x="N", extrapolate="\x88", axis="K\0", _asarray="cnumpy\nasarray\n")
    assert read(built("scipy.interpolate._cubic", "CubicSpline", f"(N{pieces}t")).is_clean


@pytest.mark.parametrize("second", ["ccollections\nOrderedDict\n)R", "cbuiltins\ndict\n(]tR", "}(K\x01Nu"])
def test_slots_whose_names_are_not_known_leave_a_class_open(second: str) -> None:
    assert not read(built("scipy.sparse._csr", "csr_matrix", f"(N{second}t")).is_clean


def test_no_slots_at_all_are_clean() -> None:
    assert read(built("scipy.sparse._csr", "csr_matrix", "(}}t")).is_clean
    assert read(built("scipy.sparse._csr", "csr_matrix", "(}Nt")).is_clean


def test_a_class_that_a_user_allows_may_have_slots() -> None:
    mine = Global("mine", "Model")
    rules = shipped().extended(
        [Allowance(mine, frozenset({GlobalRole.NEW, GlobalRole.BUILD}), "is ours", date(2099, 1, 1))]
    )
    content = built("mine", "Model", f"(N{table(weight='N')}t")
    assert judge(memoryview(content), Limits(), rules).verdict is Verdict.CLEAN


def test_torch_sets_attributes_by_code_and_so_only_on_classes_of_its_own() -> None:
    """It rebuilds what a function gives, and then sets the state one by one: also on a sparse matrix."""
    rebuilt = (
        "\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ccopyreg\n__newobj__\ncscipy.sparse._csr\ncsr_matrix\n"
        f"cscipy.sparse._csr\ncsr_matrix\n\x85{table(reshape=CLASS, shape='N')}tR."
    )
    unsafe = read(rebuilt.encode("latin-1")).unsafe
    assert any("csr_matrix, which is not of torch" in what for _, what in unsafe)


VECTORS = "cgensim.models.keyedvectors\nKeyedVectors\n)\x81"


@pytest.mark.parametrize("key", ["__numpys", "__scipys", "__recursive_saveloads"])
@pytest.mark.parametrize(
    ("names", "then", "expected"),
    [
        ("]" + text("vectors") + "a", "", Verdict.CLEAN),
        ("]", "", Verdict.CLEAN),
        ("]" + text("/../../made") + "a", "", Verdict.UNSAFE),
        ("]" + text("\\made") + "a", "", Verdict.UNSAFE),
        ("]q\x07", "h\x07" + text("/../../made") + "a0", Verdict.UNSAFE),
        ("K\x01", "", Verdict.UNSAFE),
    ],
)
def test_files_that_a_model_of_gensim_reads_beside_it_are_in_its_folder(
    key: str, names: str, then: str, expected: Verdict
) -> None:
    """Its loader reads on in these files, in some of them as pickles, and a list may be filled afterwards."""
    content = f"\x80\x02{VECTORS}}}{text(key)}{names}sb{then}."
    assert judge(memoryview(content.encode("latin-1")), Limits()).verdict is expected


def test_a_long_list_that_is_handed_over_again_and_again_comes_to_its_limit() -> None:
    long = "](" + "K\x01" * 10_000 + "eq\x01"
    content = f"\x80\x02{long}0cpytz\n_p\nq\x02(h\x01tq\x030" + "h\x02h\x03R0" * 500 + "."
    reading = read(content.encode("latin-1"), Limits(opcodes=100_000))
    assert isinstance(reading.error, LimitError)
    assert reading.ledger.expense.opcodes < 25_000
