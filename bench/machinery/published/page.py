"""The page of all scorecards: what is found, how early, who is bothered, and what is missed.

Every figure comes from `bench/results`; a section whose results are not there is left out, and one whose full run is
not there says that it shows a short one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from bench.machinery.published.bars import NOTHING, Bar, Column, bars, percent
from bench.machinery.published.figure_words import in_words, is_share
from bench.machinery.scorecard import RESULTS

Result = Mapping[str, Any]
FOUND: Final = Column("attackers found", good=True)
BOTHERED: Final = Column("benign callers flagged", good=False)
OWN: Final = "Caponier"
REFERENCES: Final = {
    "near_pairs": "near pairs",
    "prada": "PRADA",
    "blacklight": "Blacklight",
    "blacklight_fine": "Blacklight, fine",
}
BARELY: Final = 0.5
"""A kind of attacker of which a smaller share is found stands under what is missed."""
INTRO: Final = """# Scorecard

What Caponier finds, how early, how many benign callers it flags by mistake, and what it misses, compared with other
tools on the same data. `scripts/docs` makes this page from `bench/results`, so no figure is typed by hand. [The last
table](#when-and-where) says when and where each figure was measured; detectors may have changed since.
[Benchmarks](reference/benchmarks.md) has the whole tables; `scripts/bench NAME` measures on your machine.
"""


class Page:
    """The page and its pictures, from the results that are there.

    Args:
        results: By the scorecard's name.
    """

    def __init__(self, results: Mapping[str, Result]) -> None:
        self._results = results
        self._used: dict[str, Result] = {}
        self.pictures: dict[str, str] = {}
        """SVG by file name, once the text was made."""

    def text(self) -> str:
        """Return the page."""
        parts = (
            self._callers, self._kinds, self._campaigns, self._abroad, self._accounts, self._files, self._models,
            self._rows, self._logs, self._missed, self._measured,
        )  # fmt: skip
        return INTRO + "".join("\n" + "\n".join(lines) + "\n" for part in parts if (lines := list(part())))

    def _take(self, name: str) -> Result | None:
        result = self._results.get(name)
        if result:
            self._used[name] = result
        return result

    def _picture(self, name: str, told: str, svg: str) -> str:
        self.pictures[name] = svg
        return f"![{told}](pictures/{name})"

    def _callers(self) -> Iterator[str]:
        result = self._take("behaviour")
        if not result:
            return
        of = result["figures"]
        yield "## Attackers in inference logs\n"
        yield (
            f"{of['attackers']} simulated attackers of every kind attack small models that read handwritten digits, "
            f"among {of['benign_users']} benign callers. Detectors that others published judge the same queries, with "
            "their published thresholds ([who they are](explanation/behaviour-scorecard.md#who-else-judges)). "
            "*Attacks that still succeed* are those whose goal is reached before the first alarm, so that refusing "
            "the caller from then on comes too late.\n"
        )
        prefixes = {OWN: ""} | {told: f"{key}_" for key, told in REFERENCES.items() if f"{key}_queries_median" in of}
        succeeded = {
            name: of[f"{prefix or ''}attacks_succeeded_though_refused_share"] for name, prefix in prefixes.items()
        }
        flagged = {name: of[f"{prefix}benign_users_flagged"] for name, prefix in prefixes.items()}
        rows = [
            (
                name,
                (
                    Bar.share(of[f"{prefix}attackers_flagged_share"]),
                    Bar.share(flagged[name] / of["benign_users"]),
                    Bar.share(succeeded[name]),
                ),
            )
            for name, prefix in prefixes.items()
        ]
        columns = (FOUND, BOTHERED, Column("attacks that still succeed", good=False))
        svg = bars("Attackers in inference logs", columns, rows, OWN)
        yield self._picture("scorecard-callers.svg", "Attackers found, and benign callers flagged, beside others", svg)
        yield (
            f"\nOf {of['benign_users']} benign callers Caponier flags {flagged[OWN]}; the exact 95 % interval of the "
            f"share is "
            f"{percent(of['benign_flagged_share_low'])} to {percent(of['benign_flagged_share_high'])}. Of the "
            "attackers who exploit the blind spots that the pages on detectors name (*adaptive*), "
            f"{percent(of['adaptive_flagged_share'])} are found, and "
            f"{percent(of['adaptive_succeeded_though_refused_share'])} still succeed."
        )

    def _kinds(self) -> Iterator[str]:
        result = self._take("behaviour")
        if not result:
            return
        kinds = _by_kind(result)
        most = max(queries for _, _, queries in kinds if queries is not None)
        rows = [
            (name, (Bar.share(share), Bar.count(queries, most) if queries is not None and share else NOTHING))
            for name, share, queries in kinds
        ]
        yield "## How early, by kind of attack\n"
        yield (
            "For each kind of attack: the share of attackers found, and the median number of different queries before "
            "the first finding. If several models were attacked, the median is that of the model where the attack was "
            "found latest. The kinds that are found least often come first. In the second column a shorter bar is "
            "better.\n"
        )
        columns = (FOUND, Column("queries until then (log scale)", good=False))
        svg = bars("How early, by kind of attack", columns, rows)
        yield self._picture("scorecard-kinds.svg", "Share of attackers found and queries until then, by kind", svg)

    def _campaigns(self) -> Iterator[str]:
        result = self._take("attackers")
        if not result:
            return
        of = result["figures"]
        yield "## Attackers who have read the detectors\n"
        yield (
            f"On {result['about']} Of {of['campaigns']} campaigns "
            f"{percent(of['campaigns_found_share'])} are found. By the time of the first finding, half of the "
            f"attackers had made at most {of['examples_before_finding_median']:g} of their 20 adversarial examples. "
            f"Benign callers flagged: {percent(of['benign_flagged_share'])}.{_short(result)} "
            "[What they do](reference/detections/attackers.md)."
        )

    def _abroad(self) -> Iterator[str]:
        result = self._take("abroad")
        yield "## Other systems\n"
        if not result:
            yield (
                "Not measured in full yet; `scripts/bench abroad` does. "
                "[How this is measured, and what is known so far](explanation/abroad.md)."
            )
            return
        of = result["figures"]
        yield (
            f"Caponier was also tested, with the default settings, against {of['attackers']:,} attackers among "
            f"{of['benign']:,} benign callers on other models and data. Someone who did not look at the detectors "
            f"made all of these.{_short(result)} The detectors have been improved with these systems in sight, so "
            "expect less on yours. [How this is measured](explanation/abroad.md).\n"
        )
        prefixes = {OWN: ""} | {
            key.removesuffix("_found_share").replace("_", " "): key.removesuffix("found_share")
            for key in of
            if key.endswith("_found_share") and not key.startswith("worst_world")
        }
        rows = [
            (name, (Bar.share(of[f"{prefix}found_share"]), Bar.share(of[f"{prefix}benign_flagged_share"])))
            for name, prefix in prefixes.items()
        ]
        svg = bars("Other systems", (FOUND, BOTHERED), rows, OWN)
        yield self._picture("scorecard-abroad.svg", "Attackers found and benign callers flagged on other systems", svg)
        yield (
            f"\nThe lowest share of attackers found on any one system is {percent(of['worst_world_found_share'])}. "
            "The highest share of benign callers flagged on any one system is at least "
            f"{percent(of['benign_flagged_share_of_worst_world_low'])} (lower end of the 95 % interval)."
        )
        if unseen := self._take("abroad_held_out"):
            yield self._unseen(unseen["figures"])

    def _unseen(self, of: dict[str, Any]) -> str:
        return (
            "\nFour more systems were kept aside: the detectors were run on them once, and nobody had looked at them "
            f"before. There {percent(of['found_share'])} of {of['attackers']:,} attackers were found, and "
            f"{100 * of['benign_flagged_share']:.1f} % of {of['benign']:,} benign callers were flagged. "
            "Expect figures like these on a system of your own."
        )

    def _accounts(self) -> Iterator[str]:
        result = self._take("split")
        if not result:
            return
        of = result["figures"]
        yield "## One search from many accounts\n"
        yield (
            "One attacker divides a search among several accounts. The two medians count the queries that all these "
            "accounts together had sent by the first finding. *Accounts named* is the share of the attacker's accounts "
            "that the findings name in the end; *named wrongly* is the number of benign callers that they name.\n"
        )
        yield "| accounts | searches found | HopSkipJump, median | Boundary, median | accounts named | named wrongly |"
        yield "|---:|---:|---:|---:|---:|---:|"
        for n in sorted(int(key.removeprefix("flagged_share_")) for key in of if key.startswith("flagged_share_")):
            yield (
                f"| {n} | {percent(of[f'flagged_share_{n}'])} | {of[f'hop_skip_jump_{n}_queries_median']:g} | "
                f"{of[f'boundary_{n}_queries_median']:g} | {percent(of[f'named_in_all_{n}'])} | "
                f"{of[f'wrongly_named_{n}']} |"
            )

    def _files(self) -> Iterator[str]:
        result = self._take("artifacts")
        if not result:
            return
        of = result["figures"]
        yield "## Model files\n"
        yield (
            f"The test has {of['harmful_files']} harmful files, each of which ran code when it was loaded, and "
            f"{of['benign_files']:,} harmless ones that common libraries wrote. The comparison favours Caponier: it "
            "was fixed against many of these tricks, and the other tools were not. A tool has found a file if it "
            "reports any issue with it.\n"
        )
        rows = [(OWN, (Bar.share(of["harmful_unsafe_share"]), Bar.share(of["benign_unsafe"] / of["benign_files"])))]
        for key in of:
            if found := re.fullmatch(r"(\w+)_([\d.]+)_found_share", key):
                tool = f"{found[1]}_{found[2]}_"
                alarms = of[f"{tool}false_alarms"] / of["benign_files"]
                rows.append((f"{found[1]} {found[2]}", (Bar.share(of[key]), Bar.share(alarms))))
        columns = (Column("harmful files called unsafe", good=True), Column("harmless files called unsafe", good=False))
        svg = bars("Model files", columns, rows, OWN)
        yield self._picture("scorecard-files.svg", "Harmful and harmless files that are called unsafe, by tool", svg)
        yield (
            f"\nHarmful files that Caponier calls clean: {of['harmful_clean']}. The others are called unsafe, or "
            "else *unknown*, for which `scan` exits with 3."
            f" Of the harmless files {percent(of['benign_unknown_share'])} are unknown."
        )

    def _models(self) -> Iterator[str]:
        result = self._take("models")
        if not result:
            return
        of = result["figures"]
        yield "## Backdoored networks\n"
        yield f"{result['about']}{_short(result)}\n"
        rows = [
            (name, (Bar.share(of[f"{stage}_found"]), Bar.share(of[f"{stage}_false"])))
            for stage, name in (("weights", "from weights alone"), ("search", "with a hundred clean rows"))
        ]
        columns = (Column("backdoored networks found", good=True), Column("clean networks flagged", good=False))
        yield self._picture(
            "scorecard-models.svg", "Backdoored and clean networks flagged", bars("Backdoored networks", columns, rows)
        )

    def _rows(self) -> Iterator[str]:
        result = self._take("remediation")
        if not result:
            return
        of = result["figures"]
        yield "## Poisoned data sets\n"
        yield f"{result['about']}{_short(result)}\n"
        yield "| worst case | |\n|---|---:|"
        yield f"| poisoned rows found | {percent(of['flips_recall_worst'])} |"
        yield f"| flagged rows that are poisoned | {percent(of['flips_precision_worst'])} |"
        yield f"| poisoned rows found, where one source is bad | {percent(of['one_source_recall_worst'])} |"
        yield f"| harmless data sets with findings | {of['harmless_sets_with_findings']} of {of['harmless_sets']} |"
        yield f"| change of accuracy by dropping suspect rows | {_points(of['accuracy_change_after_drop_worst'])} |"
        yield f"| change by giving them another label | {_points(of['accuracy_change_after_relabel_worst'])} |"

    def _logs(self) -> Iterator[str]:
        quiet, company, speed = (self._take(name) for name in ("quiet", "small_company", "logs"))
        if not (quiet or company):
            return
        yield "## Security logs\n"
        yield "| benign log | false findings | what it is |\n|---|---:|---|"
        if quiet:
            of = quiet["figures"]
            most = f"{of['false_a_million_inside']:g} in a million events"
            yield f"| 200 people, inventory known | {most} | {quiet['about']} |"
            yield f"| the same, no inventory | {of['false_a_million_bare']:g} in a million events | |"
        if company:
            of = company["figures"]
            yield f"| thirty people, inventory known | {of['findings_a_month_inside']:g} a month | {company['about']} |"
            yield f"| the same, no inventory | {of['findings_a_month_bare']:g} a month | |"
        if quiet:
            yield (
                f"\nAttacks were also planted in the log of the 200 people. For "
                f"{percent(quiet['figures']['attacks_told_by_one_incident'])} of them, a single incident shows the "
                "whole attack."
            )
        if speed:
            of = speed["figures"]
            yield (
                f"{of['events']:,} events under {of['rules']} rules take {of['cpu_seconds']:g} seconds on one core and "
                f"{of['peak_mb']} MB of memory."
            )

    def _missed(self) -> Iterator[str]:
        yield "## What is missed\n"
        behaviour = self._take("behaviour")
        seldom = [name for name, share, _ in _by_kind(behaviour) if share < BARELY] if behaviour else []
        if seldom:
            yield f"Of these attacks, fewer than half are found: {', '.join(seldom)}.\n"
        missed = [
            (name, result, goal)
            for name, result in sorted(self._results.items())
            for goal in result["goals"]
            if goal["figure"] in result["missed"]
        ]
        yield "Goals that were set before measuring and are not met:\n"
        yield "| scorecard | what was measured | value | goal |\n|---|---|---:|---:|"
        for name, result, goal in missed:
            value = result["figures"].get(goal["figure"])
            if isinstance(value, int | float):
                shown, bound = (_amount(goal["figure"], one) for one in (value, goal["bound"]))
                if shown == bound:
                    shown = f"{100 * value:.2f} %"
                limit = (
                    bound if bound in ("0 %", "100 %") else f"{'at least' if goal['at_least'] else 'at most'} {bound}"
                )
                link = f"[{name}](reference/benchmarks.md#{name})" if not result["quick"] else f"{name}, short run"
                yield f"| {link} | {in_words(name, goal['figure'])} | {shown} | {limit} |"
        unknown = [
            f"{in_words(name, goal['figure'])} ({name})"
            for name, result, goal in missed
            if not isinstance(result["figures"].get(goal["figure"]), int | float)
        ]
        if unknown:
            yield f"\nGoals for which no figure was measured: {'; '.join(unknown)}."
        yield "\nWhy, as far as it is known, and what was tried: see [benchmarks](reference/benchmarks.md)."

    def _measured(self) -> Iterator[str]:
        yield "## When and where\n"
        yield "| scorecard | measured | on | run |\n|---|---|---|---|"
        for name, result in sorted(self._used.items()):
            machine = result["machine"]
            yield (
                f"| {name} | {result['date'][:10]} | {machine['cores']} cores of {machine['processor']}, Python "
                f"{machine['python']} | {'short' if result['quick'] else 'full'} |"
            )


def stored(folder: Path = RESULTS) -> dict[str, Result]:
    """Return the results by scorecard; a short run counts only where there is no full one."""
    found: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: (not path.name.endswith(".quick.json"), path.name)):
        result = json.loads(path.read_text(encoding="utf-8"))
        found[result["bench"]] = result
    return found


def _by_kind(result: Result) -> list[tuple[str, float, float | None]]:
    """Return name, share found and slowest median of the queries until then, of each kind; the least found first."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["table"]:
        if "victim" in row:
            kinds.setdefault(row["who"].replace("_", " "), []).append(row)
    told = [
        (
            name,
            sum(row["flagged"] for row in rows) / sum(row["number"] for row in rows),
            max((row["queries_median"] for row in rows if row["flagged"]), default=None),
        )
        for name, rows in kinds.items()
    ]
    return sorted(told, key=lambda one: (one[1], -(one[2] or 0), one[0]))


def _short(result: Result) -> str:
    return " (A short run; the full one has not been repeated since detectors changed.)" if result["quick"] else ""


def _amount(figure: str, value: float) -> str:
    """Return a figure as people read it: shares in percent, large numbers whole."""
    if is_share(figure):
        return percent(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _points(change: float) -> str:
    """Return a change of a share in points, with its sign."""
    return f"{100 * change:+.1f} points"
