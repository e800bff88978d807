"""Settings by which another program runs commands, or calls what is named, are not clean; ordinary ones are."""

import json
import logging.config
from pathlib import Path

import pytest

from caponier.detect.artifact import Verdict
from caponier.detect.model_files.files.texts.commands import in_text
from detect.model_files.files.building import fresh, judged
from pace import Stopwatch

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
RUN = {
    "git": "[core]\n\tfsmonitor = touch x\n",
    "git alias": "[alias]\n\tx = !touch x\n",
    "git alias in quotes": '[alias]\n\tx = "! touch x"\n',
    "git filter": '[filter "x"]\n\tsmudge = sh x\n',
    "ssh": "Host *\n  ProxyCommand touch x\n",
    "crontab": "* * * * * touch x\n",
    "reboot": "@reboot /tmp/x\n",
    "hooks": "repos:\n- repo: local\n  hooks:\n  - id: x\n    entry: touch x\n    language: system\n",
    "tox": "[testenv]\ncommands = touch x\n",
    "factory": "version: 1\nhandlers:\n  x:\n    (): fleet.made\n",
    "gin": "import fleet.made\nmain.f = @made.run()\nmain.x = 3\nmain.y = 4\n",
    "pip": "[global]\nindex-url = http://e/simple\n",
    "uv": '[[tool.uv.index]]\nname = "x"\nurl = "https://e/simple"\n',
    "beans": '<beans><bean id="x" class="java.lang.ProcessBuilder" init-method="start"/></beans>',
    "ant": '<project default="x"><target name="x"><exec executable="touch"/></target></project>',
    "chunks": "---\ntitle: x\n---\n```{bash}\ntouch x\n```\n",
    "processes": "web: gunicorn app:app\n",
    "npm": json.dumps({"name": "x", "scripts": {"postinstall": "touch x"}}),
    "composer": json.dumps({"scripts": {"post-install-cmd": "touch x"}}),
    "container": json.dumps({"image": "x", "postCreateCommand": "touch x"}),
    "tasks": json.dumps({"tasks": [{"label": "x", "type": "shell", "command": "touch x"}]}),
    "servers": json.dumps({"mcpServers": {"x": {"command": "npx", "args": ["x"]}}}),
    "factory in json": json.dumps({"formatters": {"x": {"()": "fleet.made"}}}),
    "served": "applications:\n- name: a\n  import_path: fleet.serve:app\n",
    "served by a handler": json.dumps({"model": {"handler": "handlers/own.py:handle", "serializedFile": "a.pt"}}),
    "kernels": json.dumps({"model_type": "llama", "attn_implementation": "somebody/kernel"}),
    "cog": "build:\n  python_version: '3.11'\npredict: predict.py:Predictor\n",
    "steps": "build:\n  run:\n  - curl http://e/x -o x\n",
    "job": "train:\n  script:\n    - python train.py\n",
    "block": "resources:\n  cpus: 2\nrun: |\n  python train.py\n",
    "spreadsheet": "a,b\n1,=cmd|'/C calc'!A0\n",
    "spreadsheet that fetches": 'a;b\n1;"=WEBSERVICE(""http://e"")"\n',
    "autorun": "[autorun]\nopen=x.exe\n",
    "registry": "Windows Registry Editor Version 5.00\n\n[HKEY_CURRENT_USER\\Run]\n",
    "page": '<div onmouseover = "x()">a</div>\n',
    "link": '<a href="javascript:x()">a</a>\n',
    "kernels of a part": json.dumps({"attn_implementation": {"text_config": "somebody/kernel"}}),
    "chunks of pickles": json.dumps({"zarr_format": 2, "filters": [{"id": "pickle", "protocol": 5}]}),
    "two pieces": json.dumps({"type": {"module": "subprocess", "name": "Popen"}, "args": ["touch"]}),
}
READ = {
    "git": '[core]\n\trepositoryformatversion = 0\n\tbare = false\n[remote "o"]\n\turl = e\n\tfsmonitor = true\n',
    "a sign of negation": '[components]\nx = "y"\n[components.z]\nneg_prefix = "!"\n',
    "git lfs": '[filter "lfs"]\n\tclean = git-lfs clean -- %f\n\tsmudge = git-lfs smudge -- %f\n',
    "modules": '[submodule "x"]\n\tpath = x\n\turl = https://e/x\n',
    "numbers": "1 2 3 4 5 6\n* 2 3\n",
    "entry points": "[console_scripts]\nx = a:b\n",
    "logging": "[handler_x]\nclass=StreamHandler\nargs=(sys.stdout,)\n",
    "package": json.dumps({"name": "x", "scripts": {"test": "node test"}}),
    "tool": json.dumps(
        {"type": "function", "function": {"name": "run", "parameters": {"command": {"type": "string"}}}}
    ),
    "module": json.dumps({"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": None}),
    "kernels": json.dumps({"model_type": "llama", "attn_implementation": "flash_attention_2"}),
    "runs": "run:\n  name: bold fox\ncommand: train\nsetup: a quiet room\n",
    "model": "train: data/train\nmain: 3\nmodel: llama3:latest\n",
    "formulas": "a,b\n-1,=x\n+2,@b\n",
    "page": '<a href="https://e">one = two</a>\n<img src="a.png" width="3">\n',
    "weights": json.dumps({"weight_map": {"a": "model-00001.safetensors"}}),
    "odd values": json.dumps({"id": ["a"], "name": {"a": 1}, "attn_implementation": [1], "handler": 3, "scripts": [1]}),
    "bean": "<bean>a bean is a seed</bean>",
    "fence": "# Card\n\n```{note}\nIt was made of pictures.\n```\n",
}


def test_a_layer_that_carries_code_is_unsafe_in_yaml_as_in_json() -> None:
    assert judged(b'{"class_name": "Lambda", "config": {},}').verdict is Verdict.UNSAFE


@pytest.mark.parametrize("name", RUN)
def test_settings_that_run_something_are_not_clean(name: str) -> None:
    assert judged(RUN[name].encode()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("name", READ)
def test_ordinary_settings_are_clean(name: str) -> None:
    judgement = judged(READ[name].encode())
    assert (judgement.verdict, judgement.reason) == (Verdict.CLEAN, "")


@pytest.mark.parametrize("place", ["../other/model.bin", "/tmp/model.bin"])
def test_weights_outside_of_the_folder_are_unsafe(place: str) -> None:
    judgement = judged(json.dumps({"weight_map": {"a": "model-00001.safetensors", "b": place}}).encode())
    assert judgement.verdict is Verdict.UNSAFE
    assert "outside its own folder" in judgement.reason


def test_a_pointer_to_a_file_is_not_taken_for_it() -> None:
    judgement = judged(LFS.encode())
    assert judgement.verdict is Verdict.UNKNOWN
    assert "git lfs pull" in judgement.reason


def test_what_logging_evaluates_runs_and_is_not_clean(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    text = (
        "[loggers]\nkeys=root\n[handlers]\nkeys=x\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\nhandlers=\n"
        f"[handler_x]\nclass=NullHandler\nargs=(__import__('os').mkdir({str(canary)!r}),)[1:]\n"
    )
    (tmp_path / "logging.ini").write_text(text)
    logging.config.fileConfig(tmp_path / "logging.ini", disable_existing_loggers=False)
    assert canary.exists()
    assert judged(text.encode()).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "unit",
    [
        "<bean ", "<bean class ", "* * * ", "[[source]]", "repos:\n", "xmlns:a=", "web: a ", "run:\n", "run: [",
        ",=cmd", "<a on", "[autorun]", "a: b ",
    ],
)  # fmt: skip
def test_many_beginnings_take_no_longer_than_others(unit: str) -> None:
    with Stopwatch() as watch:
        in_text(unit * ((1 << 19) // len(unit)), fresh())
    assert watch.seconds < 2


@pytest.mark.parametrize("between", [" ", "\t", " a", "a "])
def test_a_long_line_of_a_list_takes_no_longer_than_others(between: str) -> None:
    with Stopwatch() as watch:
        in_text(f"utt1 {between * ((1 << 18) // len(between))}| x", fresh())
    assert watch.seconds < 1
    assert in_text(f"utt1 \t made{between * 40}x \t| \nutt2 x.wav\n", fresh())


def test_a_program_of_python_is_called_so_and_nothing_else() -> None:
    """`from` and `cmd` at the beginnings of its lines made it a recipe of an image as well."""
    program = "from os import mkdir\n\ncmd = mkdir\ncmd ('x')\n"
    assert judged(program.encode()).reason == "is a program, or holds one: it is run, not loaded"
