import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.documents import markdown
from caponier.matrix.documents.ids import Spelling
from caponier.matrix.documents.mention import Beside, Mention


def read(text: str) -> tuple[Mention, ...]:
    mentions = markdown.read(text, "n.md").mentions
    for mention in mentions:
        assert text[mention.written.start : mention.written.end] == mention.written.value
        for piece in (mention.name, *mention.tactics):
            assert piece is None or text[piece.start : piece.end] == piece.value
    return mentions


@pytest.mark.parametrize(
    ("text", "name", "beside"),
    [
        ("AML.T0012 Valid Accounts", "Valid Accounts", Beside.AFTER),
        ("AML.T0012: Valid Accounts", "Valid Accounts", Beside.AFTER),
        ("AML.T0012 \u2013 Valid Accounts", "Valid Accounts", Beside.AFTER),
        ("**AML.T0012** - *Valid Accounts*", "Valid Accounts*", Beside.AFTER),
        ("`AML.T0012` (Valid Accounts)", "Valid Accounts)", Beside.AFTER),
        ("[AML.T0012](x.md) Valid Accounts", "Valid Accounts", Beside.AFTER),
        ("Valid Accounts (AML.T0012)", "Valid Accounts", Beside.BEFORE),
        ("Valid Accounts [AML.T0012].", "Valid Accounts", Beside.BEFORE),
        ("Valid Accounts (**AML.T0012**)", "Valid Accounts", Beside.BEFORE),
        ("(AML.T0012)", None, Beside.AFTER),
        ("AML.T0012, and so on", None, Beside.AFTER),
        ("AML.T0012", None, Beside.AFTER),
    ],
)
def test_the_text_that_may_be_the_name(text: str, name: str | None, beside: Beside):
    (mention,) = read(text)
    assert (mention.id, mention.name.value if mention.name else None, mention.beside) == ("AML.T0012", name, beside)


@pytest.mark.parametrize(
    "text", ["`atlas.aml.t0012`", "AML.M0004", "AML.CS0013", "sub/AML.T0012x", "xAML.T0012", "AML", "a T4 card", "T0"]
)
def test_what_is_no_id_of_a_technique(text: str):
    assert [mention for mention in read(text) if mention.certain] == []


def test_an_attack_id_in_text_is_not_certain_but_one_of_atlas_is():
    assert [(m.id, m.certain) for m in read("T1078 AML.T0012 AMLTM.EXFIL MLT0017 AML.T43")] == [
        ("T1078", False),
        ("AML.T0012", True),
        ("AMLTM.EXFIL", True),
        ("MLT0017", True),
        ("AML.T43", True),
    ]


def test_links():
    (alone,) = read("[Valid Accounts](https://atlas.mitre.org/techniques/AML.T0012)")
    assert alone.name
    assert (alone.id, alone.name.value, alone.echo) == ("AML.T0012", "Valid Accounts", False)
    told, echo = read("[AML.T0012 Valid Accounts](docs/reference/techniques/AML.T0012.md#x)")
    assert (told.echo, echo.echo) == (False, True)
    (path,) = read("<https://attack.mitre.org/techniques/T1566/001/>")
    assert (path.id, path.spelling, path.certain) == ("T1566.001", Spelling.PATH, False)


def test_a_table_has_columns():
    first, second = read(
        "| Id | Name | Tactic |\n|:---|:---:|---|\n"
        "| [AML.T0012](techniques/AML.T0012) | Valid Accounts | Initial Access; Impact |\n"
    )
    assert first.name
    assert (first.name.value, first.beside) == ("Valid Accounts", Beside.SURE)
    assert [tactic.value for tactic in first.tactics] == ["Initial Access", "Impact"]
    assert second.echo


def test_a_table_ends_where_its_lines_do():
    mentions = read("Id | Name\n-- | --\nAML.T0012 | Valid Accounts\n\nAML.T0029 | x\n")
    assert [(m.id, m.beside) for m in mentions] == [("AML.T0012", Beside.SURE), ("AML.T0029", Beside.AFTER)]


def test_an_escaped_bar_ends_no_cell():
    (mention,) = read("| Id | Name |\n| -- | -- |\n| AML.T0012 | a \\| b |\n")
    assert mention.name
    assert mention.name.value == "a \\| b"


def test_code_has_ids_without_names():
    mentions = read(
        "```\nAML.T0012 Evade AI Model\n| a | b |\n|--|--|\n```\nAML.T0012 x\n~~~ sh\nMLT0017\n~~~~\nMLT0017\n"
    )
    assert [(m.id, m.name is not None, m.certain) for m in mentions] == [
        ("AML.T0012", False, False),
        ("AML.T0012", True, True),
        ("MLT0017", False, False),
        ("MLT0017", False, True),
    ]


@given(
    st.lists(
        st.sampled_from(
            [
                "AML.T0012",
                "|",
                "\n",
                " ",
                "--",
                "Name",
                "Id",
                "(",
                ")",
                "[",
                "](",
                "```",
                "T1566/001",
                "techniques/",
                "é",
            ]
        ),
        max_size=40,
    )
)
def test_every_piece_stands_where_it_says(parts: list[str]):
    read("".join(parts))


@pytest.mark.parametrize(
    "text",
    [
        "AML.T0012 " * 100_000,
        "|" * 300_000 + "\n" + "|-" * 1000 + "\n",
        "AML.T0012" + " " * 500_000 + "(",
        "[" * 200_000,
        "[a](techniques/AML.T0012)" * 20_000,
        "T1." + "1." * 200_000,
        ("| AML.T0012 " * 2000 + "|\n|" + "--|" * 2000 + "\n") + "| AML.T0012 " * 2000 + "|\n",
        " " * 1_000_000 + "|\n" + " " * 1_000_000 + "|",
    ],
)
def test_hostile_pages_are_read_in_time(text: str):
    assert len(markdown.read(text, "n.md").mentions) <= 100_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\n" * (markdown.LINES + 1), "lines"),
        ("AML.T0012 " * (markdown.IDS + 1), "ids"),
        ("| Id | x |\n|-|-|\n" + "| AML.T0012 | AML.T0012 |\n" * (markdown.IDS // 2), "ids"),
    ],
    ids=["lines", "ids", "table"],
)
def test_pages_that_would_take_too_much_memory_are_refused(text: str, what: str):
    with pytest.raises(InputError, match=f"more than .* {what}"):
        markdown.read(text, "n.md")
