import numpy as np
import pytest

from caponier.emulate.attacker.extraction import EXTRACTION, Extraction
from caponier.emulate.caller.oracle import BudgetSpentError, RefusedError
from caponier.emulate.campaign import MeteredModel
from caponier.emulate.emulation import carried_out
from caponier.emulate.outcome import Stop
from caponier.emulate.poison import attempt
from caponier.emulate.registry import attacks, campaigns, poisons
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim


@pytest.mark.parametrize(
    ("error", "stop"), [(None, Stop.FINISHED), (BudgetSpentError(), Stop.BUDGET), (RefusedError("no"), Stop.REFUSED)]
)
def test_steps_end_by_their_plan_or_are_stopped(error: Exception | None, stop: Stop) -> None:
    def steps() -> None:
        if error:
            raise error

    assert carried_out(steps) is stop


def test_any_other_error_is_nobodys_stop() -> None:
    with pytest.raises(ZeroDivisionError):
        carried_out(lambda: 1 / 0)  # type: ignore[arg-type, return-value]


def test_extractions_show_the_same_techniques_and_are_judged_alike() -> None:
    alike = {name for name, one in campaigns().items() if isinstance(one, Extraction)}
    assert alike == {"active_learning", "jbda", "knockoff", "natural_extraction"}
    assert all(campaigns.one(name).techniques == EXTRACTION for name in alike)


def test_a_line_says_what_came_of_whoever_asked_over_it() -> None:
    line = MeteredModel(lambda rows: np.zeros((len(rows), 10), np.float32), 3)
    line.ask(np.zeros(64, np.float32))
    line.ask(np.zeros(64, np.float32))
    told = line.outcome("any", (), Stop.FINISHED, success=True, measure={"share": 0.5})
    assert (told.name, told.queries, told.unique_queries, told.success, told.measure) == (
        "any",
        2,
        1,
        True,
        {"share": 0.5},
    )


@pytest.mark.slow
def test_figures_behind_a_success_have_names(split: DigitsSplit, victim: Victim, targets: Pool) -> None:
    image, label = targets.images[0], int(targets.labels[0])
    whole = attacks.one("boundary").run(victim.predict_proba, image, label, seed=0, budget=400)
    assert whole.measure == {"first_distance": whole.first_distance, "final_distance": whole.final_distance}
    nothing = attacks.one("square").run(victim.predict_proba, image, label, seed=0, budget=1)
    assert nothing.measure == {}
    _, poisoned = attempt(poisons.one("uniform_flips"), split.train, split.test, share=0.1, seed=0)
    assert set(poisoned.measure) == {"rows_changed", "accuracy_clean", "accuracy_poisoned"}
