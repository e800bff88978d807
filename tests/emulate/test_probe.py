import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.images import CLASSES, FEATURES
from caponier.emulate.probe import FAMILIES, Truth
from caponier.emulate.registry import probes
from caponier.emulate.victims.digits import Victim
from caponier.emulate.victims.families import KINDS
from caponier.errors import InputError
from emulate.wires import local

EACH = pytest.mark.parametrize("name", probes())


def test_every_kind_is_of_a_family() -> None:
    assert set(KINDS) <= set(FAMILIES)
    assert set(FAMILIES.values()) == {"network", "linear", "trees"}


def test_the_truth_about_a_victim(victim: Victim) -> None:
    assert Truth.of(victim) == Truth("network", FEATURES, CLASSES, frozenset({"FP32", "FP64"}))


@EACH
def test_a_probe_says_what_it_is(name: str) -> None:
    probe = probes()[name]
    assert probe.name == name
    assert {technique.matrix for technique in probe.techniques} == {"atlas", "amltm-2020"}
    assert "a success if" in probe.description
    assert probe.budget > 0
    assert probe.gap_s > 0


@EACH
def test_the_seed_fixes_a_probe(name: str) -> None:
    logs = [ServerLog(), ServerLog(), ServerLog()]
    for log, seed in zip(logs, (1, 1, 2), strict=True):
        probes()[name].run(local(log), "digits", Truth("network"), seed=seed)
    first, again, other = (
        [(row["time"], row["operation"], row["status"], row.get("label")) for row in log.rows()] for log in logs
    )
    assert first == again != other


@EACH
@pytest.mark.parametrize("budget", [1, 2, 7])
def test_a_budget_is_kept(name: str, budget: int) -> None:
    log = ServerLog()
    outcome = probes()[name].run(local(log), "digits", Truth("network"), seed=0, budget=budget)
    assert outcome.requests == budget
    assert outcome.stop == "budget"
    assert len({row["time"] for row in log.rows()}) == budget


@EACH
def test_without_a_budget_there_is_nothing(name: str) -> None:
    with pytest.raises(InputError):
        probes()[name].run(local(ServerLog()), "digits", Truth("network"), seed=0, budget=0)
