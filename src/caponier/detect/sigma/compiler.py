"""Sigma rules to what the matcher and the correlator run. The only file that touches pySigma.

pySigma parses the rules and its SQLite backend writes the conditions of plain rules; correlations are taken from
pySigma's objects and evaluated by `correlation`. Nothing here asks pySigma for ATT&CK: it would fetch it from the net.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import islice
from typing import Any, Final, Literal

from caponier.detect.log import LogRule
from caponier.detect.sigma.correlation import OPERATORS, Correlation, CorrelationType, in_order
from caponier.detect.sigma.matcher import (
    ACT,
    DERIVED,
    MOST_COLUMNS,
    NUMBER,
    NUMERIC,
    ORIGIN,
    TEXT,
    Regex,
    Table,
    connect,
)
from caponier.detect.sigma.needed_values import needed_values
from caponier.detect.sigma.rule_files import RuleDocument
from caponier.detect.sigma.techniques import techniques
from caponier.detect.sigma.windows import CAP
from caponier.extras import needs
from caponier.records.skip import Skip
from caponier.telemetry.security_logs.sources import LogSource

QUIET: Final = 3600.0
"""Seconds without a match after which a rule's next match of the same subject is a new finding."""
LEVEL: Final = "medium"
"""Of a rule that does not say its level."""

SHOWN: Final = 3
"""Unknown technique ids that the note names, each with the first file that has it."""

_NEVER_SOUGHT: Final = frozenset([TEXT, *DERIVED]) - {ORIGIN, ACT}
"""Columns that no field of an event stands for; where an event comes from and what it does is quickly told."""
_WRONG: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError, sqlite3.Error)
"""What a malformed rule makes pySigma, its backend or SQLite raise; `SigmaError` is a ValueError."""


@dataclass
class Compiled:
    """Rules, ready to run."""

    tables: list[Table] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    """Each after those that it refers to."""
    rules: dict[str, LogRule] = field(default_factory=dict)
    """The rules that may match by themselves, by name."""
    fields: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For each rule that a correlation refers to: the fields to keep of its events."""
    bad: list[Skip] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Parsed:
    document: RuleDocument
    name: str
    rule: Any

    @property
    def is_correlation(self) -> bool:
        return "correlation" in self.document.content


def compile_rules(documents: Sequence[RuleDocument | Skip]) -> Compiled:
    """Compile rules; those that cannot be run are listed, and the others run.

    Raises:
        MissingExtraError: If pySigma is not installed.
    """
    with needs("logs", "Scanning security logs"):
        import_module("sigma.collection")
        import_module("sigma.backends.sqlite")
    return _Compiler().run(documents)


def linear_regex() -> Regex:
    """Return the regular expressions that pySigma checked the rules with: RE2, which no pattern can make slow."""
    with needs("logs", "Scanning security logs"):
        re2: Any = import_module("re2")
    return lambda pattern: re2.compile(pattern).search


class _Compiler:
    def __init__(self) -> None:
        self._into = Compiled()
        self._references: dict[str, str] = {}
        self._correlations: dict[str, Correlation] = {}
        self._unknown: dict[str, str] = {}
        self._scratch = connect(linear_regex())

    def run(self, documents: Sequence[RuleDocument | Skip]) -> Compiled:
        self._into.bad = [document for document in documents if isinstance(document, Skip)]
        parsed = [
            found for document in documents if isinstance(document, RuleDocument) for found in self._parse(document)
        ]
        plain = [self._try(item, self._add_plain) for item in parsed if not item.is_correlation]
        joint = [item for item in parsed if item.is_correlation]
        usable = {item.name: item for item in plain if item}
        # A correlation may refer to one that stands after it: go round until nothing more is added.
        waiting = joint
        while waiting:
            ready = [item for item in waiting if self._resolved(item) <= usable.keys()]
            if not ready:
                break
            usable |= {item.name: item for item in ready if self._try(item, self._add_correlation)}
            waiting = [item for item in waiting if item not in ready]
        for item in waiting:
            missing = sorted(self._resolved(item) - usable.keys())
            self._refuse(item.document, f"refers to a rule that is not there or cannot be run: {', '.join(missing)}")
        self._announce(usable)
        if self._unknown:
            some = ", ".join(f"{tag} ({file})" for tag, file in islice(self._unknown.items(), SHOWN))
            self._into.notes.append(f"{len(self._unknown):,} technique ids are not known here and kept as tags: {some}")
        self._scratch.close()
        return self._into

    def _parse(self, document: RuleDocument) -> Iterator[_Parsed]:
        try:
            found = _Parsed(document, *_parsed(document))
        except _WRONG as wrong:
            self._refuse(document, _reason(wrong))
            return
        labels = (found.name, str(found.rule.id or found.name))
        taken = [label for label in labels if label in self._references]
        if taken:
            self._refuse(document, f"another rule has this name or id: {taken[0]}")
            return
        self._references |= dict.fromkeys(labels, found.name)
        yield found

    def _try(self, item: _Parsed, add: Any) -> _Parsed | None:
        try:
            add(item)
        except _WRONG as wrong:
            self._refuse(item.document, _reason(wrong))
            return None
        return item

    def _refuse(self, document: RuleDocument, reason: str) -> None:
        self._into.bad.append(Skip(document.file, reason))

    # Plain rules

    def _add_plain(self, item: _Parsed) -> None:
        columns = _columns(item.rule)
        needs = needed_values(item.rule, lambda name: columns.get(name) == "TEXT" and name not in _NEVER_SOUGHT)
        table = self._table(_origin(item.rule), columns, keyed=bool(needs))
        widened = table.columns | columns
        trial = Table(table.name, table.origin, widened)
        queries = _queries(item.rule, table.name)
        self._scratch.execute(f"DROP TABLE IF EXISTS {trial.name}")
        self._scratch.execute(trial.definition)
        for query in queries:
            self._scratch.execute(f"EXPLAIN {query}")
        table.columns = widened
        table.queries += [(item.name, query) for query in queries]
        if needs:
            table.needs[item.name] = needs
        if table not in self._into.tables:
            self._into.tables.append(table)

    def _table(self, origin: LogSource, columns: dict[str, str], *, keyed: bool) -> Table:
        for table in self._into.tables:
            # A column that one rule compares by size and another as text is two columns, in two tables: as text "999"
            # is more than "1000", and as a number "007" is 7.
            agrees = all(table.columns.get(name, kind) == kind for name, kind in columns.items())
            fits = table.origin == origin and table.keyed == keyed
            if fits and agrees and len(table.columns | columns) <= MOST_COLUMNS:
                return table
        return Table(f"log{len(self._into.tables)}", origin, keyed=keyed)

    # Correlations

    def _resolved(self, item: _Parsed) -> set[str]:
        references = [reference.reference for reference in item.rule.rules or []]
        return {self._references.get(reference, reference) for reference in references}

    def _add_correlation(self, item: _Parsed) -> None:
        rule = item.rule
        kind = _kind(rule)
        names = tuple(self._references[reference.reference] for reference in rule.rules)
        group_by = tuple(rule.group_by or ())
        counted = rule.condition.fieldref if kind is CorrelationType.VALUE_COUNT else None
        aliases = [self._aliases(rule, name) for name in names]
        compiled = Correlation(
            name=item.name,
            kind=kind,
            rules=names,
            groups=tuple(tuple(alias.get(name, name).lower() for name in group_by) for alias in aliases),
            counted=tuple(alias.get(counted, counted).lower() if counted else None for alias in aliases),
            span=round(rule.timespan.seconds * 1_000_000),
            op=rule.condition.op.name.lower(),
            threshold=rule.condition.count,
            group_by=tuple(name.lower() for name in group_by),
        )
        _check(compiled)
        for slot, name in enumerate(names):
            self._check_child(compiled, slot, name)
        list(in_order({**self._correlations, item.name: compiled}))
        self._correlations[item.name] = compiled

    def _aliases(self, rule: Any, name: str) -> dict[str, str]:
        return {
            alias.alias: mapped
            for alias in rule.aliases
            for reference, mapped in alias.mapping.items()
            if self._references.get(reference.reference) == name
        }

    def _check_child(self, rule: Correlation, slot: int, name: str) -> None:
        child = self._correlations.get(name)
        asked = {*rule.groups[slot], *([rule.counted[slot]] if rule.counted[slot] else [])}
        if child and not asked <= set(child.group_by):
            lacking = ", ".join(sorted(map(str, asked - set(child.group_by))))
            raise ValueError(f"{name} is a correlation and does not group by {lacking}, which this one needs of it")

    # What users see

    def _announce(self, usable: dict[str, _Parsed]) -> None:
        referred = {name for rule in self._correlations.values() for name in rule.rules}
        generated = {
            name for key, rule in self._correlations.items() if usable[key].rule.generate for name in rule.rules
        }
        for name, item in usable.items():
            if name not in referred or name in generated:
                self._into.rules[name] = self._card(item)
        for name, joint in self._correlations.items():
            # Of a count the parts say nothing: what is told is how many there were.
            together = joint.kind in (CorrelationType.TEMPORAL, CorrelationType.TEMPORAL_ORDERED)
            if together and name in self._into.rules and set(joint.rules) <= self._into.rules.keys():
                parts = tuple(self._into.rules[part].name for part in joint.rules)
                self._into.rules[name] = replace(self._into.rules[name], parts=parts)
        self._into.correlations = list(in_order(self._correlations))
        kept: dict[str, dict[str, None]] = {}
        for rule in self._correlations.values():
            for slot, name in enumerate(rule.rules):
                asked = (*rule.groups[slot], *([rule.counted[slot]] if rule.counted[slot] else []))
                kept.setdefault(name, {}).update(dict.fromkeys(field for field in asked if field))
        self._into.fields = {name: tuple(fields) for name, fields in kept.items()}

    def _card(self, item: _Parsed) -> LogRule:
        rule = item.rule
        refs, unknown = techniques(f"{tag.namespace}.{tag.name}" for tag in rule.tags)
        for tag in unknown:
            self._unknown.setdefault(tag, item.document.file)
        span = self._correlations[item.name].span / 1e6 if item.is_correlation else 0.0
        return LogRule(
            name=f"sigma:{item.name}",
            title=rule.title,
            level=str(rule.level) if rule.level else LEVEL,
            techniques=refs,
            description=rule.description or "",
            file=item.document.file,
            falsepositives=tuple(map(str, rule.falsepositives or ())),
            quiet=max(QUIET, span),
            news=_news(rule),
            about_asset=(rule.custom_attributes or {}).get("about") == "asset",
            yields=(rule.custom_attributes or {}).get("yields") is True,
        )


def _parsed(document: RuleDocument) -> tuple[str, Any]:
    """Parse one document with pySigma.

    Raises:
        ValueError: If it is no rule; also other errors where pySigma does not expect what it finds.
    """
    content = document.content
    if "filter" in content:
        raise ValueError("Sigma filters are not supported")
    if "action" in content:
        raise ValueError("actions (global, reset, repeat) are not supported: give each rule a document of its own")
    kind = "sigma.correlations:SigmaCorrelationRule" if "correlation" in content else "sigma.rule:SigmaRule"
    module, name = kind.split(":")
    rule: Any = getattr(import_module(module), name).from_dict(content)
    return str(rule.name or document.stem), rule


def _news(rule: Any) -> Literal["act", "place", "always"]:
    """Read our own field `news`, which other tools pass over; anything else in it may be somebody else's."""
    said = (rule.custom_attributes or {}).get("news")
    return said if said in ("place", "always") else "act"


def _origin(rule: Any) -> LogSource:
    source = rule.logsource
    words = (source.product, source.category, source.service)
    return LogSource(*(word.lower() if word else None for word in words))


def _queries(rule: Any, table: str) -> list[str]:
    backends: Any = import_module("sigma.backends.sqlite")
    collection: Any = import_module("sigma.collection")
    backend = backends.sqliteBackend(table=table, fulltext_field=TEXT)
    written = backend.convert(collection.SigmaCollection([rule]))
    return [f"SELECT {NUMBER} FROM ({query})" for query in written]  # noqa: S608 - the backend quotes what rules say


def _columns(rule: Any) -> dict[str, str]:
    """Return the columns that a rule names: NUMERIC where it compares by size, else TEXT.

    NUMERIC reads a text such as "1000" as a number; everywhere else it would lose leading zeros.
    """
    types: Any = import_module("sigma.types")
    backends: Any = import_module("sigma.backends.sqlite")
    names = backends.sqliteBackend(fulltext_field=TEXT).required_fields(rule)
    compared = {
        node.field
        for condition in rule.detection.parsed_condition
        for node in _nodes(condition.parsed)
        if isinstance(getattr(node, "value", None), types.SigmaCompareExpression)
    }
    return {name.lower(): NUMERIC if name in compared else "TEXT" for name in names}


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "args", ()):
        yield from _nodes(child)


def _kind(rule: Any) -> CorrelationType:
    name = rule.type.name.lower()
    if name not in tuple(CorrelationType):
        raise ValueError(f"correlations of the type {name} are not supported; there are: {', '.join(CorrelationType)}")
    if not hasattr(rule.condition, "count"):
        raise ValueError("correlation conditions with and, or, not are not supported")
    if isinstance(rule.condition.fieldref, list):
        raise ValueError("counting several fields together is not supported")
    return CorrelationType(name)


def _check(rule: Correlation) -> None:
    """Refuse what the windows cannot answer.

    Raises:
        ValueError: With the reason.
    """
    if rule.span <= 0:
        raise ValueError("the timespan must be longer than nothing")
    if rule.op not in OPERATORS:
        raise ValueError(f"unknown operator {rule.op}")
    if rule.kind in (CorrelationType.EVENT_COUNT, CorrelationType.VALUE_COUNT) and rule.threshold >= CAP:
        raise ValueError(f"counts to {CAP:,} and further are not supported")
    whole = len(rule.rules) - (rule.op == "gt")
    if rule.kind is CorrelationType.TEMPORAL_ORDERED and (
        rule.op not in ("gte", "gt", "eq") or rule.threshold != whole
    ):
        raise ValueError("temporal_ordered is supported for all of its rules only: leave the condition out")


def _reason(wrong: Exception) -> str:
    text = str(wrong).splitlines()[0] if str(wrong) else ""
    plain = re.sub(r"\s+", " ", text).strip()
    return (
        plain
        if isinstance(wrong, ValueError | sqlite3.Error) and plain
        else f"malformed: {plain or type(wrong).__name__}"
    )
