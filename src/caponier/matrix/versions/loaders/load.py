"""Reads a file of any known format; the format is told by what the file holds, never by its name."""

from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.strict_json import read_value
from caponier.formats.strict_yaml import YamlDialect, read_text
from caponier.matrix.versions.loaders.atlas_3 import read_atlas_3
from caponier.matrix.versions.loaders.atlas_4 import read_atlas_4
from caponier.matrix.versions.loaders.atlas_6 import read_atlas_6
from caponier.matrix.versions.loaders.atlas_stix import SOURCE as ATLAS
from caponier.matrix.versions.loaders.atlas_stix import read_atlas_stix
from caponier.matrix.versions.loaders.attack_stix import read_attack_stix
from caponier.matrix.versions.loaders.caponier_json import read_caponier_json
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile, read_source
from caponier.matrix.versions.loaders.stix_bundle import Bundle
from caponier.matrix.versions.loaders.version_name import wrong_layout
from caponier.matrix.versions.release import Release

_AGAIN: Final = "Name the file of a real release, and download it again if it was cut off or edited."
_DIALECT: Final = YamlDialect(aliases=None, advice=_AGAIN)
_OTHER_DOMAINS = {"mitre-mobile-attack": "ATT&CK for Mobile", "mitre-ics-attack": "ATT&CK for ICS"}


def load_file(path: Path, version: str | None = None) -> Release:
    """Read a version of a matrix from a file.

    Args:
        path: An ATLAS file of format 3 to 6, a STIX bundle of ATT&CK Enterprise or ATLAS, or Caponier's own file.
        version: What to call it; a bare number gets the prefix of its kind. Without it the file decides:
            `atlas-4.4.0`, `atlas-2026.09`, `attack-enterprise-17.0`.

    Returns:
        The whole version, with remarks on what was put right. Nothing is kept anywhere.

    Raises:
        InputError: If the file cannot be read, is of no known format, or is wrong anywhere.
    """
    return load_source(read_source(path), version)


def load_source(source: SourceFile, version: str | None = None) -> Release:
    """Read a version of a matrix from a file that has been read, such as one whose digest was checked first.

    Raises:
        InputError: Like `load_file`.
    """
    as_json = source.text.lstrip().startswith(("{", "["))
    value = read_value(source.text, source.name, _AGAIN) if as_json else _yaml(source)
    if not isinstance(value, dict):
        raise wrong_layout(source, "this holds no version of a matrix")
    return _read(source, Part(source.name, "", value), version)


def _yaml(source: SourceFile) -> Any:
    """Read YAML as text only: a version such as 4.10 stays what was written, and a date is the same quoted or not."""
    value = read_text(source.text, source.name, _DIALECT)
    if not source.text.endswith("\n"):
        line = source.text.count("\n") + 1
        hint = "Download the file again. If it is whole, end it with a line break."
        what = "the last line has no end: the file may be cut off"
        raise InputError(what, where=f"{source.name}:{line}", hint=hint)
    return value


def _read(source: SourceFile, top: Part, version: str | None) -> Release:
    schema = str(top.value.get("schema", ""))
    if schema.startswith("caponier.contribution/"):
        raise top.wrong("this is a contribution, not a version", "Review and add it with: caponier matrix merge FILE")
    if schema.startswith("caponier.release/"):
        return read_caponier_json(source, top, version)
    if top.value.get("type") == "bundle":
        return _read_bundle(source, top, version)
    if "format-version" in top.value:
        return read_atlas_6(source, top, version)
    if "matrices" in top.value:
        return read_atlas_4(source, top, version)
    if isinstance(top.value.get("tactics"), list):
        return read_atlas_3(source, top, version)
    if isinstance(top.value.get("tactics"), dict):
        raise top.wrong("the file does not say its format: 'format-version' is missing")
    raise wrong_layout(source, "this holds no version of a matrix that can be read")


def _read_bundle(source: SourceFile, top: Part, version: str | None) -> Release:
    bundle = Bundle(top)
    chains = _kill_chains(bundle)
    if ATLAS in chains and "mitre-attack" in chains:
        hint = "Import the two bundles that it was made of, one by one."
        raise InputError("this bundle holds ATLAS and ATT&CK together", where=source.name, hint=hint)
    if ATLAS in chains:
        return read_atlas_stix(source, top, bundle, version)
    if "mitre-attack" in chains:
        return read_attack_stix(source, top, bundle, version)
    other = next((name for chain, name in _OTHER_DOMAINS.items() if chain in chains), None)
    raise wrong_layout(source, f"this is {other}, which is not read" if other else "this bundle holds no matrix")


def _kill_chains(bundle: Bundle) -> set[str]:
    phases = (phase for row in bundle.of("attack-pattern") for phase in row.rows("kill_chain_phases"))
    return {str(phase.value.get("kill_chain_name")) for phase in phases}
