"""Keras models: a layer that carries Python code, and classes from outside Keras.

A Lambda layer holds marshalled bytecode or the name of a function; a configuration may name any module to import
(CVE-2024-3660, CVE-2025-1550).
"""

import re
from typing import Any, Final

from caponier.detect.files.part import Part

HDF5: Final = b"\x89HDF\r\n\x1a\n"
_OWN_MODULES: Final = ("keras", "tensorflow.keras", "tf_keras", "builtins")
_CODE_CLASSES: Final = frozenset({"Lambda", "TFOpLambda", "__lambda__", "TorchModuleWrapper", "JaxLayer", "TFSMLayer"})
_CODE_IN_TEXT: Final = re.compile(
    rb'"class_name"\s*:\s*"(Lambda|TFOpLambda|__lambda__|TorchModuleWrapper|JaxLayer|TFSMLayer)"'
)
_MODULE_IN_TEXT: Final = re.compile(rb'"module"\s*:\s*"([^"\\]{1,200})"')
_LAYERS: Final = re.compile(rb'"class_name"\s*:')
_STEP, _OVERLAP = 1 << 22, 1 << 10
_MOST_NODES: Final = 1_000_000


def is_config(document: Any) -> bool:
    """Return whether a JSON document is the configuration of a Keras model."""
    return isinstance(document, dict) and "class_name" in document and "config" in document


def read_config(document: Any) -> Part:
    """Judge a configuration."""
    part = Part("keras configuration")
    waiting, nodes = [document], 0
    while waiting and nodes < _MOST_NODES:
        node = waiting.pop()
        nodes += 1
        if isinstance(node, dict):
            _note(part, node)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    if waiting:
        part.unknown.append("has a configuration that is longer than a scan reads")
    return part


def read_hdf5(content: memoryview, *, weights_only: bool) -> Part:
    """Judge an HDF5 file by the texts in it.

    Args:
        content: The bytes.
        weights_only: Whether it lies in a Keras archive, where nothing but arrays is read from it.
    """
    part = Part("hdf5")
    has_layers = False
    for at in range(0, len(content), _STEP):
        window = bytes(content[at : at + _STEP + _OVERLAP])
        has_layers |= _LAYERS.search(window) is not None
        for match in _CODE_IN_TEXT.finditer(window):
            _add(part.unsafe, f"has a layer that carries code: {match[1].decode()}")
        for match in _MODULE_IN_TEXT.finditer(window):
            module = match[1].decode("utf-8", "replace")
            if not _is_own(module):
                _add(part.unsafe, f"has Keras import {module!r}, which is none of its own modules")
    if has_layers:
        part.kind = "keras (hdf5)"
    if not weights_only or has_layers:
        part.unknown.append("HDF5 is searched for layers that carry code, not read whole")
    return part


def _note(part: Part, node: dict[str, Any]) -> None:
    name, module = node.get("class_name"), node.get("module")
    if isinstance(name, str) and name in _CODE_CLASSES:
        _add(part.unsafe, f"has a layer that carries code: {name}")
    elif isinstance(module, str) and "class_name" in node and not _is_own(module):
        _add(part.unsafe, f"has Keras import {module!r}, which is none of its own modules")
    elif isinstance(registered := node.get("registered_name"), str) and ">" in registered:
        _add(part.unknown, f"needs a class of somebody else's: {registered}")


def _is_own(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in _OWN_MODULES)


def _add(sentences: list[str], sentence: str) -> None:
    if sentence not in sentences and len(sentences) < 20:
        sentences.append(sentence)
