"""Graphs of TensorFlow as protocol buffers: saved models, meta graphs and frozen graphs, by the operators in them.

An operator may write a file, read one, or call Python; which ones those are is known. Those that only compute are
listed. What all others do is not known here.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Final

from caponier.detect.model_files.files.part import ArchiveMember, Budget, PartReport
from caponier.detect.model_files.files.reaching_operators import REACHING, SAVING
from caponier.detect.model_files.files.serialized import stores
from caponier.detect.model_files.files.wire import WireError, messages
from caponier.formats.strict_yaml import shipped_yaml

_NODE: Final = re.compile(rb"[A-Za-z0-9._][\w.\\/>-]*")
"""What TensorFlow takes for the name of a node: no line of any program."""
_NAME: Final = re.compile(rb"_?[A-Z][A-Za-z0-9_>]{0,99}")
_MOST_SHOWN: Final = 5
_META_GRAPHS, _GRAPH = 2, 2
STARTS: Final = frozenset({0x08, 0x0A, 0x12, 0x1A, 0x22})
"""The first bytes of a field that a graph, or what holds one, has."""
_NODES, _LIBRARY, _FUNCTIONS, _FUNCTION_NODES = 1, 2, 1, 3
_NODE_NAME, _NODE_OPERATOR = 1, 2
_ATTRIBUTES: Final = 5
_OBJECTS: Final = 7
"""Where a meta graph describes objects, of which Keras makes layers."""
_FUNCTIONS_OF_OBJECTS, _USER_OBJECT, _METADATA, _REGISTERED = 2, 4, 3, frozenset({13, 14, 16})
_OF_KERAS: Final = b"_tf_keras"
_DESCRIPTIONS: Final = ((1, _ATTRIBUTES), (_META_GRAPHS, _OBJECTS, 1, 4, 3))
"""The way to what Keras keeps of its layers as JSON: in a file of its own beside the graph, or in the saved model.

In the first, a description stands where a node has its attributes, so that one file can be both.
"""
_DESCRIPTION: Final = re.compile(rb"\s*\{")
"""What begins an attribute of a node is white space for a reader of JSON, but no name has a brace in it."""
_STORES: Final = SAVING | {"Restore", "RestoreSlice", "RestoreV2"}
_UNNAMED, _WITH_OBJECTS = "", " objects"
"""What stands for an operator whose name is none, and for objects: nothing is called so."""


def read(content: memoryview, budget: Budget, *, hidden: bool = False) -> PartReport | None:
    """Read a graph; None if this is none. For `hidden` see `onnx.read`."""
    if len(content) < 8 or not (hidden or content[0] in STARTS):
        return None
    operators = set[str]()
    for reading in (_of_saved_model, _of_meta_graph, _operators):
        # Fields may stand in any order, and so a graph may begin like what holds one.
        with suppress(WireError):
            found = reading(content, budget)
            # What it is not, has no operators in it, but may have what looks like one without a name.
            operators |= found if found - {_UNNAMED} else set()
    named = operators - {_UNNAMED, _WITH_OBJECTS}
    if not named and _WITH_OBJECTS not in operators:
        return None
    part = PartReport("tensorflow graph" if named else "keras metadata")
    harmful = sorted(named & REACHING)
    part.unsafe += [f"has an operator that reaches files, or calls Python: {name}" for name in harmful[:5]]
    if named & _STORES and _stores_are_quiet(content, budget):
        operators -= _STORES
    part.unknown += _doubts(operators, budget) if named else ["describes objects of which Keras may make layers"]
    if _WITH_OBJECTS in operators:
        part.members = (
            ArchiveMember("description", value)
            for way in _DESCRIPTIONS
            for value in _at(content, way, budget)
            if _DESCRIPTION.match(value)
        )
    return part


def _stores_are_quiet(content: memoryview, budget: Budget) -> bool:
    """Return whether this is a saved model, or what one holds, that saves and restores as its loader asks it to."""
    with suppress(WireError):
        fields = list(messages(content, budget))
        metas = [value for number, value in fields if number == _META_GRAPHS and len(value)]
        saved = {number for number, _ in fields} <= {1, _META_GRAPHS} and len(metas) > 0
        return saved and all(stores.are_quiet(meta, budget) for meta in metas)
    return False


def _doubts(operators: set[str], budget: Budget) -> Iterator[str]:
    """Say what is not known of a graph, and what would make it known."""
    foreign = sorted(operators - REACHING - _STORES - _computing() - {_UNNAMED, _WITH_OBJECTS})
    if foreign:
        shown = f"{', '.join(foreign[:_MOST_SHOWN])}{' and others' if len(foreign) > _MOST_SHOWN else ''}"
        yield f"is a graph of TensorFlow that needs operators which are not known to compute only: {shown}"
    if stores := sorted(operators & _STORES):
        yield (
            f"is a graph of TensorFlow that writes and reads weights where it says itself ({', '.join(stores)}): "
            "a frozen graph, or the weights alone as safetensors, would be known"
        )
    if _WITH_OBJECTS in operators:
        yield "is a graph of TensorFlow that describes objects beside it, of which Keras may make layers"
    if _UNNAMED in operators or budget.fields_left < 0:
        yield "is a graph of TensorFlow with operators that cannot be read"


@cache
def _computing() -> frozenset[str]:
    return frozenset(shipped_yaml("caponier.detect.model_files.files", "tensorflow_operators.yaml")["computes"])


def _of_saved_model(content: memoryview, budget: Budget) -> set[str]:
    metas = [value for number, value in messages(content, budget) if number == _META_GRAPHS and len(value)]
    return {name for meta in metas for name in _of_meta_graph(meta, budget)}


def _of_meta_graph(content: memoryview, budget: Budget) -> set[str]:
    fields = [(number, value) for number, value in messages(content, budget) if len(value)]
    found = {name for number, graph in fields if number == _GRAPH for name in _operators(graph, budget)}
    layers = any(number == _OBJECTS and _may_be_layers(objects, budget) for number, objects in fields)
    return found | {_WITH_OBJECTS} if found and layers else found


def _may_be_layers(objects: memoryview, budget: Budget) -> bool:
    """Return whether objects beside a graph are more than TensorFlow's own: described, registered, or of Keras."""
    with suppress(WireError):
        for number, value in messages(objects, budget):
            if number not in (1, _FUNCTIONS_OF_OBJECTS):
                return True
            for inner, thing in messages(value, budget) if number == 1 else ():
                user = dict(messages(thing, budget)) if inner == _USER_OBJECT else {}
                described = len(user.get(_METADATA, b"")) > 0 or bytes(user.get(1, b"")).startswith(_OF_KERAS)
                if inner in _REGISTERED or described:
                    return True
        return False
    return True


def _at(content: memoryview, way: tuple[int, ...], budget: Budget) -> Iterator[memoryview]:
    """Yield what lies at the end of a way of fields, as far as it can be read."""
    if not way:
        yield content
        return
    with suppress(WireError):
        for number, value in messages(content, budget):
            if number == way[0]:
                yield from _at(value, way[1:], budget)


def _operators(graph: memoryview, budget: Budget) -> set[str]:
    return {name for node in _all_nodes(graph, budget) for name in _operator(node, budget)}


def _all_nodes(graph: memoryview, budget: Budget) -> Iterator[memoryview]:
    for number, value in messages(graph, budget):
        if number == _NODES:
            yield value
        elif number == _LIBRARY:
            for inner, function in messages(value, budget):
                if inner == _FUNCTIONS:
                    yield from (node for at, node in messages(function, budget) if at == _FUNCTION_NODES)


def _operator(node: memoryview, budget: Budget) -> Iterator[str]:
    """Yield the name of a node's operator, if it has one; of a field that is there twice the last one counts."""
    found = dict[int, memoryview]()
    for number, value in messages(node, budget):
        found[number] = value
        if number == _ATTRIBUTES and _DESCRIPTION.match(value):
            yield _WITH_OBJECTS
    name = bytes(found.get(_NODE_OPERATOR, b"")[:200])
    node_name = _NODE.fullmatch(found.get(_NODE_NAME, b""))
    yield name.decode() if node_name and _NAME.fullmatch(name) else _UNNAMED
