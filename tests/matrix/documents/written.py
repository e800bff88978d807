"""The same annotations written in each format, for tests that hold for all of them."""

import json
from collections.abc import Callable, Sequence

from caponier.matrix.documents.ids import Spelling

Row = tuple[str, str, str]
"""Id, name and short name of a tactic."""


def as_layer(rows: Sequence[Row]) -> str:
    techniques = [{"techniqueID": id_, "tactic": tactic, "name": name} for id_, name, tactic in rows]
    return json.dumps({"domain": "atlas-atlas", "techniques": techniques}, indent=1, ensure_ascii=False)


def as_stix(rows: Sequence[Row]) -> str:
    objects = [
        {
            "type": "attack-pattern",
            "name": name,
            "external_references": [{"external_id": id_, "url": f"https://x.org/techniques/{id_}"}],
            "kill_chain_phases": [{"kill_chain_name": "mitre-atlas", "phase_name": tactic}],
        }
        for id_, name, tactic in rows
    ]
    return json.dumps({"type": "bundle", "objects": objects}, ensure_ascii=False)


def as_findings(rows: Sequence[Row]) -> str:
    techniques = [{"matrix": "atlas", "id": id_, "name": name} for id_, name, _ in rows]
    return json.dumps({"schema": "caponier.findings/1", "findings": [{"techniques": techniques}]}, ensure_ascii=False)


def as_sigma(rows: Sequence[Row]) -> str:
    rules = []
    for id_, name, tactic in rows:
        tags = f"{Spelling.SIGMA.write(id_)}, atlas.{tactic.lower().replace(' ', '-')}"
        rules.append(f"---\ntitle: T\ntags: [{tags}]\ndetection: {{}}\n# {name}\n")
    return "".join(rules)


def as_csv(rows: Sequence[Row]) -> str:
    quoted = [(id_, '"' + name.replace('"', '""') + '"', tactic) for id_, name, tactic in rows]
    return "technique id,technique name,tactic\r\n" + "".join(",".join(row) + "\r\n" for row in quoted)


def as_markdown(rows: Sequence[Row]) -> str:
    return "".join(f"- **{id_}**: {name} ([{id_}](techniques/{id_}))\n" for id_, name, _ in rows)


def as_table(rows: Sequence[Row]) -> str:
    lines = [f"| {id_} | {name} | {tactic} |\n" for id_, name, tactic in rows]
    return "".join(["| Id | Technique name | Tactic |\n| --- | --- | --- |\n", *lines])


FORMATS: dict[str, tuple[str, Callable[[Sequence[Row]], str]]] = {
    "layer": ("l.json", as_layer),
    "stix": ("b.json", as_stix),
    "findings": ("f.json", as_findings),
    "sigma": ("r.yml", as_sigma),
    "csv": ("a.csv", as_csv),
    "markdown": ("n.md", as_markdown),
    "table": ("t.md", as_table),
}
"""Name of a file and how it is written."""
