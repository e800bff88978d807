"""Files that run code, or write outside, with their own loaders, a class of tricks each: none may be called clean.

Each file proves itself first: its loader is run on it in a process that is thrown away, and must fire its canary.
"""

import pytest
from bench.machinery.hostile.archives import ARCHIVES
from bench.machinery.hostile.oracle import Case, fired
from bench.machinery.hostile.pickles import PICKLES
from bench.machinery.hostile.state_code import STATE_CODE
from bench.machinery.hostile.texts import TEXTS

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged

pytestmark = pytest.mark.slow
CLASSES = PICKLES | STATE_CODE | ARCHIVES | TEXTS


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    pytest.importorskip("torch")
    folder, made = tmp_path_factory.mktemp("hostile"), {}
    for number, (name, (loader, build)) in enumerate(CLASSES.items()):
        canary = folder / f"canary{number}"
        ending = ".json" if loader == "jinja" else ""
        made[name] = Case(folder / f"file{number}{ending}", loader, canary)
        made[name].path.write_bytes(build(str(canary)))
    return made


@pytest.fixture(scope="module")
def truth(cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    return fired(cases, tmp_path_factory.mktemp("loading"))


@pytest.mark.parametrize("name", CLASSES)
def test_what_fires_a_canary_is_never_clean(name: str, cases: dict[str, Case], truth: dict[str, bool]) -> None:
    assert truth[name], "the file proves nothing: its loader did not get to the canary"
    judgement = judged(cases[name].path.read_bytes())
    assert judgement.verdict is not Verdict.CLEAN
    assert judgement.reasons
