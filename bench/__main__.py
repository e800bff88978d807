"""`scripts/bench NAME [--quick]`, and `scripts/bench behaviour --with module:Class` for detectors of others."""

import argparse
import pkgutil
import sys
from importlib import import_module
from inspect import signature

from bench import scorecards
from bench.machinery.pins import check_references
from bench.machinery.scorecard import Scorecard
from caponier.errors import InputError


def modules() -> dict[str, str]:
    """Return the module of each scorecard that there is, by its name; folders only sort them."""
    found = pkgutil.walk_packages(scorecards.__path__, f"{scorecards.__name__}.")
    return {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}


def print_table(card: Scorecard) -> None:
    """Print the details and the figures with their goals."""
    for row in card.table:
        print("  " + "  ".join(f"{name}={value}" for name, value in row.items()))
    goals = {goal.figure: goal for goal in card.goals}
    for name, value in card.figures.items():
        goal = goals.get(name)
        verdict = "" if goal is None else f"  (goal {goal}) {'MISSED' if name in card.missed else 'met'}"
        print(f"{name:32} {value}{verdict}")


def main() -> int:
    """Run one scorecard, print it and save it."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Run a scorecard.")
    parser.add_argument("name", choices=sorted(modules()))
    parser.add_argument("--quick", action="store_true", help="a smaller list of the same work, within 5 minutes")
    parser.add_argument(
        "--with",
        dest="others",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="judges the same streams, see docs/explanation/behaviour-scorecard.md; nothing is saved then",
    )
    given = parser.parse_args()
    module = import_module(modules()[given.name])
    if given.others and "others" not in signature(module.run).parameters:
        parser.error(f"{given.name} takes no other detectors; behaviour does")
    try:
        check_references()
        card: Scorecard = module.run(given.quick, given.others) if given.others else module.run(given.quick)
    except InputError as error:
        parser.error(" ".join(str(error).split()))
    print_table(card)
    # What others plugged in is theirs to publish.
    if not given.others:
        card.save(quick=given.quick)
    print(card.line())
    return 1 if card.missed else 0


if __name__ == "__main__":
    sys.exit(main())
