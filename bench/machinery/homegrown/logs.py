"""A home-grown log: its records as a choice of factors shapes them, and the truth about each event."""

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, Final

from bench.machinery.homegrown.choices import Choice, draw
from bench.machinery.homegrown.domains import Domain, domain
from bench.machinery.homegrown.names import Names
from bench.machinery.homegrown.written import written

START: Final = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
_TICKS: Final = {
    "iso_naive": 1,
    "space_naive": 1_000,
    "epoch_s": 10**6,
    "epoch_ms": 1_000,
    "dotted": 10**6,
    "split": 10**6,
}
"""Microseconds that a form of time drops at most; others drop at most one."""


@dataclass(frozen=True)
class Truth:
    """What is so about one event, where the log says it."""

    time: int
    """Microseconds since 1970."""
    tick: int
    who: str | None
    asked: Any
    """The input: by name, a list in its order, or a text."""
    label: str | None
    scores: tuple[float, ...] | None
    """Of all classes in any order, or the score that the log has."""
    amount: float | None
    model: str | None
    latency_ms: float | None


@dataclass(frozen=True)
class Homegrown:
    """A log as bytes with its file's name, and the truth about its events in their order."""

    choice: Choice
    file: str
    data: bytes
    events: tuple[Truth, ...]


def generate(seed: int, *, held_out: bool = False) -> Homegrown:
    """Write one log; held out: with names and containers that no other log has."""
    random = Random(f"homegrown {seed} {held_out}")
    return _Writer(random, draw(random, held_out=held_out), held_out=held_out).log()


class _Writer:
    def __init__(self, random: Random, choice: Choice, *, held_out: bool) -> None:
        self.random, self.choice = random, choice
        self.names = Names(random, held_out=held_out)
        self.about: Domain = domain(choice.domain)
        self.keys: dict[str, str] = {}
        self.numbered = random.random() < 0.3
        """Whether labels are numbers of classes."""
        self.prefix = random.choice(("", "", "f_", "feat_", "input_"))
        self.deep = random.random() < 0.5
        self.batch_of_dicts = random.random() < 0.5
        self.secret_people = [
            f"{random.choice(('acme', 'nord', 'blue', 'kite', 'ivy', 'omni'))}{at:02d}"
            for at in range(random.randint(5, 12))
        ]
        self.model = self.names.draw("models")

    def key(self, role: str) -> str:
        if role not in self.keys:
            name = self.names.draw(role)
            for _ in range(20):
                if name not in self.keys.values():
                    break
                name = self.names.draw(role)
            else:
                name = f"{name}_{role}"
            self.keys[role] = name
        return self.keys[role]

    def log(self) -> Homegrown:
        random, when = self.random, START + timedelta(microseconds=self.random.randrange(10**6))
        records, events = [], list[Truth]()
        for _ in range(random.randint(60, 140)):
            when += timedelta(microseconds=round(random.expovariate(1 / (3_600e6 * 2))) + 1_000_000)
            record, told = self.record(when)
            records.append(record)
            events += told
        file, data = written(self.choice["container"], records, self.names, random)
        return Homegrown(self.choice, file, data, tuple(events))

    def record(self, when: datetime) -> tuple[dict[str, Any], list[Truth]]:
        random = self.random
        person = random.choice(self.secret_people)
        rows = [
            self.about.asked(random) for _ in range(random.randint(1, 4) if self.choice["request"] == "rows" else 1)
        ]
        scores = [self.about.scores(row, random) for row in rows]
        record: dict[str, Any] = {}
        self._time(record, when)
        if self.choice["extras"] != "none":
            record[self.key("request_id")] = str(uuid.UUID(int=random.getrandbits(128), version=4))
        who = self._caller(record, person)
        self._model(record)
        self._request(record, rows)
        self._answer(record, scores)
        latency = round(random.lognormvariate(3.2, 0.6), 1)
        latency_told = self._latency(record, latency)
        if self.choice["extras"] != "none":
            record[self.key("status")] = 200
        if self.choice["extras"] == "many":
            record[self.key("pod")] = f"serve-{random.randint(0, 3)}"
            record["bytes_out"] = random.randint(80, 900)
            record["env"] = "prod"
        model = None if self.choice["model"] == "none" else self.model
        truths = []
        for row, own in zip(rows, scores, strict=True):
            label, listed, amount = self._told(own)
            asked = list(row.values()) if isinstance(row, dict) and self._is_list() else row
            time = round(when.timestamp() * 1e6)
            truths.append(
                Truth(time, _TICKS.get(self.choice["time"], 1), who, asked, label, listed, amount, model, latency_told)
            )
        return record, truths

    def _is_list(self) -> bool:
        return self.choice["request"] == "list" or (self.choice["request"] == "rows" and not self.batch_of_dicts)

    def _time(self, record: dict[str, Any], when: datetime) -> None:
        form = self.choice["time"]
        micros = round(when.timestamp() * 1e6)
        if form == "split":
            record[self.key("date")] = when.strftime("%Y-%m-%d")
            record[self.key("clock")] = when.strftime("%H:%M:%S")
            return
        record[self.key("time")] = {
            "iso_z": when.isoformat().replace("+00:00", "Z"),
            "iso_offset": when.astimezone(timezone(timedelta(hours=2))).isoformat(),
            "iso_naive": when.replace(tzinfo=None).isoformat(),
            "space_naive": when.strftime("%Y-%m-%d %H:%M:%S,") + f"{when.microsecond // 1000:03d}",
            "epoch_s": micros // 10**6,
            "epoch_float": micros / 1e6,
            "epoch_ms": micros // 1000,
            "epoch_us": micros,
            "epoch_ns": micros * 1000,
            "dotted": when.strftime("%d.%m.%Y %H:%M:%S"),
        }[form]

    def _caller(self, record: dict[str, Any], person: str) -> str | None:
        form = self.choice["caller"]
        digest = hashlib.sha256(person.encode()).hexdigest()
        address = (
            f"203.0.113.{int(digest[:2], 16) % 200 + 3}"
            if len(self.secret_people) < 2
            else f"198.51.{self.secret_people.index(person)}.{int(digest[:2], 16) % 200 + 3}"
        )
        if form in ("user", "user_ip"):
            record[self.key("user")] = person
        if form in ("ip", "user_ip"):
            record[self.key("ip")] = address
        if form == "key":
            record[self.key("key")] = digest[:16]
        if form == "session":
            record[self.key("session")] = digest[20:44]
        if form == "header":
            record["headers"] = {"user-agent": "python-requests/2.32", self.key("header"): person, "accept": "*/*"}
        if form == "auth":
            outer, inner = self.key("auth").split(".")
            record[outer] = {inner: person, "scheme": "bearer"}
        return None if form == "none" else person

    def _model(self, record: dict[str, Any]) -> None:
        if self.choice["model"] != "none":
            record[self.key("model")] = self.model
        if self.choice["model"] == "named_version":
            record[self.key("version")] = "1.4.2"

    def _latency(self, record: dict[str, Any], latency: float) -> float | None:
        if self.choice["latency"] == "ms":
            record[self.key("latency")] = latency
        elif self.choice["latency"] == "s":
            record[self.key("latency_s")] = round(latency / 1000, 4)
        return None if self.choice["latency"] == "none" else latency

    def _request(self, record: dict[str, Any], rows: list[Any]) -> None:
        form, row = self.choice["request"], rows[0]
        if form == "rows":
            held = rows if self.batch_of_dicts else [list(one.values()) for one in rows]
            if self.deep:
                record[self.key("outer")] = {self.key("rows"): held}
            else:
                record[self.key("rows")] = held
            return
        if isinstance(row, str):
            row = {self.key("text"): row}
        if form == "flat":
            record |= {f"{self.prefix}{name}": value for name, value in row.items()} if len(row) > 1 else row
        elif form == "list":
            record[self.key("features")] = list(row.values())
        elif form == "dict":
            record[self.key("features")] = row
        elif form == "nested":
            record[self.key("outer")] = {self.key("features"): row} if self.deep else row
        else:
            inner = {self.key("features"): row} if self.deep else row
            text = json.dumps(inner, ensure_ascii=False)
            record[self.key("outer")] = text if form == "json_string" else base64.b64encode(text.encode()).decode()

    def _label(self, scores: list[float]) -> Any:
        at = scores.index(max(scores))
        return at if self.numbered else self.about.classes[at]

    def _told(self, scores: list[float]) -> tuple[str | None, tuple[float, ...] | None, float | None]:
        """Return label, scores and amount as the log says them."""
        form = self.choice["answer"]
        if form == "value":
            return None, None, scores[0]
        if form == "score":
            return None, (scores[1],), None
        label = self._label(scores)
        if form in ("by_class", "ranked"):
            label = self.about.classes[scores.index(max(scores))]
        listed = {"label": None, "label_score": (max(scores),)}.get(form, tuple(scores))
        return None if form == "list" else str(label), listed, None

    def _answer(self, record: dict[str, Any], scores: list[list[float]]) -> None:
        if self.choice["request"] == "rows":
            held: dict[str, Any] = {self.key("answers"): [self._one_of_many(own) for own in scores]}
        else:
            held = self._fields(scores[0])
        if self.choice["answer_place"] == "inside":
            record[self.key("response")] = held
        else:
            record |= held

    def _one_of_many(self, scores: list[float]) -> Any:
        form = self.choice["answer"]
        if form in ("label", "list", "score", "value"):
            return next(iter(self._fields(scores).values()))
        if form in ("by_class", "ranked"):
            return next(iter(self._fields(scores).values()))
        return self._fields(scores)

    def _fields(self, scores: list[float]) -> dict[str, Any]:
        form, classes = self.choice["answer"], self.about.classes
        best = sorted(zip(scores, classes, strict=False), reverse=True)
        if form == "value":
            return {self.key("value"): scores[0]}
        if form == "score":
            return {self.key("score"): scores[1]}
        if form == "label":
            return {self.key("label"): self._label(scores)}
        if form == "label_score":
            return {self.key("label"): self._label(scores), self.key("confidence"): max(scores)}
        if form == "label_list":
            return {self.key("label"): self._label(scores), self.key("probabilities"): scores}
        if form == "list":
            return {self.key("probabilities"): scores}
        if form == "by_class":
            return {self.key("probabilities"): dict(zip(classes, scores, strict=True))}
        return {self.key("ranked"): [{self.key("class_of"): name, self.key("score_of"): score} for score, name in best]}
