"""Log events and rules for the tests."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogMatch
from caponier.detect.sigma.compiler import Compiled, compile_rules
from caponier.detect.sigma.rule_files import RuleDocument
from caponier.detect.sigma.sigma import SigmaRun
from caponier.records.inventory import System
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.fields import flatten
from caponier.telemetry.security_logs.sources import LogSource

SOURCE = LogSource("shop", None, "door")
SECOND = 1_000_000
BEGIN = 1_767_225_600 * SECOND
SYSTEM = System(name="digits", hosts=("gpu-01",), buckets=("ml-models",))


def event(second: float, *, line: int = 1, origin: LogSource = SOURCE, **fields: Any) -> LogEvent:
    """An event so many seconds after the beginning."""
    return LogEvent(BEGIN + round(second * SECOND), flatten(fields)[0], origin, "log.jsonl", line)


def plain(name: str, selection: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule on one event of the shop's door."""
    return {
        "title": f"Title of {name}",
        "name": name,
        "logsource": {"product": "shop", "service": "door"},
        "detection": {"selection": selection, "condition": "selection"},
        **more,
    }


def joint(name: str, kind: str, rules: Sequence[str], span: str = "10s", **more: Any) -> dict[str, Any]:
    """A correlation, grouped by user."""
    correlation = {"type": kind, "rules": list(rules), "group-by": ["user"], "timespan": span, **more}
    return {"title": f"Title of {name}", "name": name, "correlation": correlation}


def compiled(*contents: dict[str, Any]) -> Compiled:
    """Compile rules, each in a file of its own."""
    # By way of YAML, as a user's rules come.
    contents = tuple(yaml.safe_load(yaml.safe_dump(content)) for content in contents)
    return compile_rules([RuleDocument(f"r{n}.yml", f"r{n}", content) for n, content in enumerate(contents)])


def run(
    rules: Compiled, events: Sequence[LogEvent], *, batch: int = 1000, systems: Iterable[System] = ()
) -> list[LogMatch]:
    """Run rules over events, cut into batches."""
    assert rules.bad == [], rules.bad
    with SigmaRun(rules, Scope(tuple(systems)), b"") as going:
        for start in range(0, len(events), batch):
            going.feed(events[start : start + batch])
        return list(going.matches())


def seen(matches: Iterable[LogMatch]) -> list[tuple[str, float, str | None, float]]:
    """What matters of matches: rule, second, account, value."""
    return [
        (match.rule.name.removeprefix("sigma:"), (match.time - BEGIN) / SECOND, match.trigger.account, match.value)
        for match in matches
    ]


def write(folder: Path, name: str, *contents: dict[str, Any]) -> Path:
    """Write a rule file of one or more documents."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(yaml.safe_dump_all(contents))
    return path
