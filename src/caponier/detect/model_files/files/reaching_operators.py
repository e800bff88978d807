"""Operators of TensorFlow that reach beyond a graph: they read or write files, or call Python.

A graph may stand in a protocol buffer, or in a document as TensorFlow.js keeps it.
"""

from typing import Final

_HARMFUL: Final = frozenset({
    "DebugIdentity", "DebugIdentityV2", "EagerPyFunc", "LookupTableExport", "LookupTableExportV2", "MatchingFiles",
    "MergeV2Checkpoints", "PyFunc", "PyFuncStateless", "ReadFile", "Save", "SaveSlices", "SaveV2", "WriteFile",
})  # fmt: skip
SAVING: Final = frozenset({"MergeV2Checkpoints", "Save", "SaveSlices", "SaveV2"})
"""What every saved model has, to be saved again: it writes only if it is asked to."""
REACHING: Final = _HARMFUL - SAVING
