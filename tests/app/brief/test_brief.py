import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.coverage.test_cover import TRIAL
from caponier import __version__
from caponier.app.brief import words as brief_words
from caponier.app.brief.brief import STUDIES, TECHNIQUES, Brief, brief_matrix
from caponier.app.brief.exercise import FEWEST, MOST, prompts
from caponier.app.brief.html import to_html
from caponier.app.brief.markdown import to_markdown
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.coverage.heat_map import Status
from caponier.errors import InputError, MissingExtraError
from caponier.matrix.versions.catalogue import load, versions
from caponier.store import trials
from caponier.store.database import open_store
from outputs.held_output import HeldOutputs

INVENTORY = """
[[system]]
name = "cheques"
purpose = "Reads handwritten digits on bank cheques"
endpoints = ["https://models.example/digits"]

[[model]]
name = "digits"
system = "cheques"
features = { kind = "image", shape = [8, 8] }

[[system]]
name = "mailguard"
purpose = "Keeps spam and phishing away"
"""


def workspace(folder: Path, inventory: str = INVENTORY) -> Path:
    create_workspace(folder)
    file = folder / "caponier.toml"
    file.write_text(file.read_text() + inventory)
    return folder


def test_a_brief_matches_the_inventory_and_says_why(tmp_path: Path):
    brief = brief_matrix(workspace(tmp_path), "cheques")
    assert not brief.general
    assert [one.name for one in brief.systems] == ["cheques"]
    assert brief.matches[0].study.id == "AML.CS0004"
    assert brief.matches[0].reasons == (
        "reads images ('digit'), its models take images, decides about money or benefits ('bank')",
    )
    assert all(one.reasons and all(one.reasons) for one in (*brief.matches, *brief.more))


def test_a_page_holds_only_so_much_and_names_the_rest(tmp_path: Path):
    brief = brief_matrix(workspace(tmp_path))
    assert len(brief.matches) == STUDIES
    assert len(brief.acts) == TECHNIQUES < brief.acts_in_all
    assert sum(count for _, count in brief.counts) == brief.acts_in_all
    assert brief_words.more(brief).startswith(f"{len(brief.more)} more: ")
    assert to_markdown(brief).count("\n") < 150


def test_the_same_inventory_gives_the_same_bytes(tmp_path: Path):
    home = workspace(tmp_path)
    assert to_markdown(brief_matrix(home)) == to_markdown(brief_matrix(home))
    assert to_html(brief_matrix(home)) == to_html(brief_matrix(home))
    assert str(tmp_path) not in to_html(brief_matrix(home)) + to_markdown(brief_matrix(home))


def test_without_a_workspace_the_brief_is_about_the_studies_of_2020(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: HeldOutputs
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    brief = brief_matrix()
    assert brief.general
    told = {one.study.id for one in (*brief.matches, *brief.more)}
    assert told == {study.same_as for study in load().studies}
    held.check("brief/general", f"{brief_words.title(brief)}\n{brief_words.introduction(brief)}")


def test_an_inventory_that_matches_nothing_gives_the_general_brief(tmp_path: Path, held: HeldOutputs):
    brief = brief_matrix(workspace(tmp_path, '\n[[system]]\nname = "x7"\n'))
    assert brief.general
    held.check("brief/no-match", "\n".join([brief_words.introduction(brief), *brief_words.systems(brief)]))


def test_an_unknown_system_is_told_the_nearest(tmp_path: Path):
    with pytest.raises(InputError) as unknown:
        brief_matrix(workspace(tmp_path), "cheque")
    assert unknown.value.hint == "Did you mean 'cheques'? There are: cheques, mailguard."
    assert unknown.value.exit_code == 2


def test_a_system_without_a_workspace_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    with pytest.raises(InputError, match="no workspace"):
        brief_matrix(None, "cheques")


def test_a_detector_without_a_trial_is_declared_only(tmp_path: Path):
    brief = brief_matrix(workspace(tmp_path))
    (evade,) = [act for act in brief.acts if act.technique.id == "AML.T0015"]
    assert evade.covered.status is Status.DECLARED
    names = "adversarial_input, distributed_query, input_search, iterative_query, local_patch, novelty"
    assert brief_words.seen(evade) == f"\N{MIDDLE DOT} declared: {names}"
    assert dict(brief.counts)[Status.VALIDATED] == 0


def test_a_recorded_trial_makes_a_technique_validated_here(tmp_path: Path):
    home = load_workspace(workspace(tmp_path, '\n[[system]]\nname = "mathbot"\npurpose = "A chatbot"\n'))
    assert home
    with open_store(home.store) as store, store.write() as connection:
        trials.add(connection, "v-1", [TRIAL], "tester")
    assert TRIAL.caponier_version == __version__
    brief = brief_matrix(home)
    assert dict(brief.counts)[Status.VALIDATED] == 1
    assert "detects 1 of them here (validated)" in brief_words.coverage(brief)


def test_the_data_it_takes_is_read_from_the_detectors(tmp_path: Path):
    data = dict(brief_matrix(workspace(tmp_path)).data)
    assert "Evade AI Model" in data["inference events (who asked, the input, the label answered)"]
    assert "Phishing" in data["the log of the mail gateway"]


def test_every_tactic_of_both_matrices_has_its_questions():
    wanted = {tactic.attack or tactic.id for version in versions() for tactic in load(version).tactics}
    assert set(prompts()) == wanted
    for prompt in prompts().values():
        told = (prompt.notice, prompt.look, prompt.analyst, prompt.engineer, prompt.owner)
        assert all(text.endswith((".", "?")) for text in told)
        assert all(text.endswith("?") for text in told[2:])


def exercises(folder: Path) -> list[Brief]:
    home = workspace(folder)
    return [brief_matrix(home), brief_matrix(home, "cheques"), brief_matrix(home, "mailguard")]


def test_injects_come_in_time_order_from_the_steps_of_a_study(tmp_path: Path):
    for brief in exercises(tmp_path):
        injects = brief.exercise.injects
        assert FEWEST <= len(injects) <= MOST
        assert [inject.minute for inject in injects] == sorted({inject.minute for inject in injects})
        main = brief.exercise.studies[0]
        assert main in [one.study for one in brief.matches]
        assert len({inject.tactic for inject in injects}) == len(injects)
        own = [act.id for inject in injects if inject.study is main for act in inject.acts]
        steps = [step.technique for step in main.steps]
        assert all(id_ in steps for id_ in own)
        assert [steps.index(id_) for id_ in own] == sorted(steps.index(id_) for id_ in own)


def test_a_long_study_is_shortened_and_keeps_its_end():
    brief = brief_matrix_of_all()
    assert len(brief.exercise.injects) == MOST
    main = brief.exercise.studies[0]
    assert brief.exercise.injects[-1].acts[-1].id == main.steps[-1].technique


def brief_matrix_of_all() -> Brief:
    return brief_matrix(None)


def test_a_short_study_is_filled_up_from_others(tmp_path: Path):
    brief = brief_matrix(workspace(tmp_path, '\n[[system]]\nname = "reco"\npurpose = "Crowdsourced feedback"\n'))
    assert [one.study.id for one in brief.matches] == ["AML.CS0002", "AML.CS0009"]
    exercise = brief.exercise
    assert exercise.studies[0].id == "AML.CS0009"
    assert len(exercise.injects) >= FEWEST


def test_markdown_keeps_the_words_of_the_inventory_as_text(tmp_path: Path):
    purpose = "A <b>chatbot</b> | [x](javascript:alert(1)) `rm`\\nnew line"
    page = to_markdown(brief_matrix(workspace(tmp_path, f'\n[[system]]\nname = "a|b"\npurpose = "{purpose}"\n')))
    assert "<b>" not in page
    assert "[x](" not in page
    assert "\nnew line" not in page
    assert "What is known to be done to systems like a\\|b" in page


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_and_asks_nobody_for_anything(tmp_path: Path):
    text = to_html(brief_matrix(workspace(tmp_path)))
    page = Page()
    page.feed(text)
    assert page.open == []
    assert not {"script", "img", "link", "iframe"} & {tag for tag, _ in page.seen}
    assert not re.search(r"url\(|@import|src=", text)
    links = [attrs["href"] or "" for tag, attrs in page.seen if tag == "a"]
    assert links
    assert all(link.startswith(("https://", "http://")) for link in links)
    assert "prefers-color-scheme: dark" in text
    assert "@page { size: A4" in text


def test_html_escapes_the_inventory(tmp_path: Path):
    inventory = '\n[[system]]\nname = "<script>x</script>"\npurpose = "chatbot\\" onload=\\"x"\n'
    text = to_html(brief_matrix(workspace(tmp_path, inventory)))
    assert "<script>" not in text
    assert "&lt;script&gt;x" in text


def test_html_and_markdown_say_the_same(tmp_path: Path):
    brief = brief_matrix(workspace(tmp_path))
    page, text = to_html(brief), to_markdown(brief)
    for one in brief.matches:
        assert one.study.id in page
        assert one.study.id in text
    for inject in brief.exercise.injects:
        assert inject.prompt.owner in text
        assert inject.clock in page


def test_only_html_needs_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    brief = brief_matrix(workspace(tmp_path))
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert to_markdown(brief)
    with pytest.raises(MissingExtraError) as missing:
        to_html(brief)
    assert missing.value.hint == "Install it with: pip install 'caponier[serve]'"


def test_nothing_is_ranked_by_risk(tmp_path: Path):
    page = to_markdown(brief_matrix(workspace(tmp_path))).casefold()
    assert "severity" not in page
    assert "score" not in page.replace("scores", "").replace("a score,", "")


def test_each_inject_says_what_caponier_reads_or_that_it_sees_nothing(tmp_path: Path):
    for brief in exercises(tmp_path):
        assert len(brief.records) == len(brief.exercise.injects)
        for (_, evidence, behind), records in zip(brief_words.injects(brief), brief.records, strict=True):
            assert ("Caponier reads " in evidence) is bool(records)
            assert ("No detector of Caponier sees this." in evidence) is (not records)
            assert "AML.T" in behind


def test_the_real_case_is_told_by_the_study_of_2020_or_else_by_its_techniques(tmp_path: Path):
    chat = brief_matrix(workspace(tmp_path, '\n[[system]]\nname = "reco"\npurpose = "Crowdsourced feedback"\n'))
    assert [act for act, _ in brief_words.real_case(chat)] == ["Data Poisoning", "Defacement"]
    assert "taken down within a day" in brief_words.real_case(chat)[1][1]
    home = tmp_path / "other"
    home.mkdir()
    agent = brief_matrix(workspace(home, '\n[[system]]\nname = "a"\npurpose = "An agent with tools"\n'))
    told = brief_words.real_case(agent)
    assert len(told) == len({step.technique for step in agent.exercise.studies[0].steps})
    assert all(text for _, text in told)


def test_a_large_inventory_still_fits_a_page(tmp_path: Path):
    words = "Reads images of faces for a bank. " * 40
    many = "".join(f'\n[[system]]\nname = "{"n" * 90}{number}"\npurpose = "{words}"\n' for number in range(30))
    brief = brief_matrix(workspace(tmp_path, many))
    told = brief_words.systems(brief)
    assert told[-1] == "27 more of the inventory. Ask for one with: --system NAME"
    assert all(len(line) < 300 for line in told)
    assert len(brief_words.title(brief)) < 300
    assert brief_words.title(brief).endswith("... and 27 more")
    assert all(len(brief_words.why(one)) < 700 for one in brief.matches)
    assert " and 28 more: " in brief.matches[0].reasons[0]


def test_names_are_joined_as_far_as_there_is_room():
    assert brief_words.names(["a", "b"]) == "a, b"
    assert brief_words.names(list("abcdef"), 4) == "a, b, c, d and 2 more"
    assert brief_words.names(list("abc"), 1, "; ") == "a and 2 more"
    assert brief_words.names([]) == ""


@pytest.mark.parametrize(
    ("address", "is_link"),
    [
        ("https://x.example", True),
        ("http://x.example", True),
        ("javascript:alert(1)", False),
        (None, False),
        ("", False),
    ],
)
def test_only_addresses_of_the_web_become_links(address: str | None, is_link: bool):
    assert brief_words.is_web(address) is is_link
