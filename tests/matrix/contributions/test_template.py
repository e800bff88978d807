import pytest
import yaml

from caponier.errors import InputError
from caponier.matrix.contributions.form import FORMS, ContributionKind, form_for
from caponier.matrix.contributions.template import fill_in
from caponier.matrix.versions.catalogue import load

FOUNDING = load("amltm-2020")


@pytest.mark.parametrize("kind", list(ContributionKind))
def test_every_field_is_there_in_order_with_what_to_write(kind: ContributionKind) -> None:
    text, blanks = fill_in(kind, FOUNDING, {})
    tree = yaml.load(text, yaml.BaseLoader)
    assert list(tree) == ["schema", "kind", "matrix", *(field.key for field in FORMS[kind])]
    for field in FORMS[kind]:
        assert any(line.startswith(f"{field.key}:") and field.asks in line for line in text.splitlines())
    assert {field.key for field in form_for(kind, "amltm-2020") if field.required and field.key != "evidence"} <= {
        *blanks,
        "steps",
    }


TRICKY = [
    *("plain", "no", "2020", "~", "null", "0x10", "1_000", "2026-01-01", "<<", "'", '"', "\\", "é", "\U0001f600"),
    *("- a", "a: b", "a:", "a #b", "[a]", "{a}", "*a", "&a", "!a", "%a", "@a", "? a", "| a", "a\nb", "a\u2028b"),
    "x" * 300,
]


@pytest.mark.parametrize("text", TRICKY)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    values = {"name": text, "tactics": [text, "other"], "evidence": [{"title": text}]}
    tree = yaml.load(fill_in(ContributionKind.TECHNIQUE, FOUNDING, values)[0], yaml.BaseLoader)
    assert (tree["name"], tree["tactics"], tree["evidence"][0]["title"]) == (text, [text, "other"], text)


def test_colours_are_asked_for_only_where_there_are_some() -> None:
    assert "color" in fill_in(ContributionKind.TECHNIQUE, FOUNDING, {})[1]
    text, blanks = fill_in(ContributionKind.TECHNIQUE, load("atlas-5.6"), {})
    assert "color" not in blanks
    assert "color:" not in text


def test_a_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InputError, match="not Unicode"):
        fill_in(ContributionKind.TECHNIQUE, FOUNDING, {"name": "a\udc80"})
