"""Real distributions of other people, as pip would leave them: modules beside a dist-info with entry points."""

from collections.abc import Mapping
from pathlib import Path

VERSION = "1.2"


def installed(site: Path, name: str, modules: Mapping[str, str], points: Mapping[str, str]) -> Path:
    """Install a distribution into a folder, which is a site once it is on the path of modules.

    Args:
        site: The folder.
        name: Of the distribution.
        modules: Source by name of the module.
        points: `module:attribute` by `group:name`.
    """
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)
    info = site / f"{name.replace('-', '_')}-{VERSION}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n")
    lines = []
    for point, value in points.items():
        group, _, entry = point.partition(":")
        lines += [f"[{group}]", f"{entry} = {value}"]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return site
