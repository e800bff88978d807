"""The architecture is a failing test: what import-linter cannot say of its own configuration."""

import configparser
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"

# In pieces, so that this file does not name them itself.
HOSTS = ["py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.(org|com)", "deb" + r"\.debian"]
REGISTRIES = re.compile("|".join(HOSTS))
HEAVY = ["numpy", "pyarrow", "duckdb", "sqlalchemy", "sklearn", "art", "torch", "pyspark", "starlette", "rich"]
EXTRAS = ["art", "sklearn", "starlette", "uvicorn", "httpx", "PIL", "torch", "pyspark", "fastapi", "scipy"]


def linter_modules() -> list[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    keys = ("modules", "source_modules", "protected_modules", "allowed_importers")
    return [
        line.strip()
        for section in parser.sections()
        for key in keys
        for line in parser.get(section, key, fallback="").splitlines()
        if line.strip()
    ]


@pytest.mark.parametrize("module", linter_modules())
def test_every_module_and_wildcard_of_the_linter_matches_something(module: str) -> None:
    if module.endswith(".*"):
        folder = SOURCE / module.removesuffix(".*").replace(".", "/")
        assert [path for path in folder.glob("*.py") if path.name != "__init__.py"], f"{module} matches nothing"
    else:
        assert find_spec(module), f"{module} does not exist"


def test_every_room_is_in_a_row() -> None:
    rooms = {
        path.stem for path in (SOURCE / "caponier").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    text = (ROOT / ".importlinter").read_text()
    rows = text[text.index("layers =") : text.index("exhaustive =")]
    named = set(re.findall(r"[a-z]+", rows.removeprefix("layers =")))
    assert rooms - {"__init__", "__main__", "py"} == named


def test_importing_the_package_is_light() -> None:
    code = "import sys, caponier; print(sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:])))"
    loaded = subprocess.run([sys.executable, "-c", code, *HEAVY], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def test_the_core_needs_no_extra() -> None:
    """Scanning and building import nothing that only an extra brings."""
    code = (
        "import sys, caponier.app.inference.scan, caponier.app.inference.baseline.build, caponier.app.scan.dataset\n"
        "import caponier.cli.scan.inference\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:])))"
    )
    extras = [
        "art",
        "sklearn",
        "starlette",
        "uvicorn",
        "httpx",
        "PIL",
        "torch",
        "pyspark",
        "fastapi",
        "scipy",
    ]
    loaded = subprocess.run([sys.executable, "-c", code, *extras], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines()]


def test_no_file_names_a_package_registry() -> None:
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in tracked() if path.is_file()}
    assert [str(path) for path, text in texts.items() if REGISTRIES.search(text)] == []


def test_constraints_pin_versions_and_hold_no_address() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
