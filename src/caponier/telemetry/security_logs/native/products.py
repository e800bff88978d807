"""Products whose records are JSON that needs other names and no more: what `products.yaml` says of them, as formats."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from caponier.formats.strict_yaml import shipped_yaml
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.databases import stated
from caponier.telemetry.security_logs.native.record import (
    FAILURE,
    SUCCESS,
    FieldMap,
    ObjectFormat,
    fill,
    split_url,
    whole,
)
from caponier.telemetry.security_logs.sources import LogSource, word

Values = frozenset[str]


@dataclass(frozen=True)
class Product:
    """How to know a record of one product, and what its fields mean."""

    name: str
    has: frozenset[str]
    times: tuple[str, ...]
    source: LogSource
    fields: FieldMap
    any: frozenset[str] = frozenset()
    where: Mapping[str, Values] = field(default_factory=dict)
    service_of: str | None = None
    outcome: tuple[str, Values, Values] | None = None
    """Field, good values, bad values."""
    login: tuple[str, Values] | None = None
    url: str | None = None
    statement: str | None = None
    """A field that holds a statement of SQL."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """What every record says, in a field that none has: that a connection came about, in a log of those that did."""

    def fits(self, fields: Fields) -> bool:
        """Tell whether a record is of this product."""
        if not self.has <= fields.keys() or (self.any and self.any.isdisjoint(fields)):
            return False
        return all(_value(fields, name) in values for name, values in self.where.items())

    def complete(self, fields: Fields) -> LogSource:
        """Fill the normalised fields in, and say what a record is of."""
        fill(fields, self.fields)
        for name, value in self.fixed.items():
            fields.setdefault(name, value)
        if self.outcome:
            name, good, bad = self.outcome
            value = _value(fields, name)
            if value in good or value in bad or _ANY_OTHER in bad:
                fields.setdefault("outcome", SUCCESS if value in good else FAILURE)
        if self.url and self.url in fields:
            for name, part in split_url(str(fields[self.url])).items():
                fields.setdefault(name, part)
        if self.statement and self.statement in fields:
            stated(str(fields[self.statement]), fields)
        if (status := whole(fields.get("sc-status"))) is not None:
            fields["sc-status"] = status
        return self._source(fields)

    def _source(self, fields: Fields) -> LogSource:
        product, category, service = self.source
        if self.login and _value(fields, self.login[0]) in self.login[1]:
            category = "authentication"
        told = word(fields.get(self.service_of)) if self.service_of else None
        return LogSource(product, category, f"{service}.{told}" if told else service)


_ANY_OTHER: Final = "*"


def _value(fields: Fields, name: str) -> str:
    return str(fields.get(name, "")).strip().lower()


def _product(entry: Mapping[str, Any]) -> Product:
    outcome, login = entry.get("outcome"), entry.get("login")
    return Product(
        name=entry["name"],
        has=frozenset(entry["has"]),
        times=tuple(entry["times"]),
        source=LogSource(**entry["source"]),
        fields={
            name: tuple(given) if isinstance(given, list) else given for name, given in entry.get("fields", {}).items()
        },
        any=frozenset(entry.get("any", ())),
        where={name: frozenset(values) for name, values in entry.get("where", {}).items()},
        service_of=entry.get("service_of"),
        outcome=(outcome["of"], frozenset(outcome["good"]), frozenset(outcome["bad"])) if outcome else None,
        login=(login["of"], frozenset(login["is"])) if login else None,
        url=entry.get("url"),
        statement=entry.get("statement"),
        fixed=entry.get("fixed", {}),
    )


PRODUCTS: Final = tuple(map(_product, shipped_yaml(__package__ or "", "products.yaml")))
FORMATS: Final = tuple(ObjectFormat(one.name, one.fits, one.complete, one.times) for one in PRODUCTS)
