"""The one discovery of plug-ins, on real folders and real distributions."""

import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from caponier.errors import InputError, MissingExtraError
from caponier.extras import PACKAGES
from caponier.plugins import PluginError, Plugins
from packages import installed

GROUP = "caponier_tests.snails"
SNAIL = """
from types import SimpleNamespace
snail = SimpleNamespace(name={name!r}, speed=1, crawl=lambda: None)
"""
ROOT = Path(__file__).parents[1]


class Snail(Protocol):
    name: str
    speed: int

    def crawl(self) -> None: ...


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of modules with a package `garden`, whose modules are snails."""
    before = set(sys.modules)
    (tmp_path / "garden").mkdir()
    (tmp_path / "garden" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def crawl(site: Path) -> Callable[[str, str], None]:
    """Drop a file into the folder."""
    return lambda name, source: (site / "garden" / f"{name}.py").write_text(source)


def snails(refused: Callable[[str], str | None] = lambda _: None) -> Plugins[Snail]:
    return Plugins[Snail]("snail", Snail, "snail", ("garden",), GROUP, refused)


def test_nothing_is_imported_before_somebody_asks() -> None:
    assert Plugins[Snail]("snail", Snail, "snail", ("no.such.folder",), GROUP).plural == "snails"


def test_one_file_is_one_plugin_and_all_come_in_the_order_of_their_names(
    site: Path, crawl: Callable[[str, str], None]
) -> None:
    for name in ("roman", "banded"):
        crawl(name, SNAIL.format(name=name))
    installed(site, "snails-of-others", {"theirs": SNAIL.format(name="keel")}, {f"{GROUP}:keel": "theirs:snail"})
    known = snails()
    assert list(known()) == ["banded", "keel", "roman"]
    assert known.one("keel") is known()["keel"]
    assert known.unavailable() == ()


def test_a_package_within_the_folder_is_a_part_of_plugins(site: Path, crawl: Callable[[str, str], None]) -> None:
    crawl("roman", "from garden.shell import snail")
    (site / "garden" / "shell").mkdir()
    (site / "garden" / "shell" / "__init__.py").write_text(SNAIL.format(name="roman"))
    assert list(snails()()) == ["roman"]


def test_what_was_found_is_kept_until_it_is_forgotten(crawl: Callable[[str, str], None]) -> None:
    known = snails()
    assert known() == {}
    crawl("roman", SNAIL.format(name="roman"))
    assert known() == {}
    known.forget()
    assert list(known()) == ["roman"]


def test_whoever_changes_the_answer_changes_nothing_for_others(crawl: Callable[[str, str], None]) -> None:
    crawl("roman", SNAIL.format(name="roman"))
    known = snails()
    known().clear()
    assert list(known()) == ["roman"]


def test_an_unknown_name_is_refused_with_the_nearest_and_all(crawl: Callable[[str, str], None]) -> None:
    for name in ("roman", "banded"):
        crawl(name, SNAIL.format(name=name))
    with pytest.raises(InputError) as wrong:
        snails().one("romn")
    assert str(wrong.value) == "there is no snail 'romn'\nDid you mean 'roman'? Known snails: banded, roman"
    with pytest.raises(InputError, match="Known snails: banded, roman"):
        snails().know(["roman", "x"])


BREAKING = {
    "ImportError": "import nothing_of_that_name",
    "SyntaxError": "snail = (",
    "ValueError": "raise ValueError('no luck')",
    "KeyError": "{}['x']",
    "SystemExit": "raise SystemExit(0)",
    "Panic": "class Panic(BaseException): ...\nraise Panic('of an extension module')",
    "Speechless": "class Speechless(Exception):\n    def __str__(self): raise ValueError\nraise Speechless",
    "Deadly": "class Deadly(Exception):\n    def __str__(self): raise SystemExit('hm')\nraise Deadly",
    "RuntimeError": "raise RuntimeError",
    "CaponierError": "from caponier.errors import CaponierError\nraise CaponierError('odd')",
    "AttributeError": "",
}


@pytest.mark.parametrize("error", BREAKING)
def test_a_broken_module_is_one_error_that_names_it(error: str, crawl: Callable[[str, str], None]) -> None:
    crawl("roman", BREAKING[error])
    with pytest.raises(PluginError, match=r"^roman \(garden\.roman\): the snail cannot be loaded: ") as broken:
        snails()()
    assert error.removeprefix("Import") in str(broken.value)
    assert broken.value.exit_code == 2


@pytest.mark.parametrize("error", BREAKING)
def test_a_broken_entry_point_names_its_package_and_what_to_do(error: str, site: Path) -> None:
    installed(site, "snails-of-others", {"theirs": BREAKING[error]}, {f"{GROUP}:keel": "theirs:snail"})
    with pytest.raises(PluginError) as broken:
        snails().one("keel")
    assert broken.value.where == f"keel (snails-of-others 1.2, entry point {GROUP}: keel = theirs:snail)"
    assert broken.value.hint == "Update or uninstall snails-of-others, or tell its authors"


def test_a_package_that_has_lost_its_name_is_told_by_its_place(site: Path) -> None:
    installed(site, "half-gone", {"theirs": "snail = 1"}, {f"{GROUP}:keel": "theirs:snail"})
    (metadata,) = site.glob("half_gone-*.dist-info")
    (metadata / "METADATA").unlink()
    with pytest.raises(PluginError) as broken:
        snails().one("keel")
    assert "None" not in str(broken.value)
    assert broken.value.hint == f"Install or remove the package in {metadata}: it has lost its name"


def test_an_error_without_words_is_told_by_its_name(crawl: Callable[[str, str], None]) -> None:
    crawl("roman", "raise RuntimeError")
    with pytest.raises(PluginError, match="cannot be loaded: RuntimeError\n"):
        snails()()


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("snail = None", "is no snail: a NoneType lacks crawl, name, speed"),
        ("from types import SimpleNamespace as S\nsnail = S(name='roman', speed=2)", "is no snail: .* lacks crawl"),
        (SNAIL.format(name="banded"), "has another name than its file or entry point: it calls itself 'banded'"),
        ("class snail:\n    name, speed, crawl = 'roman', 1, None", "is no snail but a class"),
        (SNAIL.format(name="roman").replace("speed=1", "speed=None"), "speed is of type NoneType where int is needed"),
        (SNAIL.format(name="roman").replace("lambda: None", "7"), "crawl is of type int where a function is needed"),
        (
            "class S:\n    name = 'roman'\n    def __getattr__(self, name): return None\nsnail = S()",
            "is no snail: crawl is of type NoneType",
        ),
        (
            "class S:\n    crawl = print\n    speed = 1\n    name = property(lambda _: 1 / 0)\nsnail = S()",
            "cannot be loaded: ZeroDivisionError",
        ),
        (
            "class S:\n    speed = crawl = 1\n    name = property(lambda _: 1 / 0)\nsnail = S()",
            "cannot be loaded: ZeroDivisionError",
        ),
    ],
)
def test_what_is_none_of_its_kind_says_why(source: str, what: str, crawl: Callable[[str, str], None]) -> None:
    crawl("roman", source)
    with pytest.raises(PluginError, match=what):
        snails()()


def test_a_kind_may_refuse_names(crawl: Callable[[str, str], None]) -> None:
    crawl("roman", SNAIL.format(name="roman"))
    with pytest.raises(PluginError, match=r"roman \(garden\.roman\): is a number"):
        snails(lambda _: "is a number")()


def test_two_of_one_name_are_an_error_that_names_both(site: Path, crawl: Callable[[str, str], None]) -> None:
    crawl("roman", SNAIL.format(name="roman"))
    installed(site, "snails-of-others", {"theirs": SNAIL.format(name="roman")}, {f"{GROUP}:roman": "theirs:snail"})
    with pytest.raises(PluginError, match=r"two snails have this name; the other one is garden\.roman") as twice:
        snails()()
    assert "snails-of-others 1.2" in str(twice.value)


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


NEEDS = "from caponier.extras import needs\nwith needs('torch', 'A trigger search'):\n    import torch\n"


@pytest.mark.usefixtures("without_torch")
@pytest.mark.parametrize("source", [f"{NEEDS}{SNAIL}", f"import torch\n{SNAIL}", f"import torch.nn\n{SNAIL}"])
def test_one_whose_extra_is_missing_is_listed_and_stops_nobody(
    source: str, site: Path, crawl: Callable[[str, str], None]
) -> None:
    crawl("roman", SNAIL.format(name="roman"))
    crawl("deep", source.format(name="deep"))
    installed(site, "snails-of-others", {"theirs": source.format(name="keel")}, {f"{GROUP}:keel": "theirs:snail"})
    known = snails()
    assert list(known()) == ["roman"]
    deep, keel = known.unavailable()
    assert (deep.kind, deep.name, deep.where) == ("snail", "deep", "garden.deep")
    assert "needs the Python package 'torch" in deep.reason
    assert deep.hint == keel.hint == "Install it with: pip install 'caponier[torch]'"
    known.know(["deep"])
    with pytest.raises(MissingExtraError, match=r"the snail 'keel' is not available: .*\n.*caponier\[torch\]"):
        known.one("keel")


@pytest.mark.usefixtures("without_torch")
def test_one_that_is_not_available_has_its_name_all_the_same(site: Path, crawl: Callable[[str, str], None]) -> None:
    crawl("roman", "import torch")
    installed(site, "snails-of-others", {"theirs": SNAIL.format(name="roman")}, {f"{GROUP}:roman": "theirs:snail"})
    with pytest.raises(PluginError, match="two snails"):
        snails()()


def test_a_package_that_no_extra_brings_is_broken_and_not_unavailable(crawl: Callable[[str, str], None]) -> None:
    crawl("roman", "import no_extra_brings_this")
    with pytest.raises(PluginError, match="No module named 'no_extra_brings_this'"):
        snails()()


def test_an_entry_point_may_name_extras_of_its_own_package(site: Path) -> None:
    points = {f"{GROUP}:keel": "theirs:snail [sea]", f"{GROUP}:roman": "ours:snail [sea]"}
    modules = {"theirs": "import nothing_of_that_name", "ours": SNAIL.format(name="roman")}
    installed(site, "snails-of-others", modules, points)
    known = snails()
    assert list(known()) == ["roman"]
    (keel,) = known.unavailable()
    assert keel.line == (
        "it needs the Python package 'nothing_of_that_name', which is not installed. "
        "Install it with: pip install 'snails-of-others[sea]'"
    )


@pytest.mark.parametrize("value", ["no reference at all", "theirs:nothing", "theirs", "nowhere:snail"])
def test_an_entry_point_that_leads_nowhere_is_an_error(value: str, site: Path) -> None:
    installed(site, "snails-of-others", {"theirs": ""}, {f"{GROUP}:keel": value})
    with pytest.raises(PluginError, match=r"snails-of-others 1\.2"):
        snails()()


def test_entry_points_that_cannot_be_read_are_one_error(site: Path) -> None:
    installed(site, "snails-of-others", {}, {f"{GROUP}:keel": "theirs:snail"})
    (site / "snails_of_others-1.2.dist-info" / "entry_points.txt").write_text(f"[{GROUP}]\nno equals sign\n")
    with pytest.raises(
        PluginError, match=r"entry points of an installed package cannot be read|cannot be loaded|is no snail"
    ):
        snails()()


def test_only_the_first_line_of_an_error_is_told(crawl: Callable[[str, str], None]) -> None:
    crawl("roman", "raise ValueError('one\\ntwo')")
    with pytest.raises(PluginError, match="ValueError: one\nRepair this file"):
        snails()()


def test_every_extra_says_what_it_lets_a_program_import() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(PACKAGES) == set(project["optional-dependencies"]) - {"dev"}
