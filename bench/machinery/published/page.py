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
from bench.machinery.published.figure_words import in_words
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

What Caponier finds, how early, how many benign callers it bothers for that, and what it misses, beside others on the
same data. Made by `scripts/docs` from `bench/results`, so no figure is typed by hand. [At the end](#when-and-where) it
says when and on what machine each was measured: detectors may have changed since. The whole tables are in
[benchmarks](reference/benchmarks.md); `scripts/bench NAME` measures on your machine.
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
            f"{of['attackers']} attackers of every kind on small models of digits, among {of['benign_users']} benign "
            f"callers. "
            "The others judge the same streams with the thresholds that they were published with "
            "([who they are](explanation/behaviour-scorecard.md#who-else-judges)). *Attacks that still succeed* are "
            "those "
            "whose goal is reached although the caller is refused from the first alarm on.\n"
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
            f"attackers who use the published list of misses (*adaptive*), "
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
            "For each kind of attack: the share of attackers found, and how many different queries they had sent by "
            "the first finding (the median, on the model where it is largest). The kinds that are found least stand "
            "first. In the second column a shorter bar is better.\n"
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
            f"{percent(of['campaigns_found_share'])} are found. By the first finding, the median attacker has "
            f"{of['examples_before_finding_median']:g} of the 20 adversarial examples. Benign callers "
            f"flagged: {percent(of['benign_flagged_share'])}.{_short(result)} "
            "[What they do](reference/detections/attackers.md)."
        )

    def _abroad(self) -> Iterator[str]:
        result = self._take("abroad")
        yield "## Other systems\n"
        if not result:
            yield (
                "Not measured in full yet; `scripts/bench abroad` does. "
                "[What it asks, and what is known so far](explanation/abroad.md)."
            )
            return
        of = result["figures"]
        yield (
            "Other models, data, benign callers and attackers, made by someone who did not look at the detectors: "
            f"{of['attackers']:,} attackers and {of['benign']:,} benign callers, with the default settings."
            f"{_short(result)} Detectors were improved with these systems in sight, so the figures are no promise; four "
            "more systems are held out. [What it asks](explanation/abroad.md).\n"
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
            f"\nOn the worst system {percent(of['worst_world_found_share'])} of the attackers are found; on the worst "
            f"for benign callers at least {percent(of['benign_flagged_share_of_worst_world_low'])} of them are flagged."
        )

    def _accounts(self) -> Iterator[str]:
        result = self._take("split")
        if not result:
            return
        of = result["figures"]
        yield "## One search from many accounts\n"
        yield (
            "One attacker divides a search among several accounts. The two medians count the queries that all these "
            "accounts together had sent by the first finding. *Accounts named* is the share of them that the findings "
            "name in the end; *named wrongly* counts benign callers.\n"
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
            f"{of['harmful_files']} harmful files, each of which did run code when it was loaded for this test, and "
            f"{of['benign_files']:,} harmless ones that the usual libraries wrote. The comparison favours Caponier: it "
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
            f"\nHarmful files that Caponier calls clean: {of['harmful_clean']}. The rest it calls *unknown*, "
            "and `scan` does not exit with 0 for them."
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
        yield f"| accuracy after suspect rows are dropped | {_points(of['accuracy_change_after_drop_worst'])} |"
        yield f"| accuracy after they are given another label | {_points(of['accuracy_change_after_relabel_worst'])} |"

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
                f"\nAttacks planted among the 200 people whose steps all stand in one incident: "
                f"{percent(quiet['figures']['attacks_told_by_one_incident'])}."
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
            yield f"Kinds of attackers of whom fewer than half are found: {', '.join(seldom)}.\n"
        yield "Goals that were set before measuring and are not met:\n"
        yield "| scorecard | what was measured | value | goal |\n|---|---|---:|---:|"
        for name, result in sorted(self._results.items()):
            for goal in result["goals"]:
                if goal["figure"] in result["missed"]:
                    value = result["figures"].get(goal["figure"])
                    shown = f"{value:.4g}" if isinstance(value, int | float) else "not measured"
                    bound = f"{'at least' if goal['at_least'] else 'at most'} {goal['bound']:g}"
                    link = f"[{name}](reference/benchmarks.md#{name})" if not result["quick"] else f"{name}, short run"
                    yield f"| {link} | {in_words(name, goal['figure'])} | {shown} | {bound} |"
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
    return " (A short run: the full one has not been made since.)" if result["quick"] else ""


def _points(change: float) -> str:
    """Return a change of a share in points, with its sign."""
    return f"{100 * change:+.1f} points"
