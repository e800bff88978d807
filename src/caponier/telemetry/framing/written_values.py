"""Values that stand in a log as text: JSON, or as Python and NumPy print them."""

import ast
import re
import warnings
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from caponier.telemetry import plain_json

LONGEST: Final = 2**16
"""Characters of what Python printed; its own parser takes a hundred times as much memory."""
_WRAPPER: Final = re.compile(r"\b(?:array|tensor|np\.array|numpy\.array|Tensor|torch\.tensor)\(")
_SCALAR: Final = re.compile(r"\b(?:np|numpy)\.\w{1,16}\(([^()]{1,64})\)")
_ASIDE: Final = re.compile(r"(?:dtype|device|shape|requires_grad|grad_fn) {0,2}= {0,2}[^\],)]{0,64}(?=[,)])")
_TYPE: Final = re.compile(
    r"array|[tT]ensor|(?:str|bytes|bool|u?int|float|datetime|timedelta)\d*_?|Decimal|Timestamp|UUID|OrderedDict"
)
"""What values are printed with that are one value; a type's name and nothing that could be run."""
_FIELD: Final = re.compile(r"'([^'{}]{1,100})': ([\w .+:/@#&%-]{0,100})")
_STRUCT: Final = re.compile(rf"\{{{_FIELD.pattern}(?:, {_FIELD.pattern})*\}}")
_MAP: Final = re.compile(r"\{[\w. -]{1,100}=[^,={}]{0,100}(?:,[\w. -]{1,100}=[^,={}]{0,100})*\}")
_BETWEEN: Final = re.compile(r"[\s,;]+")
_FAILURES: Final = (ValueError, SyntaxError, RecursionError, MemoryError, TypeError, OverflowError)


def loaded(text: str | bytes) -> Any:
    """Read a value; None where the text is none.

    A key that stands twice counts as it does for most programs: the last one.
    """
    try:
        return plain_json.loads(text, once=False)
    except (ValueError, RecursionError, orjson.JSONDecodeError):
        pass
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if _MAP.fullmatch(plain):
        # As Presto, Athena and Java print a map.
        return {key.strip(): value.strip() for key, _, value in (one.partition("=") for one in plain[1:-1].split(","))}
    if plain.lstrip()[:1] not in ("{", "[", "(") or len(plain) > LONGEST:
        return None
    try:
        with warnings.catch_warnings():
            # Of a backslash that escapes nothing.
            warnings.simplefilter("ignore")
            held = _plain(ast.parse(plain.strip(), mode="eval").body)
    except _FAILURES:
        # DuckDB prints an object with its texts without quotes.
        is_struct = _STRUCT.fullmatch(plain) is not None
        return {found[1]: _bare(found[2].strip()) for found in _FIELD.finditer(plain)} if is_struct else None
    return held if isinstance(held, list | dict) else None


def _plain(node: ast.expr) -> Any:
    """Return what Python printed as JSON would have it: nothing is called, and no name is looked up.

    What is printed as a call is what was given to it: `array([1.5], dtype=float32)` its numbers, `Answer(label='a')` an
    object.

    Raises:
        ValueError: If it is no value.
    """
    match node:
        case ast.Constant(value=None | str() | bool() | float() as value):
            return value
        case ast.Constant(value=int() as value):
            return plain_json.whole_number(str(value))
        case ast.Constant(value=bytes() | complex() as value):
            return repr(value)
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return [_plain(one) for one in items]
        case ast.Dict(keys=keys, values=values):
            return {_key(key): _plain(one) for key, one in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=inner):
            number = _plain(inner)
            if number is None or not isinstance(number, int | float):
                return None if number is None else _refuse()
            return -number if isinstance(node.op, ast.USub) else number
        case ast.Name(id="nan" | "inf"):
            return None
        case ast.Call(func=func, args=[], keywords=[_, *_] as given) if _called(func)[:1].isupper():
            return {str(one.arg): _plain(one.value) for one in given}
        case ast.Call(func=func, args=[first]) if _TYPE.fullmatch(_called(func)):
            return _plain(first)
        case ast.Call(func=func, args=[_, *_] as parts, keywords=about) if _called(func) in ("datetime", "date"):
            moment = datetime(*[_plain(one) for one in parts])
            zones = [_zone(one.value) for one in about if one.arg == "tzinfo"]
            return moment.replace(tzinfo=zones[0] if zones else None).isoformat(" ")
    return _refuse()


def _zone(node: ast.expr) -> tzinfo:
    """Return the zone of a moment as Python prints it: `datetime.timezone.utc`, `zoneinfo.ZoneInfo(key='Europe/Rome')`.

    Raises:
        ValueError: If it is another; a moment in no zone that is known is none.
    """
    match node:
        case ast.Attribute(attr="utc" | "UTC") | ast.Name(id="UTC"):
            return UTC
        case ast.Call(func=func, args=[], keywords=[ast.keyword(value=ast.Constant(value=str() as name))]) if (
            _called(func) == "ZoneInfo"
        ):
            return _named_zone(name)
        case ast.Call(func=func, args=[ast.Call(keywords=spans)]) if _called(func) == "timezone":
            return timezone(timedelta(**{str(one.arg): float(_plain(one.value)) for one in spans}))
    raise ValueError("no zone")


def _named_zone(name: str) -> tzinfo:
    # Folders of zones and names too long for a file are told by the operating system, and zones that there are not by
    # an error of their own.
    try:
        return ZoneInfo(name)
    except (OSError, LookupError) as unknown:
        raise ValueError("no zone") from unknown


def _key(key: ast.expr | None) -> str:
    return str(_plain(key)) if key is not None else _refuse()


def _called(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""


def _refuse() -> Any:
    raise ValueError("no value")


def _bare(cell: str) -> Any:
    try:
        return None if cell in ("NULL", "null") else orjson.loads(cell)
    except orjson.JSONDecodeError:
        return cell


def numbers_text(text: str) -> list[Any] | None:
    """Return the numbers of a list, or of an array as NumPy or PyTorch print one, row-major; None if it is none.

    An array that was shortened (`...`) holds numbers that are not there, and is none.
    """
    held = _json_list(text)
    if held is not None:
        return held
    plain = _ASIDE.sub("", _SCALAR.sub(r"\1", text))
    unwrapped = _WRAPPER.sub("[", plain)
    if unwrapped is not plain and unwrapped != plain:
        unwrapped = unwrapped.replace(")", "]")
    elif plain[:1] == "{" and plain[-1:] == "}":
        # As PostgreSQL prints an array.
        unwrapped = plain.replace("{", "[").replace("}", "]")
    elif plain[:1] == "(" and plain[-1:] == ")":
        unwrapped = plain.replace("(", "[").replace(")", "]")
    if unwrapped[:1] != "[" or unwrapped[-1:] != "]":
        return None
    cells = [cell for cell in _BETWEEN.split(unwrapped.replace("[", " ").replace("]", " ")) if cell]
    try:
        return [None if cell in ("None", "null", "NULL") else float(cell) for cell in cells]
    except ValueError:
        return None


def _json_list(text: str) -> list[Any] | None:
    try:
        held = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return held if isinstance(held, list) else None
