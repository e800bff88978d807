"""Who works in the estate: 200 people, their addresses, and the machines that have accounts."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from caponier.records.inventory import Criticality, System

START: Final = datetime(2026, 6, 1, tzinfo=UTC)
"""A Monday."""
PEOPLE: Final = 200
ACCOUNT: Final = "111122223333"
OFFICE, VPN, PARTNER = "198.51.100.10", "198.51.100.20", "192.0.2.40"
"""Public addresses of the office's NAT and of the VPN, and one of the partner who fetches models."""
BACKUP: Final = "192.0.2.200"
"""Where the vendor who keeps the backups calls from."""
GPU: Final = ("gpu-01", "gpu-02", "gpu-03")
HOSTS: Final = (*GPU, "jupyter-01", "mlflow-01", "web-01", "ci-01", "db-01", "mail-01")
SYSTEM: Final = System(
    name="vision",
    criticality=Criticality.HIGH,
    hosts=(*GPU, "jupyter-01", "mlflow-01"),
    accounts=("svc-model-sync",),
    buckets=("ml-models", "ml-training"),
    registries=("ml/serve",),
    endpoints=("models.example.org",),
    namespaces=("ml-serving", "ml-training"),
    clusters=("ml-prod",),
)
INSIDE: Final = """
[inside]
addresses = ["198.51.100.10", "198.51.100.20"]
partners = ["192.0.2.40", "192.0.2.200"]
accounts = ["ci-release", "terraform", "ci-deployer", "svc-*", "train-job", "janitor", "backup-vendor"]

[[inside.changes]]
days = ["tue"]
begin = "18:00"
until = "22:00"
"""


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    name: str
    job: str
    """`staff`, `ml`, `cloud`, `cluster` or `directory`."""
    desk: str
    home: str
    country: str
    remote: bool
    """Whether he works from home without the VPN."""
    away: range
    """Days of the month on a journey."""
    abroad: tuple[str, str]
    """Address and country then."""

    def on_journey(self, day: int) -> bool:
        """Tell whether he is away on a day."""
        return day in self.away


def people(rng: random.Random) -> list[Person]:
    """Return everybody, those with special jobs first."""
    jobs = ["ml"] * 14 + ["cloud"] * 3 + ["cluster"] * 3 + ["directory"] * 2
    found = []
    for number in range(PEOPLE):
        job = jobs[number] if number < len(jobs) else "staff"
        first = rng.randrange(8, 25)
        away = range(first, first + rng.randrange(2, 6)) if rng.random() < 0.08 else range(0)
        country = rng.choices(("DE", "PL", "FR", "NL"), (70, 15, 10, 5))[0]
        found.append(
            Person(
                f"{rng.choice(FIRST)}.{rng.choice(LAST)}{number}",
                job,
                f"10.20.{number // 200}.{number % 200 + 10}",
                f"{rng.choice((84, 87, 91, 93))}.{rng.randrange(1, 250)}.{rng.randrange(250)}.{rng.randrange(1, 250)}",
                country,
                rng.random() < (0.3 if job == "ml" else 0.1),
                away,
                (
                    f"78.{rng.randrange(250)}.{rng.randrange(250)}.{rng.randrange(1, 250)}",
                    rng.choice(("ES", "US", "IT")),
                ),
            )
        )
    return found


FIRST: Final = ("ada", "ben", "cleo", "dan", "eva", "finn", "gina", "hans", "ines", "jan", "kim", "lea", "mia", "noa")
LAST: Final = ("adler", "berg", "cohen", "dahl", "ebert", "fuchs", "graf", "hahn", "ivers", "jung", "kern", "lang")


def of(everybody: list[Person], job: str) -> list[Person]:
    """Return those with a job."""
    return [one for one in everybody if one.job == job]


def at(day: int, rng: random.Random, first: float, last: float) -> datetime:
    """Return a moment of a day between two hours."""
    return START + timedelta(days=day, seconds=round(3600 * rng.uniform(first, last), 3))


def works(day: int) -> bool:
    """Tell whether a day is none of a weekend."""
    return day % 7 < 5


def public(rng: random.Random) -> str:
    """Return an address somewhere on the net."""
    return f"{rng.choice((23, 45, 103, 146, 185))}.{rng.randrange(250)}.{rng.randrange(250)}.{rng.randrange(1, 250)}"


def runner(rng: random.Random) -> str:
    """Return the address of a hosted build machine: another one each time."""
    return f"20.{rng.randrange(40, 60)}.{rng.randrange(250)}.{rng.randrange(1, 250)}"


def where(person: Person, day: int, rng: random.Random) -> str:
    """Return the address that the net sees of somebody at work."""
    if person.on_journey(day):
        return person.abroad[0]
    if person.remote:
        return person.home
    return VPN if rng.random() < 0.4 else OFFICE


def country(person: Person, day: int) -> str:
    """Return in which country somebody is."""
    return person.abroad[1] if person.on_journey(day) else person.country
