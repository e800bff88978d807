"""The month as a folder of logs, a day a file, and the workspace that belongs to it."""

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from bench.machinery.estate import cloud, cluster, logins, machines
from bench.machinery.estate.people import HOSTS, INSIDE, START, SYSTEM, Person, people

Lines = Iterable[tuple[object, str]]
Day = Callable[[int, list[Person], random.Random, float], Iterator[tuple[object, str]]]
SOURCES: Final[dict[str, Day]] = {
    "cloudtrail.jsonl": cloud.day_of,
    "kubernetes.log": cluster.day_of,
    "okta.jsonl": logins.okta_day,
    "entra.jsonl": logins.entra_day,
    "auditd.log": machines.auditd_day,
    "nginx_access.log": lambda day, _, rng, size: machines.nginx_day(day, rng, size),
    "jupyter.log": machines.jupyter_day,
    "mlflow.log": machines.mlflow_day,
}
"""Logs of one server say nowhere whose they are; each stands in a folder that is scanned with `--host`."""
OF_HOST: Final = {"jupyter.log": "jupyter-01", "mlflow.log": "mlflow-01"}
DAYS: Final = 30


def write(
    folder: Path,
    *,
    seed: int = 1,
    days: range = range(DAYS),
    size: float = 1.0,
    planted: dict[str, list[tuple[object, str]]] | None = None,
) -> int:
    """Write the logs of some days and return how many lines they have.

    Args:
        folder: Gets a folder for each host whose logs do not name it, and `logs` for the others.
        seed: Of the people and of what they do; a day is the same whichever others are asked for.
        days: From the start of the month.
        size: Share of the background, 1 for some 450,000 events a month.
        planted: Lines of attacks by file.
    """
    everybody, lines = people(random.Random(seed)), 0
    for name, told in SOURCES.items():
        into = folder / OF_HOST.get(name, "logs")
        into.mkdir(parents=True, exist_ok=True)
        for day in days:
            # A text seeds the same everywhere; its parts are no secret.
            rng = random.Random(f"{seed}/{name}/{day}")
            rows = list(told(day, everybody, rng, size))
            rows += [row for row in (planted or {}).get(name, ()) if (row[0] - START).days == day]  # type: ignore[operator]
            rows.sort(key=lambda row: row[0])  # type: ignore[arg-type,return-value]
            stem, _, end = name.partition(".")
            (into / f"{stem}-{day:02}.{end}").write_text("".join(f"{text}\n" for _, text in rows), encoding="utf-8")
            lines += len(rows)
    return lines


def describe(file: Path, *, inside: bool) -> None:
    """Add the system, and `[inside]` if it is to be known, to a workspace's file."""
    lists = SYSTEM.model_dump(exclude_defaults=True, mode="json")
    system = "".join(f"{name} = {_toml(value)}\n" for name, value in lists.items())
    with file.open("a", encoding="utf-8") as text:
        text.write(f"\n[[system]]\n{system}{INSIDE if inside else ''}")


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else "[" + ", ".join(f'"{one}"' for one in value) + "]"  # type: ignore[attr-defined]


__all__ = ["DAYS", "HOSTS", "OF_HOST", "SOURCES", "describe", "write"]
