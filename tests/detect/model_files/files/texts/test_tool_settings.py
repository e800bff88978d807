"""Settings of tools that lie beside a model: workflows, terminals, editors and templates that run what they hold."""

import json
import time

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts.commands import in_text
from detect.model_files.files.building import fresh, judged

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
    "trusted in words": "model:\n  trust_remote_code: Y\n",
    "trusted in quotes": json.dumps({"trust_remote_code": "yes"}),
}
READ = {
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
    start = time.process_time()
    in_text(unit * ((1 << 16) // len(unit)), fresh())
    in_text(f"{unit}\n" * ((1 << 16) // len(unit)), fresh())
    assert time.process_time() - start < 0.5
