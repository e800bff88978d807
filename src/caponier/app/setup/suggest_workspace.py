"""What a workspace file says that a log suggests: models, what they take, and the map; questions stand as comments."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from caponier.app.inference.load import feature_spec, load_events
from caponier.app.inference.log_gaps import missing
from caponier.app.inference.propose_map import propose_map
from caponier.app.inference.read_options import ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import InputError
from caponier.records.event import UNKNOWN
from caponier.records.field_map import FieldMap
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.events import files_of
from caponier.telemetry.field_maps.words import yaml_of
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import STDIN

MAP_FILE: Final = "log-map{}.yaml"
MOST_MODELS: Final = 50
MOST_FORMS: Final = 20
"""Logs whose form is looked at."""
KNOWN_BY: Final = 3
"""Fields by which a log is known again."""


@dataclass(frozen=True)
class SuggestedWorkspace:
    """What a log suggests."""

    toml: str
    """To stand at the end of the workspace file."""
    maps: dict[str, str]
    """Content of the maps' files beside it, by their names; none where the logs need no map of their own."""
    summaries: tuple[ModelSummary, ...]
    rejected: RejectedRows


def suggest_workspace(
    paths: Sequence[Path],
    options: ReadOptions,
    progress: Progress | None = None,
    signature: FeatureSpec | None = None,
) -> SuggestedWorkspace:
    """Read logs, and say what a workspace for them holds.

    Args:
        paths: Logs of the same form.
        options: How they are to be read; a map that is named is taken over.
        progress: Told how far it is.
        signature: What the model takes, where its own signature says.

    Raises:
        InputError: If nothing in the logs is an event, or they are about several models and one signature is given.
    """
    files = files_of(paths)
    own = [options.maps.named] if options.maps.named else _own_maps(files, options)
    # The only form, or one that cannot be known again, is what all of them are read by.
    named = own[0] if len(own) == 1 and (len(files) == 1 or not own[0].when) else None
    how = replace(options, maps=replace(options.maps, named=named, known=(*own, *options.maps.known)))
    rejected = RejectedRows()
    with Spool() as spool:
        told = None if signature is None else lambda _: signature
        read = load_events(spool, paths, rejected, progress or Silent(), options=how, spec_of=told)
    models = [one for one in read if one.model != UNKNOWN][:MOST_MODELS]
    if signature is not None and len(models) > 1:
        names = ", ".join(one.model for one in models)
        raise InputError(f"a signature is one model's, and the logs hold {names}", hint="Describe them one by one.")
    parts = [_heading(paths)]
    maps = {MAP_FILE.format(f"-{place + 1}" if place else ""): one for place, one in enumerate(own)}
    parts += [_map_table(one, file) for file, one in maps.items()]
    parts += [_model_table(summary, signature) for summary in models]
    parts.append(_system_table(models))
    written = {file: yaml_of(one) for file, one in maps.items()}
    return SuggestedWorkspace("\n".join(parts), written, tuple(models), rejected)


def _own_maps(paths: Sequence[Path], options: ReadOptions) -> list[FieldMap]:
    """Return the maps that are guessed from logs; none where none is needed, or one that ships knows them."""
    found: list[FieldMap] = []
    if options.reader != "auto":
        return found
    whole = [path for path in paths if path != STDIN and path.is_file()]
    for path in whole[:: max(1, len(whole) // MOST_FORMS)]:
        name = f"log-{len(found) + 1}" if found else "log"
        try:
            proposal = propose_map(path, replace(options.maps, known=(*found, *options.maps.known)), name)
        except InputError:
            # Reading all of them comes to the same file, and says what is wrong with it.
            continue
        guessed = proposal.guess
        is_known = any(guessed.map is one for one in (*found, *options.maps.known))
        if proposal.native or guessed.map is None or not guessed.clear or is_known:
            continue
        found.append(guessed.map.model_copy(update={"when": guessed.steady[:KNOWN_BY]}))
    return found


def _heading(paths: Sequence[Path]) -> str:
    names = ", ".join(_text(str(path)) for path in paths)
    return f"\n# What follows was suggested by {names}.\n# Check it, and answer what is asked.\n"


def _map_table(own: FieldMap, file: str) -> str:
    zone = own.columns["time"].zone
    asked = f"# Are its times in {zone}? A wrong zone shifts this log against others: correct it in the file.\n"
    asked = asked if zone else ""
    if own.features and not {"label", "scores"} & own.columns.keys():
        # A number among others: nothing in a log says that the model gave it.
        asked += "# Is one of its features the model's answer? Move it to columns in the file, as label (or scores).\n"
    return f"{asked}[[map]]\nfile = {_text(file)}    # how the log is read; see: caponier map show {file}\n"


def _model_table(summary: ModelSummary, signature: FeatureSpec | None) -> str:
    spec = feature_spec(summary, signature)
    name = summary.model
    lines = ["[[model]]", f"name = {_text(name)}    # {summary.events:,} events, {_callers(summary)}"]
    lines.append(f"# baseline = {_text(_file_of(name))}    # after: caponier baseline build LOG --out {_file_of(name)}")
    lines += [f"# {remark}" for remark in missing(summary)]
    return "\n".join([*lines, *_features(spec)]) + "\n"


def _features(spec: FeatureSpec) -> list[str]:
    if spec.kind == "none":
        return ["# What does it take? No event has an input: most detections need it."]
    lines = ["[model.features]", f"kind = {_text(spec.kind)}"]
    if spec.kind == "image":
        lines.append("# In which range are its pixels? With minimum and maximum it can be guarded without a baseline.")
    if spec.kind != "text":
        lines.append(f"shape = {list(spec.shape)}")
    if spec.dtype != "float32":
        lines.append(f"dtype = {_text(spec.dtype)}")
    if spec.categories:
        lines.append(f"categories = {list(spec.categories)}    # columns that are told apart by value, from 0")
    if spec.columns:
        lines.append("columns = [")
        lines += [f"  {{ name = {_text(column.name)} }}," for column in spec.columns]
        lines.append("]")
    elif spec.kind == "numeric":
        lines.append(
            '# Are some columns codes? Then kind = "categorical" and categories = [2, 5], their positions from 0.'
        )
    return lines


def _system_table(models: Sequence[ModelSummary]) -> str:
    names = ", ".join(_text(one.model) for one in models)
    return (
        "[[system]]\n"
        'name = "main"             # what is it called?\n'
        "# purpose =               # what is it for?\n"
        'criticality = "medium"    # how much harm would an attack on it do: low, medium, high or critical?\n'
        "# owner =                 # who answers for it?\n"
        "# contact =\n"
        "# hosts = []              # where does it run? These are watched in security logs, too.\n"
        f"models = [{names}]\n"
    )


def _callers(summary: ModelSummary) -> str:
    if summary.principals:
        return f"{summary.principals:,} callers"
    return "callers told by session or address" if summary.attributed else "nobody is named"


def _file_of(model: str) -> str:
    plain = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in model)[:100]
    return f"{plain or 'model'}.safetensors"


def _text(value: Any) -> str:
    """Write text as TOML does: its basic strings are those of JSON."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
