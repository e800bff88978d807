"""Write the operators of the installed torch that compute and do nothing else, as the scan of TorchScript lists them.

    python scripts/torch_operators.py > src/caponier/detect/model_files/files/torch_operators.yaml

Told by what each takes: numbers, tensors, texts to work on, and words that choose between ways to compute. Whatever
takes a text of another role, such as the name of a file, is left out, and so is what keeps or calls objects of
Python's. What is left out is printed to standard error, with the argument, to be read line by line.
"""

import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any, Final

HOMES: Final = (
    "_quantized", "aten", "mkldnn", "mkldnn_prepacked", "onednn", "prepacked", "prims", "quantized", "sparse",
)  # fmt: skip
CHOICES: Final = frozenset({
    "UPLO", "algorithm", "approximate", "attr", "binary_attr", "binary_post_op", "device_type", "driver", "equation",
    "indexing", "interpolation", "mode", "norm", "ord", "p", "pad_mode", "padding", "padding_side", "post_op_algorithm",
    "post_op_name", "red_op", "reduce", "rounding_mode", "side", "unary_algorithm", "unary_attr", "unary_post_op",
    "unary_post_op_algorithm", "activation",
})  # fmt: skip
"""Words that choose between ways to compute."""
WORKED_ON: Final = frozenset({
    "_0", "a", "api_name", "args", "assert_msg", "b", "chars", "cls", "dict", "el", "fillchar", "idx", "ind", "input",
    "inputs", "item", "key", "l", "message", "msg", "new", "old", "s", "self", "separator", "string", "substr", "t",
    "to_add", "type", "values",
})  # fmt: skip
"""Texts, and containers of texts, that an operator works on or prints."""
CLASSES: Final = frozenset({"mkldnn", "quantized", "rnn", "sparse", "xnnpack"})
"""Homes of classes that hold packed weights and no more."""
_CLASS: Final = re.compile(r"torch\.classes\.(\w+)")
_WORDS_OF_YAML: Final = frozenset({"false", "n", "no", "null", "off", "on", "true", "y", "yes"})


def reaching(schema: Any) -> str | None:
    """Return the argument by which an operator may reach something, or None if it only computes."""
    for argument in schema.arguments:
        kind = str(argument.type)
        foreign = set(_CLASS.findall(kind)) - CLASSES
        if foreign or "PyObject" in kind or ("str" in kind and argument.name not in CHOICES | WORKED_ON):
            return f"{argument.name}: {kind}"
    return None


def operators(schemas: list[Any]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the names of operators that compute by their home, and those that are left out with the argument."""
    left: dict[str, str] = {}
    homes: dict[str, set[str]] = {}
    for schema in schemas:
        home, _, name = schema.name.partition("::")
        if home in HOMES:
            if (argument := reaching(schema)) is not None:
                left[schema.name] = argument
            homes.setdefault(home, set()).add(name)
    computing = {home: sorted(one for one in names if f"{home}::{one}" not in left) for home, names in homes.items()}
    return dict(sorted(computing.items())), left


def lines(version: str, computing: dict[str, list[str]]) -> Iterator[str]:
    """Yield the lines of the list."""
    yield f"# Operators of torch {version} that compute and do nothing else, by their home; scripts/torch_operators.py"
    yield "# writes this list from the schemas. What is not here is not known to be harmless."
    for home, names in computing.items():
        yield f"{home}:"
        joined = ", ".join(f'"{name}"' if name.lower() in _WORDS_OF_YAML else name for name in names)
        yield textwrap.fill(f"[{joined}]", 118, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def main() -> int:
    """Write the list."""
    import torch

    computing, left = operators(torch._C._jit_get_all_schemas())
    for name, argument in sorted(left.items()):
        sys.stderr.write(f"left out: {name} ({argument})\n")
    sys.stdout.write("\n".join(lines(torch.__version__.partition("+")[0], computing)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
