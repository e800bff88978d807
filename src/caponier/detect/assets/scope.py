"""Which assets of which ML systems an event touches: this decides between a finding and silent context.

Hosts are compared without regard to case, and a short name stands for the full one; accounts by their name; buckets
exactly; registries, images, endpoints and data sets by the beginning of their path. `*`, `?` and `[...]` are globs.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from ipaddress import ip_address
from itertools import islice
from typing import Final, NamedTuple

from caponier.detect.assets.fields import ASSET_FIELDS, NAMED_FIELDS, NAMING, NAMING_BUCKETS, OBJECT_FIELDS
from caponier.records.inventory import System
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.identity import account_name, host_name
from caponier.telemetry.security_logs.shapes import Present

_CACHED: Final = 20_000
_SHORT: Final = 512
"""Characters of a value whose assets are remembered."""
_PARTS: Final = 100
"""Elements of a list that are looked at."""
_LISTED: Final = frozenset(["host", "account", "instance", "image", "namespace", "dataset"])
_EXACT: Final = frozenset(["model", "namespace", "cluster", "instance"])
_LISTS: Final = {
    "host": "hosts",
    "account": "accounts",
    "bucket": "buckets",
    "registry": "registries",
    "image": "images",
    "endpoint": "endpoints",
    "dataset": "datasets",
    "model": "models",
    "namespace": "namespaces",
    "cluster": "clusters",
    "instance": "instances",
}
"""Kind of asset to the list of the inventory that names it."""


_PRESENT: Final = Present(*ASSET_FIELDS.values())
_NAMED_IN_CALLS: Final = Present(lambda name: name.startswith(NAMED_FIELDS) and name.endswith(NAMING))
_BUCKETS_IN_CALLS: Final = Present(lambda name: name.startswith(NAMED_FIELDS) and name.endswith(NAMING_BUCKETS))


class Asset(NamedTuple):
    """One asset of one ML system, as the inventory names it."""

    system: str
    kind: str
    name: str


class Scope:
    """The assets of an inventory, ready to be looked for in events.

    Args:
        systems: The inventory; an asset of several systems touches all of them, in this order.
    """

    def __init__(self, systems: Sequence[System]) -> None:
        self._tests = {
            kind: [(_test(kind, name), Asset(system.name, kind, name)) for system in systems for name in names(system)]
            for kind, names in ((kind, _named(listed)) for kind, listed in _LISTS.items())
        }
        self._tests = {kind: tests for kind, tests in self._tests.items() if tests}
        self._found = lru_cache(_CACHED)(self._look_up)

    @property
    def empty(self) -> bool:
        """Whether there is no asset at all, so that nothing can be scoped."""
        return not self._tests

    def assets(self, fields: Fields) -> tuple[Asset, ...]:
        """Return the assets that an event touches, each once."""
        if not self._tests:
            return ()
        found: dict[Asset, None] = {}
        present = dict(zip(ASSET_FIELDS, _PRESENT.of(fields), strict=True))
        for kind in self._tests:
            for value in _values(kind, fields, present[kind]):
                # What somebody may write as long as he likes is not kept.
                look_up = self._found if len(value) <= _SHORT else self._look_up
                found.update(dict.fromkeys(look_up(kind, value)))
        return tuple(found)

    def _look_up(self, kind: str, value: str) -> tuple[Asset, ...]:
        return tuple(asset for test, asset in self._tests[kind] if test(value))


def systems_of(assets: Iterable[Asset]) -> tuple[str, ...]:
    """Return the systems of assets, each once, in order."""
    return tuple(dict.fromkeys(asset.system for asset in assets))


def _named(listed: str) -> Callable[[System], tuple[str, ...]]:
    return lambda system: getattr(system, listed)


def _values(kind: str, fields: Fields, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = str(fields[name])
        yield value
        # Of a list, such as the instances that one call stops, each is meant.
        if ", " in value and kind in _LISTED:
            yield from islice(value.split(", "), _PARTS)
    if kind == "instance":
        for name in _NAMED_IN_CALLS.of(fields)[0]:
            yield from islice(str(fields[name]).split(", "), _PARTS)
    if kind == "bucket":
        for name in _BUCKETS_IN_CALLS.of(fields)[0]:
            yield from islice(str(fields[name]).split(", "), _PARTS)
    if kind == "cluster" and not names and "objectref.resource" in fields:
        # A cluster does not name itself in its own log: whoever owns every cluster owns this one.
        yield ""
    if kind in ("bucket", "dataset"):
        yield from _objects(fields)
    if kind == "registry" and "repository" in fields:
        for name in ("registry", "cs-host"):
            if name in fields:
                yield f"{fields[name]}/{fields['repository']}"


def _objects(fields: Fields) -> Iterator[str]:
    """Yield bucket and object as one path."""
    bucket = next((fields[name] for name in ASSET_FIELDS["bucket"] if name in fields), None)
    key = next((fields[name] for name in OBJECT_FIELDS if name in fields), None)
    if bucket is not None and key is not None:
        yield f"{bucket}/{key}"


def _test(kind: str, name: str) -> Callable[[str], bool]:
    if any(letter in name for letter in "*?["):
        return _glob(kind, name)
    if kind == "host":
        return _host(name)
    if kind == "account":
        return _account(name)
    if kind == "instance":
        # A call names a function or a key by its id or by its ARN, as the caller likes.
        # Azure writes names in capitals, Google Cloud as the end of a path.
        wanted = name.lower()
        return lambda value: value.lower() == wanted or (("/" in value or ":" in value) and _last(value) == wanted)
    if kind == "model":
        # Of a package of models the ARN has the version behind the name.
        return lambda value: value == name or (value.startswith("arn:") and name in value.split("/")[1:])
    if kind in _EXACT:
        return lambda value: value == name
    if kind == "bucket":
        return _bucket(name)
    return _path(name, fold=kind in ("registry", "image", "endpoint"))


def _last(value: str) -> str:
    return re.split("[:/]", value)[-1].lower()


def _glob(kind: str, name: str) -> Callable[[str], bool]:
    exact = kind in ("bucket", "dataset") or kind in _EXACT
    pattern = re.compile(translate(_bare(name) if exact else _bare(name).lower()))
    ways = {"host": _host_forms, "account": _account_forms, "instance": _instance_forms}
    forms = ways.get(kind, _path_forms if exact else _folded_forms)
    return lambda value: any(pattern.match(form) for form in forms(value))


def _host_forms(value: str) -> tuple[str, ...]:
    name = host_name(value)
    return (name,) if _is_address(name) else (name, name.split(".")[0])


def _account_forms(value: str) -> tuple[str, ...]:
    name = account_name(value)
    # Of a session that assumed a role, both the role and the session's name.
    return value.lower(), name, *(name.split("/") if value.lower().startswith("arn:") else ())


def _path_forms(value: str) -> tuple[str, ...]:
    return (_bare(value),)


def _instance_forms(value: str) -> tuple[str, ...]:
    # Like a plain name, a pattern is about the end of a path as well.
    return (_bare(value), value.rpartition("/")[2]) if value.startswith("/") else (_bare(value),)


def _folded_forms(value: str) -> tuple[str, ...]:
    return (_bare(value).lower(),)


def _host(name: str) -> Callable[[str], bool]:
    wanted = host_name(name)
    if _is_address(wanted) or "." not in wanted:
        # A short name in the inventory stands for the machine in whatever domain the log puts it.
        return lambda value: wanted in _host_forms(value)
    short = wanted.split(".")[0]
    return lambda value: host_name(value) in (wanted, short)


def _account(name: str) -> Callable[[str], bool]:
    wanted = name.strip().lower()
    # Only a bare name stands for the account in every product; a full one (ARN, domain) means that one alone.
    return lambda value: wanted in _account_forms(value)


def _bucket(name: str) -> Callable[[str], bool]:
    bucket, _, prefix = _bare(name).rstrip("/").partition("/")
    if not prefix:
        return lambda value: _bare(value).split("/", 1)[0] == bucket
    whole = f"{bucket}/{prefix}"
    return lambda value: _bare(value) == whole or _bare(value).startswith(whole + "/")


def _path(name: str, *, fold: bool) -> Callable[[str], bool]:
    def plain(text: str) -> str:
        return _bare(text).lower() if fold else _bare(text)

    wanted = plain(name).rstrip("/")
    pattern = re.compile(re.escape(wanted) + r"(?:$|[/:@?])")
    return lambda value: pattern.match(plain(value)) is not None


def _bare(text: str) -> str:
    """Leave out the scheme: `s3://models/a` is `models/a`."""
    stripped = text.strip()
    return stripped.partition("://")[2] or stripped if "://" in stripped else stripped.removeprefix("arn:aws:s3:::")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
