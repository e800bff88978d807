"""Find, read and create a workspace: the folder with `caponier.toml`, the store, the lake and the salt."""

import contextlib
import getpass
import os
import re
import secrets
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from caponier.errors import InputError
from caponier.formats.atomic_file import write_new
from caponier.formats.suggest import did_you_mean, nearest
from caponier.records.field_map import FieldMap
from caponier.records.inside import ChangeWindow, InsideSettings
from caponier.records.inventory import (
    DetectSettings,
    FeatureSpec,
    Identity,
    LogSettings,
    ModelSpec,
    Privacy,
    System,
    Workspace,
)

FILE_NAME: Final = "caponier.toml"

_SALT_FILE: Final = ".caponier/salt"
_SALT_BYTES: Final = 32
_NOT_CREATED: Final = "the workspace cannot be created"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _WorkspaceTable(_Table):
    name: str | None = None
    store: str = "sqlite:///.caponier/store.db"
    lake: str = "lake"


class _MatrixTable(_Table):
    pinned: str | None = None


class _Document(_Table):
    """The file as it is written; `Workspace` is what it means."""

    workspace: _WorkspaceTable = _WorkspaceTable()
    matrix: _MatrixTable = _MatrixTable()
    detect: DetectSettings = DetectSettings()
    privacy: Privacy = Privacy()
    logs: LogSettings = LogSettings()
    system: tuple[System, ...] = ()
    model: tuple[ModelSpec, ...] = ()
    identity: tuple[Identity, ...] = ()
    inside: InsideSettings = InsideSettings()
    map: tuple[FieldMap, ...] = ()
    guard: dict[str, Any] = Field(default_factory=dict)
    respond: dict[str, Any] = Field(default_factory=dict)
    route: tuple[dict[str, Any], ...] = ()
    maintenance: tuple[dict[str, Any], ...] = ()


_TABLES: Final[dict[tuple[str, ...], type[BaseModel]]] = {
    (): _Document,
    ("workspace",): _WorkspaceTable,
    ("matrix",): _MatrixTable,
    ("detect",): DetectSettings,
    ("privacy",): Privacy,
    ("logs",): LogSettings,
    ("system",): System,
    ("model",): ModelSpec,
    ("model", "features"): FeatureSpec,
    ("identity",): Identity,
    ("inside",): InsideSettings,
    ("inside", "changes"): ChangeWindow,
    ("map",): FieldMap,
}
"""Which keys are known where, for the hint about a misspelt one."""

_WORDS: Final[dict[type, str]] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "a table",
}
"""What TOML's types are called in a message."""

_EXPECTED: Final = {
    "string_type": "text in quotes",
    "int_type": "a whole number",
    "float_type": "a number",
    "path_type": "a path in quotes",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}

_BOUNDS: Final = {
    "greater_than": "above",
    "greater_than_equal": "of at least",
    "less_than": "below",
    "less_than_equal": "of at most",
}
_TWICE: Final = re.compile(r"Cannot declare \((.+?),?\) twice")


def load_workspace(path: Path | None = None) -> Workspace | None:
    """Read the workspace that a command runs in.

    Args:
        path: A workspace file or its folder. Without it CAPONIER_WORKSPACE counts, then the working directory and
            the folders above it.

    Returns:
        The workspace with absolute paths, or None if there is none.

    Raises:
        InputError: If a workspace was named that is not there, or its file says something that cannot be meant.
    """
    file = _find(path)
    return None if file is None else _read(file)


def require_workspace(path: Path | None = None) -> Workspace:
    """Read the workspace like `load_workspace`, for a command that cannot do without one.

    Raises:
        InputError: If there is none.
    """
    workspace = load_workspace(path)
    if workspace is None:
        raise InputError(
            f"there is no {FILE_NAME} in this folder or above it",
            where=str(Path.cwd()),
            hint="Create a workspace with: caponier init. Or name one with CAPONIER_WORKSPACE.",
        )
    return workspace


def read_salt(workspace: Workspace) -> bytes:
    """Read the secret that hashes of callers are salted with. Never print or log it.

    Raises:
        InputError: If the file is missing, readable for others, or not a salt.
    """
    file = workspace.privacy.salt_file or workspace.root / _SALT_FILE
    try:
        mode = file.stat().st_mode
        salt = bytes.fromhex(file.read_text("ascii"))
    except OSError as failed:
        hint = "Restore it from a backup: with another salt every caller becomes a new one."
        raise InputError(f"the salt cannot be read: {failed.strerror}", where=str(file), hint=hint) from failed
    except ValueError:
        # Without the cause: its message repeats what the file holds.
        raise InputError("this is not a salt of hexadecimal digits", where=str(file)) from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError("other users may read the salt", where=str(file), hint=f"Run: chmod 600 {file}")
    if len(salt) < _SALT_BYTES // 2:
        raise InputError(f"a salt of {len(salt)} bytes can be guessed", where=str(file))
    return salt


def create_workspace(directory: Path, suggested: str = "", beside: Mapping[str, str] | None = None) -> Path:
    """Create a workspace: its file, a salt, an empty lake, and a store whose audit log begins with this.

    The workspace file is written last, so an interrupted run leaves no half workspace, and the next run finishes it.
    A salt that is there already is kept, since hashes in older events depend on it.

    Args:
        directory: The folder.
        suggested: What stands at the end of its file, in place of the examples.
        beside: Further files by name, which that may refer to; one that is there already is kept.

    Returns:
        The workspace file.

    Raises:
        InputError: If there is a workspace already (nothing was changed), or the folder cannot be written.
    """
    # Only here: whoever just reads a workspace need not wait for the store's libraries.
    from caponier.store import audit
    from caponier.store.database import open_store

    file = directory.absolute() / FILE_NAME
    if os.path.lexists(file):
        raise _exists(file)
    try:
        _make_folders(file.parent)
        for name, content in (beside or {}).items():
            write_new(file.parent / name, content.encode(), failing=_NOT_CREATED)
        url = f"sqlite:///{file.parent / '.caponier' / 'store.db'}"
        with open_store(url) as store, store.write() as connection:
            audit.append(connection, acting_user(), "workspace.created", str(file), {})
            if not write_new(file, _template(file.parent.name, suggested).encode(), failing=_NOT_CREATED):
                raise _exists(file)
    except OSError as failed:
        raise InputError(f"{_NOT_CREATED}: {failed.strerror}", where=str(failed.filename or directory)) from failed
    return file


def acting_user() -> str:
    """Return who runs this program, for the audit log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        # A container may run as a number that has no name.
        return f"uid {os.getuid()}"


def _find(path: Path | None) -> Path | None:
    named = path or (Path(os.environ["CAPONIER_WORKSPACE"]) if os.environ.get("CAPONIER_WORKSPACE") else None)
    if named is None:
        here = Path.cwd()
        return next((folder / FILE_NAME for folder in (here, *here.parents) if (folder / FILE_NAME).is_file()), None)
    file = named / FILE_NAME if named.is_dir() else named
    if not file.is_file():
        origin = "" if path else "CAPONIER_WORKSPACE names it. "
        folder = file.parent if file.name == FILE_NAME else file
        raise InputError(
            "there is no such workspace", where=str(file), hint=f"{origin}Create one with: caponier init {folder}"
        )
    return file.absolute()


def _read(file: Path) -> Workspace:
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except OSError as failed:
        raise InputError(f"the file cannot be read: {failed.strerror}", where=str(file)) from failed
    except ValueError as wrong:
        raise InputError(f"this is not TOML: {_TWICE.sub(_named_twice, str(wrong))}", where=str(file)) from wrong
    detect = raw.get("detect")
    if isinstance(detect, dict) and "detectors" in detect:
        raise InputError(
            "unknown key", where=f"{file}: detect.detectors", hint="A detector's settings are a table [detect.<name>]."
        )
    if "serve" in raw:
        lacks = "nothing reads this section: there is no console yet, and no `caponier serve`"
        raise InputError(lacks, where=f"{file}: serve", hint="Remove [serve].")
    _take_map_files(file.parent, raw)
    try:
        found = _resolved(file, _Document.model_validate(raw))
    except ValidationError as wrong:
        raise _explained(file, raw, wrong) from None
    _check_alerts(found)
    if found.privacy.retention_days is not None and "://" in found.lake:
        lacks = "events are deleted from a folder only, and this lake is none"
        raise InputError(lacks, where=f"{file}: privacy.retention_days", hint="Let the store of objects expire them.")
    return found


def _named_twice(found: re.Match[str]) -> str:
    return f"the table [{'.'.join(part.strip(' ') for part in found[1].replace(chr(39), '').split(','))}] stands twice"


def _check_alerts(workspace: Workspace) -> None:
    """Refuse routes and windows that cannot be meant, whatever command reads the file: silence would be the answer."""
    if workspace.routes or workspace.maintenance:
        # Only here: what reads them need not be waited for where there are none.
        from caponier.app.workspace.alert_routes import routes_of, windows_of

        routes_of(workspace)
        windows_of(workspace)


def _take_map_files(root: Path, raw: dict[str, Any]) -> None:
    """Put in place of each `[[map]] file = …` what that file says."""
    given = raw.get("map")
    if not isinstance(given, list) or not any(isinstance(one, dict) and "file" in one for one in given):
        return
    # Only here: most workspaces have no such file, and whoever reads them need not wait for what reads it.
    from caponier.telemetry.field_maps.shipped import read_map

    for place, one in enumerate(given):
        if isinstance(one, dict) and isinstance(one.get("file"), str):
            plain = read_map(_absolute(root, Path(one["file"]))).model_dump(exclude_defaults=True)
            given[place] = plain | {key: value for key, value in one.items() if key != "file"}


def _resolved(file: Path, document: _Document) -> Workspace:
    root = file.parent
    # So that a password need not stand in the file.
    store = os.environ.get("CAPONIER_STORE") or document.workspace.store
    privacy = document.privacy.model_copy(
        update={"salt_file": _absolute(root, document.privacy.salt_file or Path(_SALT_FILE))}
    )
    return Workspace(
        file=file,
        name=document.workspace.name or root.name or "workspace",
        store=_absolute_store(root, store),
        lake=_absolute_lake(root, document.workspace.lake),
        pinned=document.matrix.pinned,
        detect=document.detect,
        privacy=privacy,
        logs=document.logs,
        systems=document.system,
        models=tuple(_with_baseline(root, model) for model in document.model),
        identities=document.identity,
        inside=document.inside,
        maps=document.map,
        guard=document.guard,
        respond=document.respond,
        routes=document.route,
        maintenance=document.maintenance,
    )


def _absolute(root: Path, path: Path) -> Path:
    return root / path.expanduser()


def _absolute_lake(root: Path, lake: str) -> str:
    return lake if "://" in lake else str(_absolute(root, Path(lake)))


def _absolute_store(root: Path, url: str) -> str:
    sqlite = re.fullmatch(r"(sqlite(?:\+\w+)?:///)(?!:memory:)(.+)", url)
    return f"{sqlite[1]}{_absolute(root, Path(sqlite[2]))}" if sqlite else url


def _with_baseline(root: Path, model: ModelSpec) -> ModelSpec:
    if model.baseline is None:
        return model
    return model.model_copy(update={"baseline": _absolute(root, model.baseline)})


def _explained(file: Path, raw: dict[str, Any], wrong: ValidationError) -> InputError:
    """Say in the file's own terms what pydantic found first."""
    errors = wrong.errors(include_url=False)
    # Unknown keys before others: a misspelt key is often why another one is missing.
    first = next((error for error in errors if error["type"] == "extra_forbidden"), errors[0])
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    key = _dotted(raw, first["loc"])
    where = f"{file}: {key}" if key else str(file)
    if first["type"] == "extra_forbidden":
        return InputError(f"unknown key{more}", where=where, hint=_hint(first["loc"]))
    if first["type"] == "missing":
        return InputError(f"this key is missing{more}", where=where)
    what = _complaint(first["type"], first["msg"], first["input"]) + more
    brackets = first["type"] == "tuple_type" and len(first["loc"]) == 1
    return InputError(what, where=where, hint=f"Write [[{key}]], with two brackets, for each." if brackets else None)


def _complaint(kind: str, message: str, value: Any) -> str:
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    expected = _EXPECTED.get(kind) or message.removeprefix("Input should be ")
    if kind in _BOUNDS and isinstance(value, (int, float)):
        return f"expected a number {_BOUNDS[kind]} {expected.rpartition(' ')[2]}, got {value}"
    got = _WORDS.get(type(value), type(value).__name__)
    # A wrong text may be a secret in the wrong place; only where words are to be chosen from is it worth showing.
    return f"expected {expected}, got {repr(value) if kind in ('enum', 'literal_error') else got}"


def _dotted(raw: dict[str, Any], loc: tuple[int | str, ...]) -> str:
    """Write a key as `system[digits].owner`: an entry goes by its name, or else by its number, from 1."""
    dotted, at = "", raw
    for step in loc:
        at = _inside(at, step)
        if isinstance(step, int):
            name = at.get("name") if isinstance(at, dict) else None
            dotted += f"[{name if isinstance(name, str) else f'#{step + 1}'}]"
        else:
            dotted += f".{step}" if dotted else step
    return dotted


def _inside(value: Any, step: int | str) -> Any:
    with contextlib.suppress(KeyError, IndexError, TypeError):
        return value[step]
    return None


def _hint(loc: tuple[int | str, ...]) -> str:
    *table, key = [step for step in loc if isinstance(step, str)]
    noun = _TABLES.get(tuple(table))
    known = [name for name in noun.model_fields if name != "detectors"] if noun else []
    elsewhere = next((".".join(path) for path, other in _TABLES.items() if path and key in other.model_fields), None)
    if not table and elsewhere:
        return f"It belongs into the table {elsewhere!r}."
    return did_you_mean(nearest(key, known, 0.5), otherwise=f"Known here: {', '.join(known)}.")


def _exists(file: Path) -> InputError:
    return InputError(
        "there is a workspace already; nothing was changed", where=str(file), hint="Edit it, or choose another folder."
    )


def _make_folders(root: Path) -> None:
    for folder in (root / ".caponier", root / "lake"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Neither secrets nor users' inputs should end up in a repository by `git add .`.
        write_new(folder / ".gitignore", b"*\n", failing=_NOT_CREATED)
    write_new(root / _SALT_FILE, secrets.token_hex(_SALT_BYTES).encode(), 0o600, failing=_NOT_CREATED)


def _template(folder: str, suggested: str = "") -> str:
    name = folder if re.fullmatch(r"[\w .-]+", folder) else "workspace"
    return f'''\
# A Caponier workspace. Every key has a default; an unknown key is an error.
# Relative paths are relative to this file.

[workspace]
name = "{name}"
store = "sqlite:///.caponier/store.db"   # findings, incidents and the audit log
lake = "lake"                            # inference events, as Parquet

# [matrix]
# pinned = "amltm-2020"                  # the matrix that technique ids are taken from; by default amltm-2020

[detect]
alpha = 0.01                             # share of benign callers that may be flagged; fixed when a baseline is built
alert_budget = "2 per week"              # false alerts that you accept as notifications; other findings are only listed
# disabled = ["iterative_query"]

[privacy]
salt_file = "{_SALT_FILE}"            # names are hashed with it: keep it secret and back it up, or all get new names
keep_inputs = "exact"                    # or "quantised", or "digest"
# retention_days = 90
{suggested or _EXAMPLES}'''


_EXAMPLES: Final = """
# What you run. Assets named here are watched in ordinary security logs, too.
#
# [[system]]
# name = "digits"
# purpose = "reads postal codes"
# criticality = "high"                   # low, medium, high or critical
# owner = "Ada"
# contact = "ada@example.org"
# models = ["digits-mlp"]
# hosts = ["gpu-01"]
#
# [[model]]
# name = "digits-mlp"
# features = { kind = "image", shape = [8, 8], minimum = 0.0, maximum = 1.0 }
# baseline = "digits-mlp.safetensors"    # from: caponier baseline build
# sampling = 0.1                         # if only a share of its traffic is logged
#
# [[map]]                                # how a log of another form is read; or file = "requests.yaml"
# name = "requests"
# columns = { time = "ts", principal = { path = "api_key", secret = true }, label = "prediction" }
"""
