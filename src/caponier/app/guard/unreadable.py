"""Queries that were answered and could not be read: who asks them, and why detection does not see them."""

from collections.abc import Callable, Collection
from typing import Final

from caponier.app.guard.failures import Tell
from caponier.guard.exchange import Exchange
from caponier.guard.metrics import OTHERS, Metrics, label

MOST_CALLERS: Final = 200
"""Callers of a model that are counted by name: whoever changes his own for each query counts among all others."""


class UnreadableQueries:
    """Counts unreadable queries by model and caller, and tells of each caller once.

    Args:
        metrics: Counts.
        tell: Says what happened, in a line.
        models: Whose names are told; a caller can make up others.
    """

    def __init__(self, metrics: Metrics, tell: Tell, models: Collection[str]) -> None:
        self._metrics, self._tell, self._models = metrics, tell, frozenset(models)
        self._named: set[tuple[str, str]] = set()
        self._told_unseen = False
        self._told_answers: set[str] = set()

    def note_unseen(self, model: str | None) -> None:
        """Count an answered query to a model at which nothing looks; say once if nobody but its caller knows its name.

        A server that does not look at the name lets everybody past by another one. The name is not repeated: it is what
        the caller wrote.
        """
        self._metrics.count("unseen", self._metrics.of_model(model))
        if model in self._metrics.models or self._told_unseen or not self._models:
            return
        self._told_unseen = True
        self._tell(
            "warning: a query to a model that neither a baseline nor the inventory knows was answered, and nothing "
            "looks at it: put the model into the inventory, or see to it that the model server refuses other names; "
            f"caponier_guard_unseen_total{{{label('model', OTHERS)}}} says how many there are"
        )

    def note_answer(self, model: str | None, why: str) -> None:
        """Count an answer that cannot be read, and say so once of each model: what many detectors need is missing.

        Args:
            model: Whose answer it is.
            why: Why; nothing in it comes from the caller.
        """
        self._metrics.count("unread", 'part="answer"')
        if model in self._models and model not in self._told_answers:
            self._told_answers.add(model)
            self._tell(
                f"warning: an answer of model {model} cannot be read: {why}; detectors that need labels or scores do "
                f"not see it; caponier_guard_unread_total{{{label('part', 'answer')}}} says how many there are"
            )

    def note(self, exchange: Exchange, why: Callable[[], str]) -> None:
        """Count a query.

        Args:
            exchange: Finished.
            why: Says why it cannot be read, and nothing that the caller sent; asked only where that is told.
        """
        asked, caller = exchange.call.model, exchange.caller
        model = asked if asked in self._models and asked is not None else OTHERS
        # Of what names a caller, only what nobody can write as he likes.
        who = (None if exchange.stranger else caller.principal) or caller.place or OTHERS
        new = (model, who) not in self._named
        if new and len(self._named) >= MOST_CALLERS:
            new, who = False, OTHERS
        self._metrics.count("unreadable", f"{label('model', model)},{label('caller', who)}")
        if new:
            self._named.add((model, who))
            self._tell(
                f"warning: a query of {who} to model {model} was answered and cannot be read: {why()}; detection "
                "counts it without seeing what was asked; caponier_guard_unreadable_total says how many there are"
            )
