"""A brief as Markdown: needs no other package than Caponier itself."""

from collections.abc import Iterable, Iterator

from caponier.app.brief import words
from caponier.app.brief.brief import Brief
from caponier.formats.markdown import escaped, link


def to_markdown(brief: Brief) -> str:
    """Return both pages."""
    return "\n".join([*_known(brief), "", *_exercise(brief)]) + "\n"


def _known(brief: Brief) -> Iterator[str]:
    yield f"# {escaped(words.title(brief))}"
    yield ""
    for line in words.systems(brief):
        yield f"- {escaped(line)}"
    if brief.systems:
        yield ""
    yield escaped(words.introduction(brief))
    yield from ["", "## What has happened", ""]
    yield from _table(
        ("When", "Kind", "Case study", "What happened", "Why it is told here"),
        (
            (
                one.study.when,
                one.study.type.value,
                f"{one.study.id} {one.study.name}",
                one.study.summary,
                words.why(one),
            )
            for one in brief.matches
        ),
    )
    if brief.more:
        yield from ["", escaped(words.more(brief))]
    yield from ["", "## What the attackers did, and what Caponier detects of it", ""]
    yield escaped(words.coverage(brief))
    yield ""
    yield from _table(
        ("Technique", "Tactic", "Studies", "Detected here"),
        (
            (f"{act.technique.id} {act.name}", ", ".join(act.tactics), str(len(act.studies)), words.seen(act))
            for act in brief.acts
        ),
    )
    yield from ["", escaped(words.tactics(brief)), "", "## The data it takes", ""]
    if brief.data:
        yield from _table(("Data", "Would show"), ((data, words.names(shows)) for data, shows in brief.data))
    else:
        yield "No detector sees any of these techniques."
    yield from ["", "Read more:", ""]
    yield from (f"- {escaped(one.study.id)}: {link(one.study.url)}" for one in brief.matches if one.study.url)


def _exercise(brief: Brief) -> Iterator[str]:
    yield from ["# Table-top exercise", ""]
    yield f"{words.length(brief)} For the facilitator:"
    yield ""
    yield from (f"- {escaped(line)}" for line in (words.scenario(brief), *words.FACILITATOR))
    for inject, evidence, behind in words.injects(brief):
        yield from ["", f"## {inject.clock} {escaped(inject.tactic)}", ""]
        yield f"{escaped(inject.prompt.notice)}"
        yield ""
        yield from (f"- **{role}**: {escaped(question)}" for role, question in words.questions(inject))
        yield f"- *Evidence*: {escaped(evidence)}"
        yield f"- *Behind it*: {escaped(behind)}"
    yield from ["", "## Debrief", ""]
    yield from (f"{place}. {escaped(question)}" for place, question in enumerate(words.DEBRIEF, 1))
    yield from ["", "## The real case, for the facilitator", ""]
    steps = enumerate(words.real_case(brief), 1)
    yield from (f"{place}. {escaped(act)}: {escaped(told)}" for place, (act, told) in steps)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(map(escaped, row))} |"
