"""What else lies in model folders: arrays, frames, sparse matrices, Python's own values, networks."""

import argparse
import collections
import datetime
import decimal
import fractions
import importlib.util
import pathlib
import types
import uuid
from collections.abc import Iterator

import numpy as np

from bench.worlds.model_files.estimators import Example


def of_python() -> Iterator[Example]:
    """Yield values of Python's own, as people keep settings and results."""
    now = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.UTC)
    for name, value in {
        "settings": {"rate": 0.1, "layers": [64, 32], "name": "a", "none": None, "set": {1, 2}, "bytes": b"ab"},
        "arguments": argparse.Namespace(rate=0.1, out=pathlib.PurePosixPath("out")),
        "simple namespace": types.SimpleNamespace(a=1),
        "counter": collections.Counter("abcab"),
        "ordered": collections.OrderedDict(a=1, b=2),
        "default": collections.defaultdict(list, {"a": [1]}),
        "default of numbers": collections.defaultdict(int, {"a": 1}),
        "queue": collections.deque([1, 2], maxlen=3),
        "times": [now, now.date(), now.time(), now - now],
        "numbers": [decimal.Decimal("1.5"), fractions.Fraction(1, 3), 1 + 2j, 1 << 200],
        "ids": [uuid.UUID(int=3)],
        "frozen": frozenset({"a", "b"}),
        "range and slice": [range(3), slice(1, 2, 3), bytearray(b"abc"), ...],
        "words": {word: number for number, word in enumerate(map(str, range(2000)))},
        "texts": ["einfach", "\u00e4\u00f6\u00fc", "\U0001f600" * 5, "a" * 70_000],
    }.items():
        yield "python", name, value


def of_numpy() -> Iterator[Example]:
    """Yield arrays and scalars of all types."""
    for letters in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "c8", "c16", "?", "U5", "S5"):
        yield "numpy", f"array {letters}", np.zeros((3, 2), letters)
    for name, value in {
        "objects": np.array([1, "a", None, [1]], dtype=object),
        "times": np.array(["2026-01-01"], dtype="M8[D]"),
        "spans": np.array([1], dtype="m8[s]"),
        "fields": np.zeros(3, [("a", "f4"), ("b", "i8", (2,))]),
        "records": np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "masked": np.ma.masked_array([1, 2], [0, 1]),
        "large": np.arange(50_000.0),
        "fortran": np.asfortranarray(np.ones((4, 5))),
        "empty": np.zeros(0),
        "scalars": [np.float32(1), np.int64(2), np.bool_(1), np.str_("a"), np.datetime64("2026-01-01")],
        "dtype": [np.dtype("f4"), np.dtype([("a", "<i2")])],
        "generators": [np.random.default_rng(1), np.random.RandomState(2), np.random.Generator(np.random.Philox(1))],
        "seeds": np.random.SeedSequence(3),
        "polynomials": [np.polynomial.Polynomial([1, 2]), np.poly1d([1, 2]), np.polynomial.Chebyshev([1])],
    }.items():
        yield "numpy", name, value


def of_scipy() -> Iterator[Example]:
    """Yield sparse matrices, splines, trees and rotations."""
    from scipy import interpolate, sparse, spatial

    dense = np.eye(4)
    for kind in ("csr", "csc", "coo", "bsr", "dia", "dok", "lil"):
        yield "scipy", f"{kind} matrix", getattr(sparse, f"{kind}_matrix")(dense)
        yield "scipy", f"{kind} array", getattr(sparse, f"{kind}_array")(dense)
    ruler = np.arange(8.0)
    yield "scipy", "cubic spline", interpolate.CubicSpline(ruler, ruler**2)
    yield "scipy", "pchip", interpolate.PchipInterpolator(ruler, ruler**2)
    yield "scipy", "interpolation", interpolate.interp1d(ruler, ruler**2)
    yield "scipy", "spline", interpolate.UnivariateSpline(ruler, ruler**2)
    yield "scipy", "grid", interpolate.RegularGridInterpolator((ruler, ruler), np.outer(ruler, ruler))
    yield "scipy", "tree", spatial.cKDTree(dense)
    yield "scipy", "rotation", spatial.transform.Rotation.from_euler("z", 1)
    yield "scipy", "hull", spatial.ConvexHull(np.random.default_rng(0).normal(size=(9, 2))).points


def of_pandas() -> Iterator[Example]:
    """Yield frames, series and indexes, if pandas is there."""
    if importlib.util.find_spec("pandas") is None:
        return
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"]), "d": [1.5, None]})
    days = pd.date_range("2026-01-01", periods=2, tz="UTC")
    for name, value in {
        "frame": frame,
        "series": frame["a"],
        "texts": frame["b"],
        "categories": frame["c"],
        "times": frame.assign(t=days),
        "by days": frame.set_index(days),
        "by pairs": frame.set_index(["a", "b"]),
        "missing": pd.DataFrame({"i": pd.array([1, None], "Int64"), "b": pd.array([True, None], "boolean")}),
        "spans": pd.Series(pd.to_timedelta([1, 2], "s")),
        "intervals": pd.Series(pd.interval_range(0, 2)),
        "periods": pd.Series(pd.period_range("2026-01", periods=2, freq="M")),
        "index": pd.RangeIndex(3),
        "sparse": pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 1])}),
        "timestamp": [pd.Timestamp("2026-01-01"), pd.Timedelta("1s"), pd.NaT],
        "empty": pd.DataFrame(),
    }.items():
        yield "pandas", name, value


def of_torch() -> Iterator[Example]:
    """Yield state dictionaries, checkpoints and whole networks, if torch is there."""
    if importlib.util.find_spec("torch") is None:
        return
    import torch
    from torch import nn

    # The same files on every run, as of the other libraries.
    torch.manual_seed(0)
    nets: dict[str, nn.Module] = {
        "lines": nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2)),
        "pictures": nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(2)
        ),
        "sounds": nn.Sequential(nn.Conv1d(1, 4, 3), nn.GroupNorm(2, 4), nn.SiLU(), nn.AdaptiveAvgPool1d(1)),
        "memory": nn.LSTM(4, 8, 2),
        "gates": nn.GRU(4, 8, bidirectional=True),
        "attention": nn.MultiheadAttention(8, 2),
        "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 1, enable_nested_tensor=False),
        "transformer": nn.Transformer(8, 2, 1, 1, 16),
        "words": nn.Sequential(nn.Embedding(20, 4), nn.LayerNorm(4)),
        "parts": nn.ModuleDict({"a": nn.ModuleList([nn.Linear(2, 2)]), "b": nn.ParameterList([torch.zeros(2)])}),
    }
    nets["pictures"](torch.zeros(1, 1, 8, 8))
    for name, net in nets.items():
        yield "torch", f"state of {name}", net.state_dict()
        yield "torch", f"network of {name}", net
    line = nn.Linear(4, 2)
    for kind in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "LBFGS"):
        optimizer = getattr(torch.optim, kind)(line.parameters(), lr=0.1)
        line(torch.zeros(1, 4)).sum().backward()
        if kind != "LBFGS":
            optimizer.step()
        steps = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        checkpoint = {"epoch": 3, "state": line.state_dict(), "optimizer": optimizer.state_dict()}
        yield "torch", f"checkpoint with {kind}", checkpoint | {"steps": steps.state_dict(), "loss": torch.tensor(1.0)}
    for kind in ("float16", "bfloat16", "float32", "float64", "int8", "uint8", "int64", "bool", "complex64"):
        yield "torch", f"tensor {kind}", torch.zeros(3, 2).to(getattr(torch, kind))
    yield "torch", "views", [torch.zeros(4, 4).t(), torch.zeros(9)[2:5], torch.eye(3).to_sparse(), torch.Size([1])]
    yield "torch", "settings", {"device": torch.device("cpu"), "type": torch.float16, "seed": torch.get_rng_state()}
