"""Settings of tools that lie beside a model: workflows, terminals, editors and templates that run what they hold."""

import json

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts.commands import in_text
from detect.model_files.files.building import fresh, judged
from pace import Stopwatch

RUN = {
    "a hook of a folder": '[hooks]\nenter = "touch x"\n',
    "a runner": "[target.x86_64-unknown-linux-gnu]\nrunner = \"sh -c 'touch x'\"\n",
    "loaded before": 'preload = ["./made.ts"]\n',
    "a command in options": "build --workspace_status_command=./made.sh\n",
    "a terminal": 'run-shell "touch x"\n',
    "an editor": '((nil . ((eval . (shell-command "touch x")))))\n',
    "a daemon": 'module(load="omprog")\naction(type="omprog" binary="/bin/touch x")\n',
    "required": json.dumps({"require": ["./made.js"]}),
    "set up": json.dumps({"setupFiles": ["./made.js"]}),
    "a task": "- hosts: localhost\n  tasks:\n  - name: x\n    shell: touch x\n",
    "a first boot": "#cloud-config\nruncmd:\n  - touch x\n",
    "a list of a command": "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [touch, x]\ninputs: []\n",
    "a flow": "dag:\n  a:\n    operator: BashOperator\n    bash_command: touch x\n",
    "a rule": 'rule a:\n    output: "x"\n    shell: "touch x"\n',
    "a server": "inference_address=http://0.0.0.0:8080\ninstall_py_dep_per_model=true\n",
    "a page of a server": '<% Runtime.getRuntime().exec("x"); %>',
    "a page of another": "<%= `x` %>\n",
    "a template": '<#assign ex="freemarker.template.utility.Execute"?new()>${ ex("x") }\n',
    "another template": "#set($x='')\n#set($rt=$x.class.forName('java.lang.Runtime'))\n",
    "a model elsewhere": "FROM /models/a.gguf\n",
    "an adapter elsewhere": 'FROM ./a.gguf\nADAPTER ../../b\nTEMPLATE """{{ .Prompt }}"""\n',
    "a list of Kaldi's": "utt1 sph2pipe -f wav a.sph |\nutt2 made x | \n",
    "a backend of matplotlib": "lines.linewidth: 2\nbackend: module://made\n",
    "a web server": "Options +ExecCGI\nAddHandler cgi-script .gif\n",
    "a pipeline in Groovy": 'pipeline {\n  stages { stage("a") { steps { sh "touch x" } } }\n}\n',
    "a flake": '{ outputs = { self }: { x = builtins.exec [ "touch" "x" ]; }; }\n',
    "EDN": "{:a 1 :b #=(println 1)}\n",
    "Wolfram": 'Run["touch x"];\n',
    "PHP": 'O:8:"Made\\Foo":1:{s:1:"a";s:1:"b";}',
    "JavaScript in JSON": json.dumps({"a": "_$$ND_FUNC$$_function(){x()}()"}),
    "Jackson": json.dumps(["com.sun.rowset.JdbcRowSetImpl", {"autoCommit": True}]),
    "a provider": "providers:\n  - exec:python made\n",
    "a test beside it": "tests: file://made.py\n",
    "a callback": "litellm_settings:\n  callbacks: made.handler\n",
    "modules beside it": "uses: Made\npy_modules:\n  - made.py\n",
    "a graph beside it": json.dumps({"graphs": {"a": "./made.py:graph"}}),
    "plugins below": "[run]\nplugins =\n    made\n",
    "local plugins": "[flake8:local-plugins]\nextension =\n    E = made:Plugin\n",
    "weights elsewhere": 'model_checkpoint_path: "/tmp/x/model.ckpt-1"\n',
    "weights above": 'model_checkpoint_path: "a"\nall_model_checkpoint_paths: "a/../../b"\n',
    "shards elsewhere": json.dumps({"weightsManifest": [{"paths": ["../../x"], "weights": []}]}),
    "ONNX in words": 'ir_version: 9\ngraph { node { domain: "made" } }\nopset_import { version: 17 }\n',
    "ONNX in JSON": json.dumps({"opsetImport": [{"version": 17}], "graph": {"a": [{"dataLocation": "EXTERNAL"}]}}),
    "a library of Django's": "{% load made %}{{ x }}\n",
    "trusted in words": "model:\n  trust_remote_code: Y\n",
    "trusted in quotes": json.dumps({"trust_remote_code": "yes"}),
}
READ = {
    "a list of files": "utt1 /data/a.wav\nutt2 /data/b.wav\n",
    "a table": "| a | b |\n|---|---|\n| 1 | 2 |\n",
    "a table without edges": "name one | b\n--- | ---\na b | c\n",
    "a style": "backend: agg\nlines.linewidth: 2\n",
    "stages of training": "stage 1 {warm up}\nstage 2 {train}\n",
    "classes by their names": json.dumps(["com.example.Thing", "org.example.Other"]),
    "weights beside it": 'model_checkpoint_path: "model.ckpt-1"\nall_model_checkpoint_paths: "a/model.ckpt-1"\n',
    "shards": json.dumps({"weightsManifest": [{"paths": ["shard1of1.bin"], "weights": []}]}),
    "ONNX of its own": 'ir_version: 9\nopset_import { domain: "" }\nopset_import { domain: "ai.onnx.ml" }\n',
    "callbacks": "callbacks:\n  - early_stopping\nexecutor: exec\n",
    "a model beside it": 'FROM ./a.gguf\nPARAMETER temperature 0.7\nTEMPLATE """{{ .System }}"""\n',
    "a model by its name": "FROM llama3\nSYSTEM You are kind.\n",
    "sizes": '[model]\nname = "resnet"\ndepth = 50\nrunner = "fast"\n',
    "headings": "# A model\n#settings are below\n\nIt runs: well.\n",
    "comparisons": "a <b and c> d\nx < 3 and y > 4\n",
    "not trusted": "trust_remote_code: false\n",
    "scripts of a run": json.dumps({"script": "train", "shell": "linear", "command": "fit", "cmd": ["fit", "fast"]}),
    "hooks of a network": json.dumps({"forward_hooks": {}, "hook": None, "runner": {"type": "EpochBasedRunner"}}),
    "places": json.dumps({"output": "./out/model.safetensors", "log": "./log.txt"}),
    "binding": "bind together and run a mile\n",
}


@pytest.mark.parametrize("name", RUN)
def test_what_a_tool_runs_is_not_clean(name: str) -> None:
    assert judged(RUN[name].encode()).verdict is not Verdict.CLEAN


@pytest.mark.parametrize("name", READ)
def test_ordinary_settings_are_clean(name: str) -> None:
    judgement = judged(READ[name].encode())
    assert (judgement.verdict, judgement.reason) == (Verdict.CLEAN, "")


@pytest.mark.parametrize(
    "unit",
    [
        "<%", "<% ", "<%=%", "<#", "#set", "FROM /", "FROM ", "a = [", 'a="./', "bind 'x", "(eval", 'a="/bin/',
        "a --b-command",
    ],
)  # fmt: skip
def test_many_beginnings_take_no_longer_than_others(unit: str) -> None:
    with Stopwatch() as watch:
        in_text(unit * ((1 << 16) // len(unit)), fresh())
        in_text(f"{unit}\n" * ((1 << 16) // len(unit)), fresh())
    assert watch.seconds < 0.5
