"""ONNX models: their operators' domains, and weights that lie in other files."""

from collections.abc import Iterator
from functools import cache
from pathlib import PurePosixPath
from typing import Final

from caponier.detect.model_files.files.part import Budget, PartReport
from caponier.detect.model_files.files.wire import WireError, messages
from caponier.formats.strict_yaml import shipped_yaml

_KNOWN_DOMAINS: Final = frozenset(
    {"", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview.training", "ai.onnx.training", "com.microsoft"}
)
_OWN_DOMAIN: Final = frozenset({"", "ai.onnx"})
_OUTSIDE: Final = frozenset({"ATen", "EPContext", "ExternalFunction", "PythonOp", "PythonOpGrad"})
"""Operators of `com.microsoft` that call Python, or load what lies in another file."""
_OPERATOR: Final = 4
_NODES, _INITIALIZERS, _SPARSE_INITIALIZERS, _ATTRIBUTES = 1, 5, 15, 5
_TENSORS_IN_ATTRIBUTE, _GRAPHS_IN_ATTRIBUTE, _SPARSE_IN_ATTRIBUTE = (5, 10), (6, 11), (22, 23)
_IR_VERSION, _GRAPH, _OPSETS, _TRAINING, _FUNCTIONS = 1, 7, 8, 20, 25
_TRAINING_GRAPHS, _SPARSE_TENSORS = (1, 2), (1, 2)
_FUNCTION_NODES, _FUNCTION_DEFAULTS, _FUNCTION_NAME, _FUNCTION_DOMAIN = 7, 11, 1, 10
STARTS: Final = frozenset({_IR_VERSION << 3})
"""The first byte of every model that a library writes."""
_LONGEST_NAME: Final = 200
_DOMAIN, _EXTERNAL = 7, 13
_DEEPEST: Final = 32


class _Model:
    """What was seen of a model."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.operators: set[tuple[str, str]] = set()
        """Domains and names of operators that are not known to be ONNX's own."""
        self.functions: set[tuple[str, str]] = set()
        """What the model itself defines."""
        self.locations: set[str] = set()

    def messages(self, content: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yield the fields of a message with their bytes; numbers have none."""
        return messages(content, self.budget)

    def graph(self, content: memoryview, depth: int) -> None:
        """Look at the nodes and initializers of a graph or a function."""
        if depth > _DEEPEST:
            raise WireError
        for number, value in self.messages(content):
            if number == _NODES:
                self._node(value, depth)
            elif number == _INITIALIZERS:
                self._tensor(value)
            elif number == _SPARSE_INITIALIZERS:
                self._sparse(value)

    def training(self, content: memoryview) -> None:
        """Look at the graphs of a training step."""
        for number, value in self.messages(content):
            if number in _TRAINING_GRAPHS:
                self.graph(value, 0)

    def function(self, content: memoryview, depth: int) -> None:
        """Look at the nodes of a function."""
        domain = name = ""
        for number, value in self.messages(content):
            if number == _FUNCTION_NODES:
                self._node(value, depth)
            elif number == _FUNCTION_DEFAULTS:
                self._attribute(value, depth)
            elif number == _FUNCTION_NAME:
                name = _name(value)
            elif number == _FUNCTION_DOMAIN:
                domain = _name(value)
        self.functions.add((domain, name))

    def _node(self, content: memoryview, depth: int) -> None:
        domain = name = ""
        for number, value in self.messages(content):
            if number == _OPERATOR:
                name = _name(value)
            elif number == _DOMAIN:
                domain = _name(value)
            elif number == _ATTRIBUTES:
                self._attribute(value, depth)
        if name in _OUTSIDE or domain not in _KNOWN_DOMAINS or _is_no_standard(domain, name):
            self.operators.add((domain, name))

    def foreign(self) -> list[str]:
        """Return what somebody else must bring to run the model: domains, and operators that reach outside."""
        outside = {f"the operator {name}" for _, name in self.operators if name in _OUTSIDE}
        foreign = self.operators - self.functions
        domains = {domain for domain, _ in foreign} - _KNOWN_DOMAINS
        unheard = {f"the operator {name}" for domain, name in foreign if _is_no_standard(domain, name)}
        return sorted(outside | domains | unheard)

    def _attribute(self, content: memoryview, depth: int) -> None:
        for number, value in self.messages(content):
            if number in _TENSORS_IN_ATTRIBUTE:
                self._tensor(value)
            elif number in _SPARSE_IN_ATTRIBUTE:
                self._sparse(value)
            elif number in _GRAPHS_IN_ATTRIBUTE:
                self.graph(value, depth + 1)

    def _sparse(self, content: memoryview) -> None:
        for number, value in self.messages(content):
            if number in _SPARSE_TENSORS:
                self._tensor(value)

    def _tensor(self, content: memoryview) -> None:
        for number, value in self.messages(content):
            if number == _EXTERNAL:
                pair = dict(self.messages(value))
                if bytes(pair.get(1, b"")) == b"location":
                    self.locations.add(bytes(pair.get(2, b"")[:1000]).decode("utf-8", "replace"))


def read(content: memoryview, budget: Budget, *, hidden: bool = False) -> PartReport | None:
    """Read a model; None if this is none.

    Args:
        content: The bytes.
        budget: What is left of the file's limits.
        hidden: Whether other fields may come first, which readers pass over, so that the file looks like another one.
    """
    if len(content) < 4 or not (hidden or content[0] in STARTS):
        return None
    model, seen = _Model(budget), set[int]()
    try:
        for number, value in model.messages(content):
            seen.add(number)
            if number == _GRAPH:
                model.graph(value, 0)
            elif number == _FUNCTIONS:
                model.function(value, 0)
            elif number == _TRAINING:
                model.training(value)
    except WireError:
        # Other protocol buffers begin like this, too; only a graph and its operator sets make it a model.
        known = {_GRAPH, _OPSETS} & seen and not hidden
        return PartReport("onnx", unknown=["cannot be read to its end"]) if known else None
    return _report(model) if {_GRAPH, _OPSETS} <= seen else None


def _is_no_standard(domain: str, name: str) -> bool:
    """Return whether an operator of ONNX's own domain is in no version of ONNX, so that a library must bring it."""
    return name != "" and domain in _OWN_DOMAIN and name not in _standard()


@cache
def _standard() -> frozenset[str]:
    return frozenset(shipped_yaml("caponier.detect.model_files.files", "onnx_operators.yaml")["standard"])


def _report(model: _Model) -> PartReport:
    """Say what is wrong; weights in a file of the model's own folder are numbers, of which tensors are made."""
    part = PartReport("onnx")
    if foreign := model.foreign():
        part.unknown.append(f"needs operators from outside ONNX: {', '.join(foreign[:5])}")
    for location in sorted(model.locations)[:5]:
        path = PurePosixPath(location.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in location:
            part.unsafe.append(f"reads its weights from {location!r}, outside its own folder")
        elif not path.name:
            part.unknown.append(f"keeps weights in a file without a name: {location!r}")
    return part


def _name(value: memoryview) -> str:
    return bytes(value[:_LONGEST_NAME]).decode("utf-8", "replace")
