"""The proof may not peek: nothing here knows the detectors, and nothing heavy is loaded before it is needed."""

import subprocess
import sys

import pytest

HEAVY = ("art", "sklearn", "scipy", "starlette", "uvicorn", "httpx", "caponier.detect", "caponier.engines")


def loaded_after(statement: str) -> set[str]:
    program = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_listing_emulations_loads_nothing_heavy() -> None:
    statement = (
        "from caponier.emulate import registry; from caponier.emulate.simulation import population, trace; "
        "registry.attacks(), registry.habits()"
    )
    assert loaded_after(statement).isdisjoint(HEAVY)


def test_a_server_and_a_client_load_nothing_heavy_before_they_run() -> None:
    statement = "import caponier.emulate.victims.server, caponier.emulate.victims.client"
    assert loaded_after(statement).isdisjoint(HEAVY)


@pytest.mark.slow
def test_attacks_print_nothing() -> None:
    program = (
        "import numpy as np\n"
        "from caponier.emulate import registry\n"
        "scores = lambda rows: np.eye(10, dtype=np.float32)[(rows.mean(axis=1) > .3).astype(int)]\n"
        "[a.run(scores, np.zeros(64, np.float32), 0, seed=1, budget=60) for a in registry.attacks().values()]\n"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
