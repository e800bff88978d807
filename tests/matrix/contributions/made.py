"""Contributions that can be taken, to spoil one field at a time."""

from pathlib import Path

import yaml

from caponier.matrix.contributions.review import Review, review
from caponier.matrix.contributions.review_issue import ReviewLevel
from caponier.matrix.versions.library import Library

TECHNIQUE = """\
schema: caponier.contribution/1
kind: technique
matrix: amltm-2020
id: AMLTM.EVADE.04
name: Sensor Spoofing
tactics: [AMLTM.EVADE]
color: orange
description: >-
  Shines, speaks or plays something at the sensor that feeds the model, so that the model hears or sees a command
  which people nearby do not notice.
harms: [integrity]
evidence:
- source: https://lightcommands.com/20191104-Light-Commands.pdf
  title: Light Commands
  date: 2019-11-04
  result: Lasers aimed at the microphones of voice assistants made them carry out spoken commands from 110 metres away.
  system: Google Home, Amazon Echo and Apple Siri devices
  type: exercise
  disclosure: coordinated disclosure
  disclosure_words: The authors told Google, Amazon and Apple before they published in November 2019.
"""

EVIDENCE = """\
schema: caponier.contribution/1
kind: evidence
matrix: amltm-2020
technique: AMLTM.EVADE.01.V4
evidence:
- source: https://www.cisa.gov/reports/happy-strings
  title: Strings that pass
  date: 2024-02
  result: Words of a game, appended to malware, made the scanner of a vendor call it harmless.
  system: The endpoint scanner of a vendor that the report names
  type: incident
  disclosure: public-incident
  disclosure_words: The vendor published an advisory in February 2024.
"""

STUDY = """\
schema: caponier.contribution/1
kind: case-study
matrix: amltm-2020
id: AMLTM.CS14
name: Stickers on a parking reader
actor: Two drivers
target: The plate reader of a city's car parks
date: 2025-06
type: incident
strategy: combined
summary: They found out how the reader works, then wore stickers that it misread.
steps:
- tactic: AMLTM.INIT
  technique: AMLTM.INIT.03
  summary: They got the account of a warden by a letter.
- tactic: AMLTM.EVADE
  technique: AMLTM.EVADE.01.02
  summary: They tried stickers until the reader misread them.
references: [https://www.cisa.gov/reports/parking-stickers]
disclosure: public-incident
disclosure_words: The court published its judgment in July 2025.
"""


def file(folder: Path, text: str, name: str = "one.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def changed(text: str, **fields: object) -> str:
    """The contribution with other values of top fields; None takes a field out."""
    tree = yaml.load(text, yaml.BaseLoader) | fields
    return yaml.safe_dump({key: value for key, value in tree.items() if value is not None}, sort_keys=False)


def with_row(text: str, list_: str, number: int = 1, **fields: object) -> str:
    """The contribution with other values in a row of a list; None takes a field out."""
    tree = yaml.load(text, yaml.BaseLoader)
    row = tree[list_][number - 1] | fields
    tree[list_][number - 1] = {key: value for key, value in row.items() if value is not None}
    return yaml.safe_dump(tree, sort_keys=False)


def reviewed(folder: Path, *texts: str, version: str | None = None, library: Library | None = None) -> Review:
    paths = [file(folder, text, f"{number}.yaml") for number, text in enumerate(texts, 1)]
    return review(paths, library or Library(), version)


def errors(found: Review) -> list[str]:
    return [one.field for one in found.issues if one.level is ReviewLevel.ERROR]


def looks(found: Review) -> list[str]:
    return [one.field for one in found.issues if one.level is ReviewLevel.LOOK]
