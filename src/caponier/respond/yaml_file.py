"""Read YAML that somebody wrote by hand, strictly and within limits."""

from typing import Any, Final

import yaml

from caponier.errors import InputError

BYTES: Final = 256 * 1024
DEPTH: Final = 12

_WRONG: Final = (RecursionError, ValueError, LookupError, TypeError, AttributeError)
"""What PyYAML raises for a value that is not of the tag that it is said to be: `!!bool x`, `!!timestamp x`."""

# The C loader is ten times faster, but not every PyYAML build has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, where: str) -> Any:
    """Read one document of plain values.

    Args:
        text: The document.
        where: What to call it in messages.

    Raises:
        InputError: If it is no YAML, too large or too deep, says a key twice, or uses anchors, which a few lines
            could blow up into millions.
    """
    if len(text) > BYTES:
        raise InputError(f"is larger than {BYTES // 1024} KiB", where=where)
    try:
        for event in yaml.parse(text, _Loader):
            if isinstance(event, yaml.AliasEvent):
                raise InputError("YAML anchors are not read here", where=_line(event, where))
        _check(yaml.compose(text, _Loader), where, DEPTH)
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader, chosen above
    except yaml.YAMLError as wrong:
        raise InputError(f"this is not YAML: {wrong}", where=where) from wrong
    except _WRONG as wrong:
        raise InputError(f"this cannot be read: {wrong}", where=where) from wrong


def _check(node: Any, where: str, depth: int) -> None:
    if depth == 0:
        raise InputError("is nested too deeply", where=_line(node, where))
    if isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _check(value, where, depth - 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen if isinstance(key.value, str) else True:
                raise InputError("a key is said twice, or is no text", where=_line(key, where))
            seen.add(key.value)
            _check(value, where, depth - 1)


def _line(mark: Any, where: str) -> str:
    return f"{where}, line {mark.start_mark.line + 1}"
