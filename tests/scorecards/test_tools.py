"""Foreign programs in their own environments, and references of the pinned version: told apart without any network."""

import os
import re
import subprocess
import venv
from pathlib import Path

import pytest
from bench import __main__ as bench
from bench.machinery import pins, tools
from bench.machinery.pins import check_references, differences, installed_in, read_pins
from bench.machinery.tools import PINS, names, tool

from caponier.errors import InputError

ADDRESS = re.compile(r"://|@|^\s*-|--", re.MULTILINE)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CAPONIER_TOOLS", str(tmp_path / "tools"))
    return tmp_path / "tools"


def package(site: Path, name: str, version: str) -> None:
    """Lay down what tells that a package is installed."""
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def environment(home: Path, name: str, installed: dict[str, str]) -> Path:
    """Make an environment that says that it has these packages, and a program named after it."""
    venv.create(home / name)
    (site,) = (home / name).glob("lib/python*/site-packages")
    for each, version in installed.items():
        package(site, each, version)
    (home / name / "bin" / name).write_text("#!/bin/sh\n")
    return site


class TestPinFiles:
    def test_they_pin_what_the_bench_needs(self) -> None:
        assert {"mlserver", "mlflow", "modelscan", "modelaudit", "picklescan", "fickling", "pyspark"} <= set(names())

    @pytest.mark.parametrize("name", names())
    def test_each_pins_its_own_package_and_names_no_address(self, name: str) -> None:
        path = PINS / f"{name}.txt"
        assert name in read_pins(path)
        assert path.read_text().startswith("# "), "what it is for"
        assert not ADDRESS.search(re.sub(r"^#.*", "", path.read_text(), flags=re.MULTILINE))

    @pytest.mark.parametrize(
        "line",
        [
            "mlserver>=1.7",
            "mlserver",
            "mlserver==1.*",
            "--index-url somewhere",
            "-r other.txt",
            "-e .",
            "mlserver @ file:///tmp/mlserver.whl",
            "mlserver==1.7.1; python_version > '3'",
        ],
    )
    def test_what_is_no_pin_is_an_error_with_its_place(self, tmp_path: Path, line: str) -> None:
        (tmp_path / "pins.txt").write_text(f"# why\nnumpy==2.4.6\n{line}\n")
        with pytest.raises(InputError, match=r"pins\.txt:3.*is no pin"):
            read_pins(tmp_path / "pins.txt")

    def test_names_are_compared_as_registries_do(self, tmp_path: Path) -> None:
        (tmp_path / "pins.txt").write_text("Typing_Extensions==4.1  # why\nruamel.yaml==0.18\nuvicorn[standard]==1.0\n")
        assert read_pins(tmp_path / "pins.txt") == {"typing-extensions": "4.1", "ruamel-yaml": "0.18", "uvicorn": "1.0"}

    def test_two_versions_of_a_package_are_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "pins.txt").write_text("a_b==1\nA-B==2\n")
        with pytest.raises(InputError, match="a-b is pinned to 1 and to 2"):
            read_pins(tmp_path / "pins.txt")


class TestInstalled:
    def test_versions_are_read_from_the_folder_and_nothing_is_imported(self, tmp_path: Path) -> None:
        package(tmp_path, "Ruamel.Yaml", "0.18")
        (tmp_path / "ruamel_yaml.py").write_text("raise SystemExit('imported')")
        assert installed_in([tmp_path]) == {"ruamel-yaml": "0.18"}

    def test_each_difference_says_what_is_there_and_what_should_be(self) -> None:
        told = differences({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "2.0.1", "d": "4"})
        assert told == ["b is of version 2.0.1, its pin is 2", "c is not installed, its pin is 3"]


class TestTool:
    def test_one_that_is_missing_says_where_it_was_looked_for_and_what_to_run(self, home: Path) -> None:
        with pytest.raises(InputError) as raised:
            tool("mlserver")
        said = str(raised.value)
        assert f"mlserver is not installed in {home / 'mlserver'}" in said
        assert "scripts/environment --tool mlserver" in said
        assert not home.exists(), "nothing is built unasked"

    def test_one_that_nobody_knows_names_those_there_are(self, home: Path) -> None:
        with pytest.raises(InputError, match=r"there is no tool 'mlsever'\n.*mlserver, modelaudit"):
            tool("mlsever")

    def test_one_that_is_as_pinned_has_a_python_and_programs_of_its_own(self, home: Path) -> None:
        pinned = read_pins(PINS / "picklescan.txt")
        environment(home, "picklescan", pinned)
        found = tool("picklescan")
        assert found.version == pinned["picklescan"]
        assert found.program() == home / "picklescan" / "bin" / "picklescan"
        told = subprocess.run(
            [found.python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
        )
        assert Path(told.stdout.strip()) == home / "picklescan"
        with pytest.raises(InputError, match="brings no program 'pickle-scan'"):
            found.program("pickle-scan")

    def test_one_of_another_version_is_no_reference(self, home: Path) -> None:
        pinned = read_pins(PINS / "picklescan.txt")
        environment(home, "picklescan", pinned | {"picklescan": "0.0.1"})
        with pytest.raises(InputError, match=r"picklescan is of version 0\.0\.1, its pin is") as raised:
            tool("picklescan")
        assert "scripts/environment --tool picklescan" in str(raised.value)

    def test_they_lie_beside_the_own_environment(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("CAPONIER_TOOLS", raising=False)
        monkeypatch.setenv("CAPONIER_VENV", str(tmp_path / "venv"))
        assert tools.home() == tmp_path / ".tools"
        monkeypatch.delenv("CAPONIER_VENV")
        assert tools.home() == tools.ROOT / ".tools"


class TestScript:
    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        script = tools.ROOT / "scripts" / "environment"
        return subprocess.run([script, *words], capture_output=True, text=True, check=False, env=dict(os.environ))

    def test_a_tool_that_nobody_knows_is_refused_with_those_there_are(self, home: Path) -> None:
        done = self.run("--tool", "mlsever")
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.split("there are:\n")[1].split() == names()
        assert not home.exists()

    def test_it_says_nothing_where_nothing_has_changed(self, home: Path, tmp_path: Path) -> None:
        """A registry is not asked again: pip is not even there."""
        venv.create(home / "picklescan")
        first = self.run("--tool", "picklescan")
        assert first.returncode != 0, "without pip nothing can be installed"
        (home / "picklescan" / "bin" / "pip").unlink(missing_ok=True)
        fake = next((home / "picklescan").glob("lib/python*/site-packages")) / "pip"
        fake.mkdir()
        (fake / "__main__.py").write_text("import sys; print(*sys.argv[1:], file=sys.stderr)")
        second, third = self.run("--tool", "picklescan"), self.run("--tool", "picklescan")
        assert second.returncode == third.returncode == 0
        assert "--requirement scripts/tools/picklescan.txt" in second.stderr
        assert second.stdout == third.stdout == third.stderr == ""


class TestReferences:
    def test_those_of_this_environment_are_as_pinned(self) -> None:
        check_references()

    def test_a_scorecard_beside_another_version_does_not_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        text = pins.CONSTRAINTS.read_text()
        other = tmp_path / "constraints.txt"
        other.write_text(re.sub(r"(?m)^scikit-learn==.*$", "scikit-learn==0.1", text))
        monkeypatch.setattr(bench, "check_references", lambda: check_references(other))
        monkeypatch.setattr("sys.argv", ["bench", "loop", "--quick"])
        with pytest.raises(SystemExit) as raised:
            bench.main()
        assert raised.value.code == 2
        said = " ".join(capsys.readouterr().err.split())
        assert "scikit-learn is of version" in said
        assert "its pin is 0.1" in said
        assert "scripts/environment emulate" in said
