"""What is wrong with an object that is to keep to a protocol: what it lacks, and what it has of another type.

Who looks at the names of members alone lets everything pass that answers to any name. What has the wrong type then
fails where it is used, and nobody there knows whose it is.
"""

from collections.abc import Callable, Collection, Mapping
from types import NoneType, UnionType
from typing import Any, Generic, Literal, Protocol, Union, get_args, get_origin, get_type_hints


def lacking(plugin: Any, shape: type[Any]) -> list[str]:
    """Return the names of the members that a protocol asks for and an object has not, in order."""
    return sorted(name for name in _members(shape) if not hasattr(plugin, name))


def unfitting(plugin: Any, shape: type[Any]) -> str | None:
    """Say which member of an object has another type than a protocol asks for: the first in the order of the names.

    Only what can be told without calling anything is looked at: methods, plain values and collections of them.
    """
    for name, hint in sorted(_members(shape).items()):
        value = getattr(plugin, name)
        if not _fits(value, hint):
            return f"{name} is of type {type(value).__name__} where {_words(hint)} is needed"
    return None


def _members(shape: type[Any]) -> dict[str, Any]:
    """Return what a protocol asks for, with the type of each; methods and attributes."""
    own = [base for base in shape.__mro__ if base not in (object, Protocol, Generic)]
    found: dict[str, Any] = {}
    for base in reversed(own):
        found |= dict.fromkeys(vars(base).get("__annotations__", {}), Any)
        found |= {name: _asked(member) for name, member in vars(base).items()}
        found |= {name: hint for name, hint in _hints(base).items() if name in found}
    return {name: hint for name, hint in found.items() if not name.startswith("_")}


def _asked(member: Any) -> Any:
    if isinstance(member, property):
        return _hints(member.fget).get("return", Any)
    return Callable if callable(member) else Any


def _hints(of: Any) -> dict[str, Any]:
    try:
        return get_type_hints(of)
    except (NameError, TypeError):
        # Names that are imported for the type checker alone: nothing can be told of them here.
        return {}


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Callable or origin is Callable:
        return callable(value)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    if hint is None or hint is NoneType:
        return value is None
    kind = origin or getattr(hint, "__supertype__", hint)
    if not isinstance(kind, type) or getattr(kind, "_is_protocol", False):
        return True
    if not isinstance(value, (int, float) if kind is float else kind):
        return False
    if isinstance(value, str | Mapping) or not isinstance(value, Collection) or not inner:
        return True
    return all(_fits(one, inner[0]) for one in value)


def _words(hint: Any) -> str:
    if hint is Callable:
        return "a function"
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
