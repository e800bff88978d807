"""Run the command line as a user does, and read off what it cost."""

import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    """What one command cost, by the operating system's accounting of the finished process and its children."""

    exit_code: int
    output: str
    cpu_seconds: float
    seconds: float
    peak_mb: float


_CHILD = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cost = [done.returncode, used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024]
print(json.dumps({"cost": cost, "output": done.stdout, "error": done.stderr}))
"""


def caponier(*arguments: str) -> Cost:
    """Run `caponier` with arguments in a process of its own.

    Raises:
        RuntimeError: If the command ends with an error (exit code 2 or 4).
    """
    import json

    command = [sys.executable, "-c", _CHILD, sys.executable, "-m", "caponier", *arguments]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    exit_code, cpu, seconds, peak = answer["cost"]
    if exit_code in (2, 4):
        raise RuntimeError(answer["error"])
    return Cost(exit_code, answer["output"], cpu, seconds, peak)


def cpu_seconds() -> float:
    """Return the CPU time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def say(text: str) -> None:
    """Tell how far a scorecard is."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def by_rule(findings: Iterable[Mapping[str, Any]]) -> str:
    """Tell in a table which rules have told how much."""
    rules = Counter(one["detector"].removeprefix("sigma:") for one in findings)
    return ", ".join(f"{rule} {count}" for rule, count in rules.most_common())
