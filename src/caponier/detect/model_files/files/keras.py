"""Keras models: a layer that carries Python code, and classes from outside Keras.

A Lambda layer holds marshalled bytecode or the name of a function; a configuration may name any module to import
(CVE-2024-3660, CVE-2025-1550).
"""

import builtins
import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from caponier.detect.model_files.files.hdf5.hdf5_bytes import Hdf5Error
from caponier.detect.model_files.files.hdf5.walk import Walk, leaves_folder
from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.files.pickle_file import carries, would_run
from caponier.detect.model_files.pickles.carried import pickled

HDF5: Final = b"\x89HDF\r\n\x1a\n"
_OWN_MODULES: Final = ("keras", "tensorflow.keras", "tf_keras", "builtins")
_CODE_CLASSES: Final = frozenset(
    {"Lambda", "TFOpLambda", "__lambda__", "TorchModuleWrapper", "FlaxLayer", "JaxLayer", "TFSMLayer"}
)
_CODE_IN_TEXT: Final = re.compile(
    rb'"(?:class|registered)_name"\s*:\s*"(?:[\w.>]{0,200}[.>])?(Lambda|TFOpLambda|__lambda__|TorchModuleWrapper|FlaxLayer|JaxLayer|TFSMLayer)"'
)
_MODULE_IN_TEXT: Final = re.compile(rb'"module"\s*:\s*"([^"\\]{1,200})"')
_NAMED_OPERATORS: Final = frozenset(
    {"ClassMethod", "InstanceMethod", "InstanceProperty", "SlicingOpLambda", "TensorFlowOpLayer"}
)
"""Layers of Keras 2 by which a model keeps a call of TensorFlow, which may be one that writes a file."""
_MOST_REASONS: Final = 20
_MOST_LAYERS: Final = 200_000
_STOP: Final = b"."
"""PyTables loads every text that ends like a pickle, whatever it begins with."""
_STEP, _OVERLAP = 1 << 22, 1 << 10
_MOST_NODES: Final = 1_000_000
_LOADERS: Final = frozenset({"utils", "saving", "config", "models", "export", "wrappers"})
"""Parts of Keras whose functions fetch, read or write files, load other models, or lift its own restrictions."""
_COMPUTING: Final = frozenset(
    {"activations", "backend", "constraints", "initializers", "losses", "metrics", "ops", "random", "regularizers"}
)
"""Parts of Keras whose functions only compute, if they do not look up others."""
_OTHER_NAMES: Final = ("registered_name", "spec_name")
_LOOKING_UP: Final = frozenset({"deserialize", "get", "deserialize_keras_object"})
_ROOTS: Final = frozenset({"tensorflow", "keras", "tf_keras", "_tf_keras", "api", "src", "legacy"})
_HARMLESS_BUILTINS: Final = frozenset(
    {"abs", "all", "any", "bool", "bytes", "complex", "dict", "float", "int", "len", "list", "max", "min", "pow"}
    | {"round", "set", "slice", "str", "sum", "tuple", "type"}
)


def read_config(document: Any) -> PartReport | None:
    """Judge a configuration; None if nothing in the document is one: Keras builds an object at any depth."""
    part = PartReport("keras configuration")
    waiting, nodes, objects = [document], 0, 0
    while waiting and nodes < _MOST_NODES:
        node = waiting.pop()
        nodes += 1
        if isinstance(node, dict):
            objects += "class_name" in node and "config" in node
            if "class_name" in node:
                _note(part, node)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    if waiting:
        part.unknown.append("has a configuration that is longer than a scan reads")
    return part if objects or waiting or part.unsafe or part.unknown else None


def read_hdf5(content: memoryview, budget: Budget, before: int = 0) -> PartReport:
    """Judge an HDF5 file: its attributes, what else it reads, and the layers that any text in it may describe.

    Args:
        content: The bytes from its signature on.
        budget: What is left of the file's limits.
        before: How many bytes of somebody else's lie before it.
    """
    part, walk = PartReport("hdf5"), Walk(content, budget, before)
    try:
        walk.run()
    except Hdf5Error as reason:
        part.unknown.append(str(reason))
    _search(part, content)
    if any(attribute.name == "model_config" for attribute in walk.attributes):
        part.kind = "keras (hdf5)"
    part.unknown += walk.doubts
    for place in dict.fromkeys(walk.elsewhere):
        if leaves_folder(place):
            _add(part.unsafe, f"reads numbers from {place[:200]!r}, outside its own folder")
        else:
            _add(part.unknown, f"keeps numbers in another file: {place[:200]!r}")
    carries([inner for numbers in walk.numbers if (inner := pickled(numbers)) is not None], budget, part)
    part.members = _texts(walk, budget)
    return part


def _texts(walk: Walk, budget: Budget) -> Iterator[ArchiveMember]:
    """Yield the attributes that are documents, as Keras keeps its layers in, or pickles, as PyTables writes them."""
    for attribute in walk.attributes:
        for value in dict.fromkeys(attribute.values):
            view = memoryview(value)
            inner = pickled(view)
            if value.lstrip()[:1] in (b"{", b"["):
                yield ArchiveMember(attribute.name[:100], view)
            elif inner is not None and would_run(inner, budget):
                yield ArchiveMember(attribute.name[:100], inner)
            elif value.endswith(_STOP) and would_run(view, budget):
                yield ArchiveMember(attribute.name[:100], view)


def _search(part: PartReport, content: memoryview) -> None:
    """Look for layers in the bytes themselves: what nothing leads to today may be led to tomorrow."""
    layers = 0
    for at in range(0, len(content), _STEP):
        window = bytes(content[at : at + _STEP + _OVERLAP])
        layers += window.count(b'"class_name"') + window.count(b'"module"')
        if len(part.unsafe) >= _MOST_REASONS:
            break
        if layers > _MOST_LAYERS:
            part.unknown.append("has more layers than a scan looks at")
            break
        for match in islice(_CODE_IN_TEXT.finditer(window), _MOST_REASONS):
            _add(part.unsafe, f"has a layer that carries code: {match[1].decode()}")
        for match in _MODULE_IN_TEXT.finditer(window):
            if len(part.unsafe) >= _MOST_REASONS:
                break
            module = match[1].decode("utf-8", "replace")
            if not _is_own(module):
                _add(part.unsafe, f"has Keras import {module!r}, which is none of its own modules")


def _note(part: PartReport, node: dict[str, Any]) -> None:
    node = _resolved(node)
    config = node.get("config")
    if isinstance(config, dict) and isinstance(place := config.get("vocabulary"), str) and place:
        _add(part.unknown, f"has a layer read another file: {place[:100]!r}")
    name, module = node.get("class_name"), node.get("module")
    # Keras has its own classes under a name with its own before it, and takes what a module has by the registered name.
    called = {str(one).rpartition(">")[2].rpartition(".")[2] for one in (name, node.get("registered_name"))}
    if carrying := sorted(called & _CODE_CLASSES):
        _add(part.unsafe, f"has a layer that carries code: {carrying[0]}")
    elif isinstance(name, str) and _operator(name, config):
        _add(part.unknown, f"has a layer call an operator or a method that it names: {name}")
    elif isinstance(module, str) and not _is_own(module):
        _add(part.unsafe, f"has Keras import {module!r}, which is none of its own modules")
    elif isinstance(module, str) and (function := _first(_harmful_function, node, module)):
        _add(part.unsafe, f"has Keras call {module}.{function}, which does more than compute")
    elif isinstance(module, str) and (function := _first(_open_function, node, module)):
        _add(part.unknown, f"has Keras call {module}.{function}, which is not known to compute only")
    elif isinstance(registered := node.get("registered_name"), str) and ">" in registered:
        _add(part.unknown, f"needs a class of somebody else's: {registered}")


def _operator(name: str, config: Any) -> bool:
    """Return whether a layer of Keras 2 stands for an operator, or a method, that it names."""
    function = str(config.get("function", "")) if isinstance(config, dict) else ""
    return name in _NAMED_OPERATORS and not (name == "SlicingOpLambda" and function.startswith("__operators__."))


def _first(judge: Callable[[dict[str, Any], str], str | None], node: dict[str, Any], module: str) -> str | None:
    """Return the first function that is objected to, under any key by which Keras looks for a name in the module.

    Where a module has no such class, Keras takes what the module calls by the registered name; of a type of tensors it
    takes what is named beside it.
    """
    others = [node[key] for key in _OTHER_NAMES if isinstance(node.get(key), str) and ">" not in node[key]]
    key = "config" if node["class_name"] == "function" else "class_name"
    aliases = [_resolved({**node, key: name}) for name in others if name not in (node.get(key), "function")]
    found = (judge(one, str(one.get("module", module))) for one in (node, *aliases))
    return next((name for name in found if name is not None), None)


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    """Return a node whose name is no path: Keras takes module and name together, wherever the one ends."""
    key = "config" if node.get("class_name") == "function" else "class_name"
    name, module = node.get(key), node.get("module")
    if not isinstance(name, str) or "." not in name:
        return node
    way, _, last = name.rpartition(".")
    return {**node, key: last} | ({"module": f"{module}.{way}"} if isinstance(module, str) else {})


def _harmful_function(node: dict[str, Any], module: str) -> str | None:
    """Return the function that a node names, if it is one of Python's own or one that reaches files."""
    name = node.get("config") if node["class_name"] == "function" else node["class_name"]
    if not isinstance(name, str):
        return None
    if module == "builtins":
        return name if hasattr(builtins, name) and name not in _HARMLESS_BUILTINS else None
    rooms = [room for room in module.split(".") if room not in _ROOTS]
    # A class begins with a capital letter, and must have a configuration of its own.
    return name if rooms[:1] and rooms[0] in _LOADERS and not name[:1].isupper() else None


def _open_function(node: dict[str, Any], module: str) -> str | None:
    """Return the function that a node names where it may do more than compute.

    A module of Keras holds whatever it imports for itself, functions that fetch files among them.
    """
    name = node.get("config") if node["class_name"] == "function" else node["class_name"]
    if module == "builtins" or not isinstance(name, str) or name[:1].isupper():
        return None
    rooms = [room for room in module.split(".") if room not in _ROOTS]
    if rooms and rooms[0] in _COMPUTING and name not in _LOOKING_UP and node["class_name"] == "function":
        return None
    return name[:100] if rooms else None


def _is_own(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in _OWN_MODULES)


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences and len(sentences) < _MOST_REASONS:
        sentences.append(sentence)
