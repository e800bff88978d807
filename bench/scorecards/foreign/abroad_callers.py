"""Abroad with other numbers of callers: few and many to learn from, more attackers among them, and many more in use.

Two cheap worlds. Callers are generated anew for each number, never drawn again from the same ones.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from bench.machinery.measured import say
from bench.machinery.scorecard import Scorecard
from bench.scorecards.foreign.abroad import CALLERS, EACH, SEEDS, USERS, caponier
from bench.worlds import load
from bench.worlds.world import World

WORLDS: Final = ("spam_trees", "credit")
LEARNED: Final = (50, 100, 300, 1_000)
"""Callers of the benign log."""
TIMES: Final = 10
"""Times as many callers in use."""
HIDDEN: Final = 0.02
"""Share of attackers in the benign log where it is made worse: twice that of every world."""


def run(quick: bool) -> Scorecard:
    """Run both worlds with three seeds; quick: one with one seed."""
    worlds, seeds = (WORLDS[:1], SEEDS[:1]) if quick else (WORLDS, SEEDS)
    table = [row for name in worlds for seed in seeds for row in _rows(load(name), seed)]
    figures = {}
    for what in dict.fromkeys(row["what"] for row in table):
        own = [row for row in table if row["what"] == what]
        key = what.replace(" ", "_")
        figures[f"{key}_benign_flagged_share"] = sum(one["benign_flagged"] for one in own) / sum(
            one["benign"] for one in own
        )
        figures[f"{key}_found_share"] = sum(one["found"] for one in own) / sum(one["attackers"] for one in own)
    about = (
        f"{', '.join(worlds)}; {CALLERS} callers to learn from and {USERS:,} in use unless said otherwise, one in a "
        f"hundred of those who are learned from attacks, {EACH} attackers of each kind in use. Without the self-test."
    )
    return Scorecard("abroad_callers", about, figures, (), tuple(seeds), table)


def _rows(world: World, seed: int) -> Iterator[dict[str, Any]]:
    use, attackers = world.use(seed, USERS), world.attackers(seed, EACH)
    for n in LEARNED:
        say(f"{world.name}, seed {seed}, {n} callers")
        yield {"what": f"{n} callers"} | caponier(world, seed, world.calibration(seed, n).events, use, attackers)
    say(f"{world.name}, seed {seed}, attackers in the benign log")
    benign = world.calibration(seed, CALLERS)
    more = int(HIDDEN * CALLERS) - len(benign.attackers)
    # Of another seed, so that none of them is in use as well.
    others = world.attackers(seed + len(SEEDS), 1)[:: max(1, len(attackers) // EACH // max(1, more))][:more]
    mixed = _mixed(benign.events, [one.events for one in others])
    yield {"what": "2 percent attackers"} | caponier(world, seed, mixed, use, attackers)
    say(f"{world.name}, seed {seed}, {TIMES} times the callers")
    many = world.use(seed, USERS * TIMES)
    yield {"what": "ten times in use"} | caponier(world, seed, benign.events, many, attackers)


def _mixed(benign: pa.Table, attacks: Sequence[pa.Table]) -> pa.Table:
    """Put attacks into the time of the benign log, each at another part of it, as far as they fit."""
    first, last = (pc.min_max(benign["time"].cast(pa.int64()))[key].as_py() for key in ("min", "max"))
    moved = []
    for at, events in enumerate(attacks):
        time = events["time"].cast(pa.int64())
        begin = first + (last - first) * (at + 1) // (len(attacks) + 1)
        time = pc.add(pc.subtract(time, pc.min(time)), begin)
        own = events.set_column(events.schema.get_field_index("time"), "time", time.cast(events["time"].type))
        moved.append(own.filter(pc.less_equal(time, last)))
    return pa.concat_tables([benign, *moved]).sort_by("time")
