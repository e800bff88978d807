"""Put the tensors of a model file together to a network that is computed here.

Pickled modules and scikit-learn's networks say how their layers follow each other. A state dictionary says only names
and shapes: then the usual ways to put such layers together are tried, and one is believed only if it gives the labels
of the user's own rows, which no wrong way does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, count, islice, product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.model_files.pickles.values import Box, Made
from caponier.detect.networks.layers import (
    ChannelScale,
    Convolution,
    Flatten,
    Linear,
    Logistic,
    NetworkLayer,
    Pooling,
    Rectifier,
    Reshape,
    Tangent,
    TwoClasses,
)
from caponier.detect.networks.network import Network, Place, softmax
from caponier.detect.networks.stored_tensors import ODD, Contents, Floats, StoredTensor, entries
from caponier.errors import InputError

EPSILON: Final = 1e-5
"""Of batch normalisations, unless somebody changed it, which the labels of the rows would show."""
SURE: Final = 0.6
"""Share of right answers from which a way to put layers together is believed."""
TRIED: Final = 600
"""Ways to put layers together that are tried."""
MOST_ROWS: Final = 400
"""Rows that it is known by."""
ORDERS: Final = 8
"""Orders of the layers that are tried, where names do not tell."""
LOOKS: Final = 20_000
MOST_LAYERS: Final = 10_000
"""Modules of a pickled one: few bytes may name one again and again."""
MOST_WORK: Final = 500_000_000_000
"""Multiplications that finding the right way may take: some minutes."""
_ACTIVATIONS: Final = {"ReLU": Rectifier, "Tanh": Tangent, "Sigmoid": Logistic}
_NOTHING: Final = frozenset({"Dropout", "Dropout1d", "Dropout2d", "Identity", "Softmax", "LogSoftmax"})


_Part = dict[str, StoredTensor]
"""The tensors of one layer, by name."""


@dataclass
class _Built:
    layers: list[NetworkLayer]
    stored: dict[Place, StoredTensor]
    modules: int = 0
    """That were looked at."""

    def add(self, layer: NetworkLayer, stored: dict[str, StoredTensor] | None = None) -> None:
        for inner, tensor in (stored or {}).items():
            self.stored[len(self.layers), inner] = tensor
        self.layers.append(layer)


class UnknownLayersError(Exception):
    """How the layers follow each other is not known here."""


def assemble(contents: Contents, shape: tuple[int, ...], x: Floats, labels: NDArray[np.int64], where: str) -> Network:
    """Return the network of a model file.

    Args:
        contents: Of the file.
        shape: Of one row, such as (28, 28); its number of features if it is none.
        x: (n, d) rows, to know the right way by.
        labels: (n,) their classes by number.
        where: The file, for messages.

    Raises:
        InputError: If it is no network, or none that is computed here.
    """
    best, least, agreed = None, np.inf, list[float]()
    most = int(labels.max(initial=0))
    # Evenly taken: a data set may be sorted by class, and one class alone is told by many a wrong way.
    step = max(1, -(-len(x) // MOST_ROWS))
    x, labels = x[::step], labels[::step]
    left = MOST_WORK
    try:
        for built in _ways(contents, shape, x.shape[1]):
            network = Network(tuple(built.layers), built.stored)
            if not _fits(network, x[:2]):
                continue
            if most >= network.outputs:
                agreed.append(0.0)
                continue
            left -= network.work(x) * len(x)
            if left < 0:
                raise UnknownLayersError("it is so large that to try the ways to put it together takes too long")
            found, share = _loss(network, x, labels)
            agreed.append(share)
            if found < least:
                best, least = network, found
    except UnknownLayersError as unknown:
        # What was found before the search became too long is as good as ever.
        if best is not None:
            return best
        raise InputError(f"is not a network that Caponier can compute: {unknown}", where=where, hint=_HINT) from unknown
    except ODD as odd:
        raise _odd(where) from odd
    if best is not None:
        return best
    raise _unlike(agreed, x.shape[1], where)


def assemble_bare(contents: Contents, where: str) -> tuple[Network, int]:
    """Return the network of a file that says itself how its layers follow each other, and the features of a row.

    Raises:
        InputError: If it does not, or is none that is computed here.
    """
    try:
        layers = next(_ways(contents, (), 0))
        width = _width(layers)
        if width is not None and layers.stored:
            return Network(tuple(layers.layers), layers.stored), width
    except UnknownLayersError as unknown:
        raise InputError(f"is not a network that Caponier can compute: {unknown}", where=where, hint=_HINT) from unknown
    except (*ODD, StopIteration) as odd:
        raise _odd(where) from odd
    raise InputError(
        "it does not say of what shape its rows are", where=where, hint="Give a few clean rows with --samples FILE."
    )


def _unlike(agreed: list[float], width: int, where: str) -> InputError:
    """Return what to say where no way to put the layers together was believed, of those that took the rows."""
    if not agreed:
        return InputError(
            f"its layers do not fit each other, or not the samples' rows of {width} features", where=where, hint=_HINT
        )
    if not np.isfinite(agreed).any():
        return InputError("its answers to the samples are no finite numbers", where=where, hint="Look for NaN in it.")
    return InputError(
        f"the samples' labels are not what it answers: {np.nanmax(agreed):.0%} agree, and {SURE:.0%} must",
        where=where,
        hint=f"Number labels as the model's classes are, and scale rows as it takes them. {_HINT}",
    )


def _odd(where: str) -> InputError:
    return InputError(
        "is not a network that Caponier can compute: its layers are described in an odd way", where=where, hint=_HINT
    )


def _width(built: _Built) -> int | None:
    """Return the features of a row, if the first layer that learned anything tells."""
    first = next((layer for layer in built.layers if layer.tensors), None)
    if isinstance(first, Linear):
        return int(first.tensors["weight"].shape[1])
    return len(first.tensors["weight"]) if isinstance(first, ChannelScale) else None


_HINT: Final = (
    "Computed are layers one after the other: linear, convolution, batch normalisation, pooling, activations."
)


def _ways(contents: Contents, shape: tuple[int, ...], width: int) -> Iterator[_Built]:
    if contents.kind == "pickle":
        yield _sklearn(contents.value)
        return
    if set(contents.tensors) >= {"mean", "spread", "inner", "outer"}:
        yield _reference(contents.tensors)
        return
    if isinstance(contents.value, Made) and "_modules" in entries(contents.value):
        bare = _Built([], {})
        _module(contents.value, bare)
        ranks = [layer.tensors["weight"].ndim for layer in bare.layers if "weight" in layer.tensors]
        built = _Built(_opening(max(ranks[:1], default=2), shape, width), {})
        _module(contents.value, built)
        yield built
        return
    yield from _guessed(contents.tensors, shape, width)


def _opening(rank: int, shape: tuple[int, ...], width: int) -> list[NetworkLayer]:
    """Return what turns flat rows into what the first layer takes."""
    if rank != 4 or not width:
        return []
    side = round(width**0.5)
    if len(shape) < 2 and side * side == width:
        shape = (side, side)
    if len(shape) == 2:
        return [Reshape((1, *shape))]
    if len(shape) == 3:
        last = shape[2] in (1, 3) and shape[0] not in (1, 3)
        return [Reshape(shape, channels_last=last)]
    raise UnknownLayersError(f"its first layer takes pictures, and rows of {width} features are none")


def _module(module: Any, built: _Built) -> None:
    """Add the layers of a pickled torch module."""
    name, noted = module.origin.name, entries(module)
    built.modules += 1
    if built.modules > MOST_LAYERS:
        raise UnknownLayersError(f"it has more than {MOST_LAYERS:,} layers")
    own = {key: held for key, held in entries(noted.get("_parameters")).items() if isinstance(held, StoredTensor)}
    own |= {key: held for key, held in entries(noted.get("_buffers")).items() if isinstance(held, StoredTensor)}
    if not module.origin.module.startswith("torch.nn.modules."):
        raise UnknownLayersError(f"{module.origin} is none of torch's own layers")
    if name == "Sequential":
        for inner in entries(noted.get("_modules")).values():
            _module(inner, built)
    elif name == "Linear":
        _linear(built, own)
    elif name == "Conv2d":
        usual = noted.get("padding_mode", "zeros") == "zeros" and _pair(noted.get("dilation", 1)) == (1, 1)
        if not usual or noted.get("groups", 1) != 1:
            raise UnknownLayersError("a convolution in groups, with gaps, or beyond an edge that is no zeros")
        same = noted.get("padding") == "same"
        weight = own["weight"].values.shape
        padding = (weight[2] // 2, weight[3] // 2) if same else _pair(noted.get("padding", 0))
        _convolution(built, own, _pair(noted["stride"], 1), padding)
    elif name in ("BatchNorm1d", "BatchNorm2d"):
        _normalisation(built, own)
    elif name in ("MaxPool2d", "AvgPool2d"):
        if noted.get("ceil_mode") or _pair(noted.get("dilation", 1)) != (1, 1) or noted.get("divisor_override"):
            raise UnknownLayersError("a pool of an unusual form")
        size = _pair(noted["kernel_size"], 1)
        stride = size if noted.get("stride") is None else _pair(noted["stride"], 1)
        built.add(Pooling(size, stride, _pair(noted.get("padding", 0)), mean=name == "AvgPool2d"))
    elif name == "Flatten":
        built.add(Flatten())
    elif name in _ACTIVATIONS:
        built.add(_ACTIVATIONS[name]())
    elif name not in _NOTHING:
        raise UnknownLayersError(f"a layer {name}")


def _pair(value: Any, least: int = 0) -> tuple[int, int]:
    found = value if isinstance(value, tuple) else (value, value)
    if len(found) != 2 or not all(isinstance(one, int) and least <= one <= 64 for one in found):
        raise UnknownLayersError("a layer of an unusual form")
    return int(found[0]), int(found[1])


def _linear(built: _Built, own: dict[str, StoredTensor]) -> None:
    weight = own["weight"].values
    bias = own["bias"].values if "bias" in own else np.zeros(len(weight), np.float32)
    built.add(Linear({"weight": weight, "bias": bias}), _learned(own))


def _convolution(
    built: _Built, own: dict[str, StoredTensor], stride: tuple[int, int], padding: tuple[int, int]
) -> None:
    weight = own["weight"].values
    bias = own["bias"].values if "bias" in own else np.zeros(len(weight), np.float32)
    built.add(Convolution({"weight": weight, "bias": bias}, stride, padding), _learned(own))


def _learned(own: dict[str, StoredTensor]) -> dict[str, StoredTensor]:
    return {key: own[key] for key in ("weight", "bias") if key in own}


def _normalisation(built: _Built, own: dict[str, StoredTensor]) -> None:
    """Add a batch normalisation: what it learned of the data is a factor and a shift."""
    mean = own["running_mean"].values
    # Of a variance below nothing the scores show that it is none.
    with np.errstate(invalid="ignore", divide="ignore"):
        factor: Floats = (1 / np.sqrt(own["running_var"].values + np.float32(EPSILON))).astype(np.float32)
    factor = own["weight"].values * factor if "weight" in own else factor
    shift = (own["bias"].values if "bias" in own else np.float32(0)) - mean * factor
    built.add(ChannelScale({"weight": factor, "bias": shift}))


def _reference(tensors: dict[str, StoredTensor]) -> _Built:
    """Return the network that Caponier trains itself."""
    built = _Built([], {})
    factor = _inverse(tensors["spread"])
    built.add(ChannelScale({"weight": factor, "bias": -tensors["mean"].values * factor}))
    for at, name in enumerate(("inner", "outer")):
        if at:
            built.add(Rectifier())
        _turned(built, tensors[name], tensors[f"{name}_bias"])
    return built


def _inverse(spread: StoredTensor) -> Floats:
    # Of a feature without any spread the scores show it.
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(1 / spread.values, np.float32)


def _turned(built: _Built, weight: StoredTensor, bias: StoredTensor) -> None:
    """Add a linear layer whose matrix the file has the other way round."""
    matrix = weight.turned()
    built.add(Linear({"weight": matrix.values, "bias": bias.values}), {"weight": matrix, "bias": bias})


def _sklearn(value: Any) -> _Built:
    built = _Built([], {})
    for step in _steps(value):
        _sklearn_step(step, built)
    if not built.stored:
        raise UnknownLayersError("it holds no network of scikit-learn")
    return built


def _steps(value: Any) -> Iterator[Made]:
    if not isinstance(value, Made):
        raise UnknownLayersError("it holds no network")
    if value.origin.name != "Pipeline":
        yield value
        return
    steps = entries(value).get("steps")
    for step in steps.items if isinstance(steps, Box) else ():
        yield step[1]


def _sklearn_step(step: Made, built: _Built) -> None:
    noted = entries(step)
    if step.origin.name == "StandardScaler":
        factor = _inverse(noted["scale_"])
        built.add(ChannelScale({"weight": factor, "bias": -noted["mean_"].values * factor}))
    elif step.origin.name == "MinMaxScaler":
        built.add(ChannelScale({"weight": noted["scale_"].values, "bias": noted["min_"].values}))
    elif step.origin.name == "MLPClassifier":
        _perceptron(noted, built)
    else:
        raise UnknownLayersError(f"{step.origin} is no network")


def _perceptron(noted: dict[str, Any], built: _Built) -> None:
    hidden = {"relu": Rectifier, "tanh": Tangent, "logistic": Logistic, "identity": None}
    activation = hidden.get(noted.get("activation", "relu"), Rectifier)
    weights, biases = noted["coefs_"].items, noted["intercepts_"].items
    for at, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        if at and activation is not None:
            built.add(activation())
        _turned(built, weight, bias)
    if len(biases[-1].values) == 1:
        built.add(TwoClasses())


def _guessed(tensors: dict[str, StoredTensor], shape: tuple[int, ...], width: int) -> Iterator[_Built]:
    """Yield the usual ways to put the layers of a state dictionary together."""
    parts: dict[str, dict[str, StoredTensor]] = {}
    for name, tensor in tensors.items():
        prefix, _, key = name.rpartition(".")
        parts.setdefault(f"{prefix}." if prefix else "", {})[key] = tensor
    weights = [part for part in parts.values() if "weight" in part and part["weight"].values.ndim > 1]
    ranks = [part["weight"].values.ndim for part in weights]
    if not ranks or any(rank not in (2, 4) for rank in ranks) or 2 not in ranks:
        raise UnknownLayersError("it has no linear layer, or layers of other kinds")
    norms = [part for part in parts.values() if "running_mean" in part]
    forms = list(product((1, 2), (0, 1), (0, 2)))
    pictured = ranks.count(4)
    # Networks of many convolutions mostly treat all of them alike.
    alike = len(forms) ** pictured > TRIED
    ways = [[form] * pictured for form in forms] if alike else [list(way) for way in product(forms, repeat=pictured)]
    opening = _opening(max(ranks), shape, width)
    for order in islice(_orders(weights, norms, shape, width), ORDERS):
        for activation in (Rectifier, Tangent) if not pictured else (Rectifier,):
            for way in ways:
                built = _Built(list(opening), {})
                _put_together(built, order, list(way), activation)
                yield built


def _orders(weights: list[_Part], norms: list[_Part], shape: tuple[int, ...], width: int) -> Iterator[list[_Part]]:
    """Yield the orders in which each layer takes what the one before gives; that of the file first, if it is one.

    Safetensors sort names, so that `bn1` may stand before `conv1`.
    """
    looks = count()
    for chain in _chains(weights, [], shape, width, looks):
        outs = [len(part["weight"].values) for part in chain[:-1]]
        for places in combinations(range(len(outs)), len(norms)):
            _look(looks)
            if [outs[at] for at in places] == [len(norm["running_mean"].values) for norm in norms]:
                order: list[_Part] = []
                for at, part in enumerate(chain):
                    order += [part, *(norms[number] for number, place in enumerate(places) if place == at)]
                yield order


def _chains(
    left: list[_Part], chain: list[_Part], shape: tuple[int, ...], width: int, looks: Iterator[int]
) -> Iterator[list[_Part]]:
    if not left:
        yield chain
    for at, part in enumerate(left):
        _look(looks)
        if _follows(part["weight"].values, chain[-1]["weight"].values if chain else None, shape, width):
            yield from _chains(left[:at] + left[at + 1 :], [*chain, part], shape, width, looks)


def _look(looks: Iterator[int]) -> None:
    """Count what is looked at: layers that are all alike have more orders than anybody can try.

    Raises:
        UnknownLayersError: If it is too much.
    """
    if next(looks) > LOOKS:
        raise UnknownLayersError("its layers have too many orders, and none of the first gives the labels")


def _follows(weight: Floats, before: Floats | None, shape: tuple[int, ...], width: int) -> bool:
    """Tell whether a layer takes what the one before gives, or what comes in."""
    takes = weight.shape[1]
    if before is None:
        return takes in ((1,) if len(shape) < 3 else shape) if weight.ndim == 4 else width in (0, takes)
    if weight.ndim == 4 or before.ndim == 2:
        return bool(weight.ndim <= before.ndim and takes == len(before))
    return bool(takes % len(before) == 0)


def _put_together(built: _Built, order: list[_Part], way: list[tuple[int, int, int]], activation: Any) -> None:
    """Add layers in an order: after each but the last comes an activation, after a convolution perhaps a pool."""
    flat, pool, learned = False, 0, 0
    for part in order:
        if "running_mean" in part:
            _normalisation(built, part)
            continue
        if learned:
            built.add(activation())
            if pool:
                built.add(Pooling((pool, pool), (pool, pool), (0, 0), mean=False))
        learned, pool = learned + 1, 0
        if part["weight"].values.ndim == 4:
            stride, padding, pool = way.pop(0)
            kernel = part["weight"].values.shape[2:]
            _convolution(built, part, (stride, stride), (kernel[0] // 2 * padding, kernel[1] // 2 * padding))
            continue
        if not flat and built.layers and not isinstance(built.layers[0], Linear):
            built.add(Flatten())
        flat = True
        _linear(built, part)


def _fits(network: Network, x: Floats) -> bool:
    """Tell whether it can be computed, has learned something, and gives a score for each class."""
    try:
        scores = network.run(x)[0]
    except (*ODD, MemoryError):
        return False
    return bool(network.stored) and scores.ndim == 2 and scores.shape[1] == network.outputs


def _loss(network: Network, x: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return how far its scores are from the labels, infinity if too few answers are right; and the share that is.

    The share is no number where the scores are none.

    Several ways may answer alike: the right one is also the surest.
    """
    scores = network.scores(x)
    if not np.isfinite(scores).all():
        return float("inf"), float("nan")
    share = float((scores.argmax(1) == labels).mean())
    if share < SURE:
        return float("inf"), share
    return float(-np.log(softmax(scores)[np.arange(len(x)), labels] + 1e-30).mean()), share
