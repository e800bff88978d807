"""Okta and Entra of the estate: two hundred people log in, travel, lose devices, and are given rights."""

import json
import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bench.machinery.estate.people import Person, at, country, of, where, works

Line = tuple[datetime, str]
NAMES = {
    "DE": "Germany",
    "PL": "Poland",
    "FR": "France",
    "NL": "Netherlands",
    "ES": "Spain",
    "US": "United States",
    "IT": "Italy",
}


def okta(
    moment: datetime, who: str, address: str, country_: str, event: str, risk: str = "LOW", result: str = "SUCCESS"
) -> Line:
    """Return one event of the System Log."""
    row: dict[str, Any] = {
        "uuid": f"{moment.timestamp():.6f}-{who}-{event}", "version": "0", "severity": "INFO", "eventType": event,
        "published": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "displayMessage": event,
        "actor": {"id": f"00u{who}", "type": "User", "alternateId": f"{who}@example.org", "displayName": who},
        "client": {"ipAddress": address, "geographicalContext": {"country": NAMES.get(country_, country_)}},
        "outcome": {"result": result}, "target": [{"id": "app", "type": "AppInstance", "displayName": "app"}],
        "debugContext": {"debugData": {"risk": f"{{level={risk}}}"}},
    }  # fmt: skip
    return moment, json.dumps(row)


def entra(moment: datetime, who: str, address: str, country_: str, risk: str = "none") -> Line:
    """Return one sign-in as Graph lists it."""
    row = {
        "id": f"{moment.timestamp():.6f}-{who}", "createdDateTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "userPrincipalName": f"{who}@example.org", "ipAddress": address, "appDisplayName": "Office",
        "clientAppUsed": "Browser", "riskLevelDuringSignIn": risk, "riskLevelAggregated": risk,
        "status": {"errorCode": 0}, "location": {"city": "x", "countryOrRegion": country_}, "isInteractive": True,
    }  # fmt: skip
    return moment, json.dumps(row)


def okta_day(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the events of a day."""
    if not works(day):
        return
    for one in everybody:
        address, land = where(one, day, rng), country(one, day)
        for number in range(round(rng.randrange(3, 10) * size) or 1):
            event = "user.session.start" if number == 0 else "user.authentication.sso"
            risk = "HIGH" if one.on_journey(day) and rng.random() < 0.2 else "LOW"
            yield okta(at(day, rng, 7, 19), one.name, address, land, event, risk)
        if rng.random() < 0.03:
            yield okta(at(day, rng, 7, 19), one.name, address, land, "user.session.start", result="FAILURE")
    for one in of(everybody, "directory"):
        if rng.random() < 0.3:
            event = rng.choice(("group.privilege.grant", "user.mfa.factor.reset_all", "system.api_token.create"))
            yield okta(at(day, rng, 9, 17), one.name, where(one, day, rng), country(one, day), event)


def entra_day(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the sign-ins of a day."""
    for one in everybody:
        for _ in range(round(rng.randrange(4) * size)):
            if works(day):
                yield entra(at(day, rng, 7, 20), one.name, where(one, day, rng), country(one, day))
            elif rng.random() < 0.2:
                address = one.abroad[0] if one.on_journey(day) else one.home
                yield entra(at(day, rng, 8, 22), one.name, address, country(one, day))
