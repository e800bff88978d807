"""The report, rendered from a small made-up result: what is on it, and that it asks nobody for anything."""

import base64
import dataclasses
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from caponier.demo import chart as demo_chart
from caponier.demo import matrix, pictures, story, timeline
from caponier.demo.replay import SHOWN, Queries, Replay
from caponier.demo.report import render, write_report
from caponier.demo.result import Attacker, Certainty, DemoResult, HabitShare, Served, Traffic
from caponier.detect.registry import event_detectors
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.matrix import load
from caponier.matrix.versions.catalogue import harms_of, resolve
from caponier.records.finding import Basis, Evidence, Expected, Finding, Severity, SubjectRef
from demo import made_up_demo
from demo.made_up_demo import aftermath, hunt

THRESHOLDS = {"iterative_query": 64.0, "novelty": 256.0}
TITLES = {"iterative_query": "Iterative query", "novelty": "Novelty"}
BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
VOID = {"meta", "link", "img", "br", "line", "rect", "circle", "path", "polygon", "polyline"}


class Page(HTMLParser):
    """Every element with its attributes, the text, and that what was opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def attacker(principal: str, title: str, noticed: dict[str, int]) -> Attacker:
    emulation = event_detectors()["iterative_query"].techniques
    outcome = AttackOutcome(
        name="hop_skip_jump",
        techniques=emulation,
        queries=300,
        unique_queries=300,
        success=True,
        stop=Stop.FINISHED,
        first_query=2,
        start_distance=4.0,
        first_distance=2.0,
        final_distance=0.5,
        original=np.zeros(64, np.float32),
        adversarial=np.full(64, 0.25, np.float32),
        original_label=7,
        adversarial_label=3,
    )
    return Attacker(principal, "hop_skip_jump", title, outcome, 1, 300, 0, noticed, len(noticed))


def finding(principal: str, detector: str, queries: int) -> Finding:
    techniques = event_detectors()[detector].techniques
    return Finding(
        finding_id=f"f-{principal}-{detector}",
        detector=detector,
        subject=SubjectRef("principal", principal),
        system="mail-sorting",
        model="digits-mlp",
        model_version="1",
        severity=Severity.HIGH,
        confidence=0.97,
        techniques=tuple(resolve(technique) for technique in techniques),
        harms=tuple(harm.value for harm in harms_of(techniques)),
        first_time=BEGIN,
        last_time=BEGIN + timedelta(seconds=queries),
        trigger_event_id="e-1",
        event_ids=("e-1",),
        unique_queries=queries,
        evidence=Evidence("boundary_walk", 100.0, THRESHOLDS[detector], 0, 306, queries, Basis.PROMISE),
        summary="as a test has it",
    )


@pytest.fixture
def result() -> DemoResult:
    found = (
        finding("k-walker", "novelty", 3),
        finding("k-walker", "iterative_query", 60),
        finding("k-silent", "novelty", 4),
    )
    walker = attacker("k-walker", "HopSkipJump 1", {"novelty": 3, "iterative_query": 60})
    return DemoResult(
        version="0.1.0",
        seed=7,
        out=Path("/home/ada/secret-project/demo-out"),
        served=Served("digits-mlp", "1", "mail-sorting", "reads the digits of postal codes", "mlp", 0.962),
        calibration=Traffic(306, 56_000, 63_000),
        benign=(
            HabitShare("poller", "asks on a clock", Traffic(5, 1000, 1000), 0, 0, 0.05, dict.fromkeys(THRESHOLDS, 0.5)),
        ),
        attackers=(walker, attacker("k-silent", "Boundary attack 1", {"novelty": 4})),
        findings=found,
        events=1_600,
        certainty=Certainty(
            306,
            0.01,
            21.4,
            THRESHOLDS,
            "at most 1.00% of benign callers are flagged",
        ),
        skipped=(),
        notes=(),
        hunt=hunt(found, ("k-walker", "k-silent")),
        after=aftermath(),
        seconds={"Training the model": 1.0, "Scanning": 2.0},
    )


@pytest.fixture
def seen() -> Replay:
    rng = np.random.default_rng(0)

    def queries(n: int, top: int, rises: int) -> Queries:
        scores = np.where(np.arange(1, n + 1) >= rises, top, 0)
        return Queries(
            rng.random((n, 64), np.float32),
            tuple(str(label) for label in np.arange(n) // 2 % 2),
            {"iterative_query": scores, "novelty": scores * 4},
        )

    asked = {"k-walker": queries(300, 640, 60), "k-silent": queries(300, 640, 4)}
    asked |= {f"k-{user}": queries(200, user, 1) for user in range(5)}
    thresholds = {name: np.full(SHOWN, value) for name, value in THRESHOLDS.items()}
    return Replay(thresholds, asked, dict.fromkeys(asked, 0.05))


@pytest.fixture
def html(result: DemoResult, seen: Replay) -> str:
    return render(result, seen)


@pytest.fixture
def page(html: str) -> Page:
    return Page(html)


def test_the_page_is_well_formed(page: Page, html: str) -> None:
    assert page.open == []
    assert html.startswith("<!DOCTYPE html>")
    assert page.all("html")[0]["lang"] == "en"


def test_nothing_outside_the_page_is_asked_for(page: Page, html: str) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert not {"script", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.elements}
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert re.findall(r"https?://|[\"'(]//", html) == []


def test_a_policy_forbids_what_the_page_does_not_need(page: Page) -> None:
    policy = next(meta for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    rules = str(policy["content"]).split("; ")
    assert rules[:3] == ["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]


def test_no_path_of_this_computer_is_on_the_page(html: str) -> None:
    assert "secret-project" not in html
    assert "--out demo-out" in html


def test_plain_words_come_first_and_the_sections_in_order(page: Page) -> None:
    ids = [attributes["id"] for tag, attributes in page.elements if tag == "section" and attributes.get("id")]
    assert ids == [
        "incident",
        "response",
        "repair",
        "coverage",
        "attackers",
        "matrix",
        "scores",
        "benign",
        "findings",
        "made",
    ]
    headline = "One attacker, 4 tactics, one combined incident: found, blocked and repaired, and none of the 5"
    assert page.text.index(headline) < page.text.index("What happened") < page.text.index("What the attacker asked")


def test_every_anchor_leads_somewhere_and_every_id_is_there_once(page: Page) -> None:
    ids = [str(attributes["id"]) for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    links = {str(link["href"]) for link in page.all("a")}
    assert {link.removeprefix("#") for link in links} <= set(ids)
    assert "#f-k-walker-novelty" in links


def test_who_cannot_see_is_told(page: Page) -> None:
    assert all(image.get("alt") for image in page.all("img"))
    assert len(page.all("caption")) == len(page.all("table"))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert {"header", "main", "footer", "nav"} <= {tag for tag, _ in page.elements}
    for drawing in page.all("svg"):
        assert drawing.get("aria-hidden") == "true" or (drawing["role"], bool(drawing["aria-labelledby"])) == (
            "img",
            True,
        )


def test_what_was_written_by_others_is_only_text(result: DemoResult, seen: Replay) -> None:
    evil = "<script>alert(1)</script>"
    served = dataclasses.replace(result.served, purpose=evil)
    html = render(dataclasses.replace(result, served=served, notes=(evil,)), seen)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 2


def test_a_run_that_failed_says_so_at_the_top(result: DemoResult, seen: Replay) -> None:
    missed = dataclasses.replace(result.attackers[1], noticed={}, findings=0)
    bad = dataclasses.replace(result, attackers=(result.attackers[0], missed), findings=result.findings[:2])
    page = Page(render(bad, seen))
    assert "1 of 2 attacks on the model were flagged" in page.text
    assert page.text.index("Boundary attack 1 was not flagged") < page.text.index("What happened")
    assert "Not flagged" in page.text


def test_a_run_without_findings_is_a_page_too(result: DemoResult, seen: Replay) -> None:
    missed = tuple(dataclasses.replace(who, noticed={}, findings=0) for who in result.attackers)
    hunted = result.hunt
    blind = dataclasses.replace(
        hunted,
        inference=(),
        logs=dataclasses.replace(hunted.logs, findings=()),
        batch=dataclasses.replace(hunted.batch, findings=()),
        file_findings=(),
        incidents=(),
    )
    page = Page(render(dataclasses.replace(result, attackers=missed, findings=(), hunt=blind), seen))
    assert page.open == []
    assert "No findings." in page.text
    assert "Nothing was seen." in page.text


def test_the_file_is_written_whole(tmp_path: Path, result: DemoResult, seen: Replay) -> None:
    write_report(tmp_path / "report.html", result, seen)
    assert (tmp_path / "report.html").read_text().rstrip().endswith("</html>")


def test_the_strip_shows_the_way_to_every_first_finding(result: DemoResult, seen: Replay) -> None:
    tiles = pictures.strip(result.attackers[0], seen.queries["k-walker"], TITLES)
    ordinals = [tile.ordinal for tile in tiles]
    assert ordinals == [*range(1, 13), *range(56, 67)]
    assert {tile.ordinal: tile.alarms for tile in tiles if tile.alarms} == {3: ("Novelty",), 60: ("Iterative query",)}
    assert [tile.skipped for tile in tiles if tile.skipped] == [43]
    assert [tile.ordinal for tile in tiles if tile.flips][:3] == [3, 5, 7]
    assert tiles[0].answer == "0"


def test_flips_and_findings_are_told_in_words(page: Page) -> None:
    assert page.text.count("▲ flips") > 2
    # Once where the mark is explained, and three times where a detector spoke.
    assert page.text.count("■\N{NO-BREAK SPACE}finding") == 4


def test_a_picture_is_the_query_itself() -> None:
    image = np.linspace(0, 1, 64, dtype=np.float32)
    data = base64.b64decode(pictures.ink(image).removeprefix("data:image/png;base64,"))
    drawn = np.asarray(Image.open(io.BytesIO(data))).reshape(-1)
    np.testing.assert_array_equal(drawn, np.rint(255 * (1 - image)))


def test_what_did_not_change_is_grey() -> None:
    before = np.zeros(64, np.float32)
    after = before.copy()
    after[5] = 0.2
    for changed, darkest in ((after, 0), (before, 128)):
        data = base64.b64decode(pictures.difference(before, changed).removeprefix("data:image/png;base64,"))
        drawn = np.asarray(Image.open(io.BytesIO(data))).reshape(-1)
        assert drawn[5] == darkest
        assert drawn[6] == 128


def test_an_attack_that_found_nothing_has_no_picture_of_success(result: DemoResult, seen: Replay) -> None:
    outcome = result.attackers[0].evasion
    assert outcome is not None
    failed = dataclasses.replace(outcome, adversarial=None, adversarial_label=None, final_distance=None, success=False)
    who = dataclasses.replace(result.attackers[0], outcome=failed)
    assert pictures.change(who) is None
    assert "did not succeed" in render(dataclasses.replace(result, attackers=(who, result.attackers[1])), seen)


def test_the_matrix_is_complete_and_counts_the_findings(result: DemoResult, page: Page) -> None:
    columns = matrix.columns(result)
    cells = [cell for column in columns for top in column.cells for cell in (top, *top.children)]
    assert len(columns) == 7
    assert {cell.id for cell in cells} == {technique.id for technique in load().techniques}
    assert {cell.id: (cell.findings, cell.acted) for cell in matrix.seen(columns)} == {
        "AMLTM.EVADE.01.02": (3, True),
        "AMLTM.EVADE.03.01": (1, True),
        "AMLTM.EVADE.03.02": (1, True),
        "AMLTM.EXEC.01.02": (1, True),
        "AMLTM.EXFIL.02": (2, False),
        "AMLTM.EXFIL.03": (1, True),
    }
    assert page.text.count("orange: ") == sum(cell.orange for cell in cells)
    assert page.text.count("white: ") == sum(not cell.orange for cell in cells)
    assert "✔ done by the attacker" in page.text


def test_a_chart_has_the_threshold_the_attackers_and_the_benign(result: DemoResult, seen: Replay) -> None:
    chart = demo_chart.charts(result, seen, TITLES)[0]
    one = next(tick.at for tick in chart.y if tick.text == "1")
    assert chart.line == pytest.approx(one)
    assert [curve.alarm is not None for curve in chart.attackers] == [True, True]
    assert chart.highest.alarm is None
    assert [len(curve.points.split()) for curve in chart.attackers] == [200, 200]
    heights = [float(point.split(",")[1]) for point in chart.band.split()]
    # Downwards is larger: nothing benign is above the threshold.
    assert min(heights) > chart.line
    assert "HopSkipJump 1 at query 60, and not by Boundary attack 1" in chart.summary
    assert "The highest benign user reaches 6% of it." in chart.summary
    xs = [float(point.split(",")[0]) for curve in chart.attackers for point in curve.points.split()]
    assert min(xs) >= demo_chart.LEFT
    assert max(xs) <= demo_chart.WIDTH - demo_chart.RIGHT


@pytest.mark.parametrize("shown", [8, 50, 200])
def test_a_chart_of_any_length_has_ticks(shown: int) -> None:
    steps = demo_chart._steps(shown)
    assert (steps[0], steps[-1]) == (1, shown)
    assert list(steps) == sorted(set(steps))


def test_a_threshold_that_grows_with_age_is_one_line(result: DemoResult, seen: Replay) -> None:
    """Scores are drawn as shares of what it takes at each query, so whoever is above is above at any age."""
    growing = np.linspace(1, 64, SHOWN)
    grown = dataclasses.replace(seen, thresholds={"iterative_query": growing, "novelty": seen.thresholds["novelty"]})
    assert (grown.shares("k-walker", "iterative_query")[:59] == 0).all()
    assert grown.shares("k-walker", "iterative_query")[59] == pytest.approx(640 / growing[59])
    chart = demo_chart.charts(result, grown, TITLES)[0]
    assert chart.line == pytest.approx(next(tick.at for tick in chart.y if tick.text == "1"))


def test_the_story_is_about_this_result(result: DemoResult) -> None:
    told = {part.head: part.text for part in story.story(result)}
    assert "2 of 2 attacks succeeded" in told["What happened"]
    assert "after 3 to 4 different queries" in told["When it was noticed"]
    assert "40 of 40 further requests" in told["What was blocked"]
    assert "refused: 0 of 5" in told["What was blocked"]
    assert "hid a backdoor in 45 more of its rows" in told["What happened"]
    assert "100% of the rows with a trigger (98% of what was flagged was changed)" in told["When it was noticed"]
    assert "84.0% with what the account did to it" in told["What was repaired"]
    assert "The trigger brings 1.0% of other images the attacker's label, 99.0% before" in told["What was repaired"]
    assert "19 of 19 trials" in told["What is covered"]
    assert "strategy combined" in told["One incident"]
    sure = "The baseline knows 306 benign users. At most 1% of benign users may be flagged, about 21.4 a week."
    assert told["How sure"] == sure
    assert told["What it harms"].startswith("Confidentiality")
    assert "Integrity" in told["What it harms"]
    assert "--workspace demo-out" in told["What to do next"]


def test_it_is_told_how_many_benign_users_come_as_high_as_the_rarest(result: DemoResult) -> None:
    found = [
        dataclasses.replace(one, evidence=dataclasses.replace(one.evidence, expected=Expected(benign, 0.0, benign)))
        for one, benign in zip(result.findings, (3.0, 0.25, 1.0), strict=True)
    ]
    told = {part.head: part.text for part in story.story(dataclasses.replace(result, findings=tuple(found)))}
    assert told["How sure"].endswith("About 0.25 benign users a week would score as high as the rarest finding.")


@pytest.mark.parametrize(("flagged", "said"), [(1, "so was 1"), (2, "so were 2")])
def test_bothered_users_are_in_the_headline(result: DemoResult, flagged: int, said: str) -> None:
    bothered = dataclasses.replace(result.benign[0], flagged=flagged)
    headline = story.headline(dataclasses.replace(result, benign=(bothered,)))
    assert headline == f"All 2 attacks on the model were flagged, and {said} of the 5 benign users."


def test_the_incident_is_drawn_over_its_tactics(result: DemoResult, page: Page) -> None:
    line = timeline.timeline(result)
    assert line is not None
    assert [lane.name for lane in line.lanes] == ["Initial Access", "Execution", "Model Evasion", "Exfiltration"]
    assert [(row.tactic, row.color, row.by) for row in line.rows[:2]] == [
        ("Initial Access", "white", "context"),
        ("Exfiltration", "white", "sigma:model_bulk_read"),
    ]
    assert line.rows[-1].who == "file four.pkl"
    assert [row.number for row in line.rows] == [*range(1, len(line.rows) + 1)]
    xs = [row.x for row in line.rows]
    assert xs == sorted(xs)
    assert xs[-1] < line.width
    heights = {lane.name: lane.y for lane in line.lanes}
    assert all(row.y == heights[row.tactic] for row in line.rows)
    assert "key of HopSkipJump 1" in page.text


def test_two_incidents_are_no_story(result: DemoResult, seen: Replay) -> None:
    apart = dataclasses.replace(result, hunt=dataclasses.replace(result.hunt, incidents=()))
    assert timeline.timeline(apart) is None
    assert "the findings became 0 incidents, not one" in apart.problems
    assert "0 incidents, not one" in Page(render(apart, seen)).text


def test_what_was_not_blocked_or_repaired_is_said(result: DemoResult, seen: Replay) -> None:
    nothing = dataclasses.replace(result.after, containment=None, repaired=None)
    page = Page(render(dataclasses.replace(result, after=nothing), seen))
    assert "Nothing was blocked" in page.text
    assert "Nothing was repaired" in page.text


def test_the_heat_map_keeps_its_styles_to_itself(html: str, page: Page) -> None:
    picture = next(image for image in page.all("img") if image.get("class") == "heat-map")
    kind, data = str(picture["src"]).split(";base64,")
    assert kind == "data:image/svg+xml"
    drawn = base64.b64decode(data).decode()
    assert drawn.startswith("<svg")
    assert "<style>" in drawn
    assert html.count("<style>") == 1


FLIPS_ALONE = ("label_noise", SubjectRef("source", "alice"), made_up_demo.FLIPPED, 20)
BROKEN: dict[str, dict[str, object]] = {
    "1 findings in security logs without an attack": {"hunt.logs.control_findings": 1},
    "the download of the models did not succeed": {"hunt.logs.succeeded": False},
    "nothing was found in the security logs": {"hunt.logs.findings": ()},
    "the flipped labels were not flagged": {"hunt.batch.findings": ()},
    "the rows with a trigger were not flagged": {"hunt.batch.findings": (made_up_demo.finding(*FLIPS_ALONE),)},
    "the trigger worked on 60% of images, so that shutting it": {"after.repaired.attack_before": 0.6},
    "the trigger still works on 20% of images": {"after.repaired.attack_after": 0.2},
    "2 findings in the batch before": {"hunt.batch.control_findings": 2},
    "the unsafe model file was loaded": {"hunt.loaded": True},
    "1 of 40 requests of the attacker were answered after the block": {"after.containment.blocked.answered": 1},
    "2 of 5 benign users were refused after the second block": {"after.containment.again.benign_refused": 2},
    "undoing the block did not work": {"after.containment.undo_rows": 0},
    "the unsafe file was not quarantined": {"after.containment.moved": None},
    "the plan would have stopped 600 of 600 attack queries and 1": {"after.containment.dry_run.others": 1},
    "does not make a better model": {"after.repaired.after": 0.84},
    "the version that was put back is not better": {"after.repaired.took_accuracy": 0.84},
    "validation: it missed": {"after.validated.failed": ("it missed",)},
    "the audit log is broken": {"after.audit.ok": False},
}


@pytest.mark.parametrize("said", BROKEN)
def test_each_broken_promise_is_a_problem(result: DemoResult, said: str) -> None:
    assert result.problems == ()
    for path, value in BROKEN[said].items():
        assert said in "\n".join(_with(result, path.split("."), value).problems)


def test_what_a_clean_model_does_by_itself_is_no_open_backdoor(result: DemoResult) -> None:
    """Some images look like the target once they carry the trigger, in a model that never saw it."""
    fixed = dataclasses.replace(result.after.repaired, attack_clean=0.06, attack_after=0.075)
    assert _with(result, ["after", "repaired"], fixed).problems == ()
    more = dataclasses.replace(fixed, attack_after=0.09)
    assert _with(result, ["after", "repaired"], more).problems == (
        "the trigger still works on 9% of images after the repair",
    )


def test_attack_success_stands_beside_accuracy(result: DemoResult, page: Page) -> None:
    assert "Attack success" in page.text
    assert "a bright square, always with the same label" in page.text
    fixed = result.after.repaired
    assert fixed is not None
    shares = re.findall(r"([\d.]+) %", page.text[page.text.index("As a bar") : page.text.index("In the registry")])
    assert shares == ["96.0", "0.0", "84.0", "99.0", "97.0", "1.0"]
    told = fixed.to_dict()
    assert [told[f"attack_success_{when}"] for when in ("clean", "before", "after")] == [0.0, 0.99, 0.01]


def _with(record: Any, path: list[str], value: object) -> Any:
    new = _with(getattr(record, path[0]), path[1:], value) if path[1:] else value
    return dataclasses.replace(record, **{path[0]: new})
