import pytest

from caponier.errors import InputError
from caponier.matrix.documents import sigma
from caponier.matrix.documents.ids import Role, Spelling
from caponier.matrix.documents.mention import Document

RULE = """\
# our rule
title: Theft   # of a model
references:
    - https://attack.mitre.org/techniques/T1566/001/
    - https://example.org/report
tags:
    - attack.t1078   # accounts
    - "atlas.aml.t0045"
    - 'atlas.initial_access'
    - amltm.exfil.03.01
    - amltm.exfil
    - atlas.aml.ta0010
    - cve.2021-1
    - attack
detection:
    tags: [attack.t9999]
    a: {x: 1}
    condition: a
"""


def read(text: str) -> Document:
    document = sigma.read(text, "r.yml")
    assert document is not None
    return document


def test_each_tag_stands_at_its_place():
    document = read(RULE)
    tags = [mention for mention in document.mentions if not mention.echo]
    assert [(m.id, m.kind, m.role) for m in tags] == [
        ("T1078", "attack", Role.TECHNIQUE),
        ("AML.T0045", "atlas", Role.TECHNIQUE),
        ("initial-access", "atlas", Role.TACTIC),
        ("AMLTM.EXFIL.03.01", "amltm-2020", Role.TECHNIQUE),
        ("AMLTM.EXFIL", "amltm-2020", Role.TACTIC),
        ("AML.TA0010", "atlas", Role.TACTIC),
    ]
    assert [document.text[m.written.start : m.written.end] for m in tags] == [m.written.value for m in tags]
    assert tags[1].written.value == "atlas.aml.t0045"
    assert {m.spelling for m in tags} == {Spelling.SIGMA}


def test_the_address_of_a_technique_is_an_echo():
    (echo,) = [mention for mention in read(RULE).mentions if mention.echo]
    assert (echo.id, echo.spelling, echo.where) == ("T1566.001", Spelling.PATH, "references[0]")


@pytest.mark.parametrize("tags", ["[attack.t1078, atlas.aml.t0012]", "\n- attack.t1078\n- atlas.aml.t0012"])
def test_tags_in_one_line_or_several(tags: str):
    document = read(f"title: T\ntags: {tags}\ndetection: {{}}\n")
    assert [mention.id for mention in document.mentions] == ["T1078", "AML.T0012"]


def test_several_rules_of_a_file_are_kept_apart():
    document = read(f"{RULE}---\ntitle: T\ntags: [attack.t1530]\ncorrelation: {{type: event_count}}\n---\nother: 1\n")
    assert {mention.group for mention in document.mentions} == {"[0].", "[1]."}
    assert document.mentions[-1].where == "[1].tags[0]"


def test_places_are_right_after_letters_of_several_bytes():
    text = "title: Größe 🦊\r\ntags:\r\n  - attack.t1078\r\ndetection: {}\r\n"
    (mention,) = read(text).mentions
    assert text[mention.written.start : mention.written.end] == "attack.t1078"
    text = "\ufeff" + text
    (mention,) = read(text).mentions
    assert text[mention.written.start : mention.written.end] == "attack.t1078"


@pytest.mark.parametrize("text", ["", "a: 1\n", "- 1\n", "title: T\n", "detection: {}\n", "just text\n", "# nothing\n"])
def test_other_yaml_is_no_rule(text: str):
    assert sigma.read(text, "x.yml") is None


def test_ids_of_software_and_groups_are_no_techniques():
    assert read("title: T\ntags: [attack.s0154, attack.g0016, atlas.aml.m0004]\nlogsource: {}\n").mentions == ()


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


def test_a_bomb_of_aliases_never_goes_off():
    assert [mention.id for mention in read(BOMB + "title: T\ntags: [attack.t1078]\ndetection: *u\n").mentions] == [
        "T1078"
    ]


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("title: T\ntitle: U\ndetection: {}\n", "'title' is there twice", "r.yml:2:1"),
        ("title: [\n", "not YAML", "r.yml"),
        ("title: \x07\n", "not YAML", "r.yml"),
        ("a: " + "[" * 65 + "]" * 65, "nested too deeply", "r.yml:1"),
        ("a: " + "[" * 100_000, "nest", "r.yml"),
        ("a: *b\n\t- x: @\n", "not YAML", "r.yml"),
        ("x" * (sigma.SIZE + 1), "is larger than", "r.yml"),
    ],
)
def test_broken_or_hostile_files_are_refused(text: str, what: str, where: str):
    with pytest.raises(InputError, match=what) as wrong:
        sigma.read(text, "r.yml")
    assert (wrong.value.where or "").startswith(where)


def test_a_folded_tag_is_left_alone():
    assert read("title: T\ntags:\n  - >-\n    attack.\n    t1078\ndetection: {}\n").mentions == ()


@pytest.mark.parametrize(
    ("tag", "id_", "kind"),
    [
        ("aml.t0015", "AML.T0015", "atlas"),
        ("AML.T0015", "AML.T0015", "atlas"),
        ("atlas.t0015", "T0015", None),
        ("atlas.aml.t15", "AML.T15", None),
        ("attack.aml.t0015", "AML.T0015", "atlas"),
        ("attack.t0015", "T0015", "attack"),
    ],
)
def test_a_tag_with_the_wrong_namespace_or_none(tag: str, id_: str, kind: str | None):
    document = read(f"title: T\ntags: [{tag}]\ndetection: {{}}\n")
    assert [(mention.id, mention.kind, mention.written.value) for mention in document.mentions] == [(id_, kind, tag)]


@pytest.mark.parametrize("tag", ["aml.kyc", "aml", "tlp.red", "cve.2019.20634", "atlas."])
def test_a_tag_of_something_else_is_none_of_ours(tag: str):
    assert read(f"title: T\ntags: [{tag}]\ndetection: {{}}\n").mentions == ()
