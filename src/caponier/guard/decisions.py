"""The response actions in force, as a table from callers and models to verdicts."""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from caponier.guard.call import Call
from caponier.guard.exchange import Caller
from caponier.guard.verdict import HOLD, PASS, REFUSE, GuardVerdict, Measure
from caponier.records.finding import SubjectRef
from caponier.records.response_action import ActionKind, ResponseAction, everybody_at, scopes_of

KINDS: Final = (ActionKind.BLOCK, ActionKind.HOLD, ActionKind.THROTTLE, ActionKind.ROUND)
"""What a guard carries out by itself."""
SCOPES: Final = ("principal", "session", "address", "model")
MOST_DOUBTED: Final = 10_000
"""Callers that are remembered as doubted."""
ANY_MODEL: Final = SubjectRef("model", "")


class TokenBucket:
    """Lets `burst` queries pass at once, and `per_minute` in the long run.

    Args:
        per_minute: Tokens that are added in a minute.
        burst: Tokens that it holds.
    """

    def __init__(self, per_minute: float, burst: float) -> None:
        self._rate, self._burst = per_minute / 60, burst
        self._tokens, self._last = burst, time.monotonic()

    def take(self, queries: int, now: float) -> bool:
        """Take a token for each query, or none and return False.

        Args:
            queries: How many.
            now: Seconds by `time.monotonic`.
        """
        if queries > self._held(now):
            return False
        self._tokens -= queries
        return True

    def holds(self, queries: int, now: float) -> bool:
        """Tell whether there is a token for each query; none is taken."""
        return queries <= self._held(now)

    def charge(self, queries: int, now: float) -> None:
        """Take a token for each query that was answered, also where that leaves less than none."""
        self._tokens = self._held(now) - queries

    def is_empty(self, now: float) -> bool:
        """Tell whether not even one query may pass."""
        return self._held(now) < 1

    def _held(self, now: float) -> float:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._last) * self._rate)
        self._last = now
        return self._tokens


@dataclass(frozen=True, slots=True)
class _Rule:
    """One action, ready to be looked up."""

    action: ResponseAction
    begins: float
    ends: float
    """Seconds by `time.monotonic`: a clock that is set must neither end an action nor make it last."""
    decimals: int
    bucket: TokenBucket | None

    def is_in_force(self) -> bool:
        """Tell whether it has begun and not ended."""
        return self.begins <= time.time() and time.monotonic() < self.ends


class Decisions:
    """Decides about requests; an action that runs out does so by itself.

    A call whose model cannot be told counts as one to every model, or else a way of writing a path that the model
    server knows and the guard does not would lead around a block.

    An action against a session or an address binds those alone whose requests were the evidence, see
    `records.response_action.scopes_of`; one that does not say who that is binds nobody.

    Args:
        system_of: From a model to the name of its system.
        nameless: Tells of a request whether what its caller calls himself says nothing: then he is who his address is.
    """

    def __init__(
        self,
        system_of: Callable[[str], str | None] = lambda _: None,
        nameless: Callable[[Caller, Call], bool] = lambda *_: False,
    ) -> None:
        self._system_of, self._nameless = system_of, nameless
        self._rules: dict[SubjectRef, list[_Rule]] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._doubted: OrderedDict[SubjectRef, None] = OrderedDict()
        self._begun: frozenset[str] = frozenset()
        """Ids of the actions that were in force: a clock that is set back must not suspend one."""
        self._ends: dict[tuple[str, float], float] = {}
        """By id and length of an action: when it ends, in seconds by `time.monotonic`."""

    def __len__(self) -> int:
        return sum(len(rules) for rules in self._rules.values())

    def replace(self, actions: Iterable[ResponseAction], at: float | None = None) -> None:
        """Go by these actions from now on; the bucket of a throttle that stays is not filled up by it.

        May be called from another thread than decisions are made in: the table is exchanged as a whole.

        Args:
            actions: All that are in force.
            at: The present in seconds, by the clock that they are dated by; by default that of the machine. One that
                was set, and by which they are not dated yet, would end new ones at once, or hold a caller for long.
        """
        rules: dict[SubjectRef, list[_Rule]] = defaultdict(list)
        buckets: dict[str, TokenBucket] = {}
        begun: set[str] = set()
        ends: dict[tuple[str, float], float] = {}
        now, steady = time.time() if at is None else at, time.monotonic()
        for action in actions:
            if action.kind not in KINDS or action.scope.kind not in SCOPES or action.unsent:
                continue
            if action.kind is ActionKind.THROTTLE:
                buckets[action.action_id] = self._buckets.get(action.action_id) or _bucket(action)
            # Every request finds what is done to models; the action tells which it reaches.
            scope = ANY_MODEL if action.scope.kind == "model" else action.scope
            if action.created.timestamp() <= now or action.action_id in self._begun:
                begun.add(action.action_id)
            key = action.action_id, round((action.expires - action.created).total_seconds(), 3)
            ends[key] = self._ends.get(key, steady + action.expires.timestamp() - now)
            bucket = buckets.get(action.action_id)
            rules[scope].append(_rule(action, bucket, ends[key], begun=action.action_id in begun))
        self._buckets, self._begun, self._ends, self._rules = buckets, frozenset(begun), ends, dict(rules)

    def __call__(self, caller: Caller, call: Call, queries: Callable[[], int]) -> GuardVerdict:
        """Decide about a request.

        Args:
            caller: Who asks.
            call: What for.
            queries: Tells how many examples the request holds; asked only where a rate is limited and not yet
                reached, since it takes time.
        """
        rules = self._rules
        if not rules:
            return PASS
        found = self._rules_for(caller, call, rules)
        found = [rule for rule in found if rule.is_in_force() and self._reaches(rule, call)]
        if not found:
            return PASS
        if any(rule.action.kind is ActionKind.BLOCK for rule in found):
            return REFUSE
        if any(rule.action.kind is ActionKind.HOLD for rule in found):
            return HOLD
        buckets = [rule.bucket for rule in found if rule.bucket]
        if buckets and not _lets_pass(buckets, queries, take=not caller.unproven):
            return REFUSE
        decimals = [rule.decimals for rule in found if rule.action.kind is ActionKind.ROUND]
        return GuardVerdict(Measure.ROUND, min(decimals)) if decimals else PASS

    def blocks(self, caller: Caller, call: Call) -> bool:
        """Tell whether a request would be refused for good, whatever its rate; nothing is counted by asking."""
        found = self._rules_for(caller, call, self._rules)
        return any(
            rule.action.kind in (ActionKind.BLOCK, ActionKind.HOLD) and rule.is_in_force() and self._reaches(rule, call)
            for rule in found
        )

    def doubt(self, scopes: Iterable[SubjectRef]) -> None:
        """Remember of whom something was found; in one thread, whichever that is."""
        for scope in scopes:
            self._doubted[scope] = None
            self._doubted.move_to_end(scope)
            if len(self._doubted) > MOST_DOUBTED:
                self._doubted.popitem(last=False)

    def doubts(self, caller: Caller) -> bool:
        """Tell whether something was found of a caller; from any thread."""
        return bool(self._doubted) and any(scope in self._doubted for scope in _scopes(caller))

    def charge(self, caller: Caller, call: Call, queries: Callable[[], int]) -> None:
        """Count a request towards the limits of its caller once it is known that he is who he says.

        Whoever shows a token that the model server alone can check takes nothing before that: with made-up signatures
        anybody could use up another's rate. Requests that are under way at once may so exceed it, which is made up for.

        Args:
            caller: Whose token was accepted.
            call: What it asked for.
            queries: Tells how many examples the request held.
        """
        rules = [rule for rule in self._rules_for(caller, call, self._rules) if rule.bucket]
        buckets = [rule.bucket for rule in rules if rule.is_in_force() and self._reaches(rule, call)]
        asked = queries() if buckets else 0
        for bucket in buckets:
            if bucket is not None:
                bucket.charge(asked, time.monotonic())

    def _rules_for(self, caller: Caller, call: Call, rules: Mapping[SubjectRef, Sequence[_Rule]]) -> list[_Rule]:
        found = [rule for scope in _scopes(caller) for rule in rules.get(scope, ())]
        everybody = () if caller.place is None else rules.get(everybody_at(caller.place), ())
        if everybody and self._nameless(caller, call):
            found += everybody
        return found

    def _reaches(self, rule: _Rule, call: Call) -> bool:
        system = None if call.model is None else self._system_of(call.model)
        return rule.action.reaches(call.model, system)


def _lets_pass(buckets: Sequence[TokenBucket], queries: Callable[[], int], *, take: bool) -> bool:
    if any(bucket.is_empty(time.monotonic()) for bucket in buckets):
        return False
    asked, moment = queries(), time.monotonic()
    if not take:
        return all(bucket.holds(asked, moment) for bucket in buckets)
    taken = [bucket.take(asked, moment) for bucket in buckets]
    return all(taken)


def _scopes(caller: Caller) -> Iterable[SubjectRef]:
    # An address may be bound as somebody wrote it, or as what stands for all who can send from it.
    places = dict.fromkeys((caller.source_ip, caller.place))
    sent = dict.fromkeys(scope for place in places for scope in scopes_of(caller.principal, caller.session, place))
    # Whoever is blocked does not get by with a second credential, or with one that only the model server can read.
    possible = (SubjectRef("principal", name) for name in caller.possible)
    return (*sent, *possible, ANY_MODEL)


def _bucket(action: ResponseAction) -> TokenBucket:
    per_minute = float(action.parameters["per_minute"])
    return TokenBucket(per_minute, float(action.parameters.get("burst", max(1.0, per_minute))))


def _rule(action: ResponseAction, bucket: TokenBucket | None, ends: float, *, begun: bool) -> _Rule:
    decimals = int(action.parameters.get("decimals", 0))
    begins = float("-inf") if begun else action.created.timestamp()
    return _Rule(action, begins, ends, decimals, bucket)
