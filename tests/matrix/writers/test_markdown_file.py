from dataclasses import replace

from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.markdown_file import to_markdown


def test_has_a_heading_and_a_line_for_every_entry():
    lines = to_markdown(load(), load().techniques).splitlines()
    assert lines[0] == "# Adversarial ML Threat Matrix (2020-10-23)"
    assert len(lines) == 4 + 58
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_leaves_out_columns_that_are_empty():
    atlas = load("atlas-5.6")
    head = to_markdown(atlas, atlas.shown()).splitlines()[2]
    assert head == "| Id | Name | Level | Tactics | ATT&CK | Evidence |"


def test_a_bar_in_a_name_does_not_break_the_table():
    entry = replace(load().techniques[0], name="a|b")
    assert "| a\\|b |" in to_markdown(load(), [entry])
