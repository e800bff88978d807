"""Settings that run, import or read what they name, in words that other programs take for the same ones.

What is run by a program of this machine is run by it first, and must leave its mark.
"""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import judged, verdict

RUN = {
    "ssh in small letters": "host *\n  proxycommand touch canary\n",
    "make on one line": "all: ; touch canary\n",
    "make with another sign": ".RECIPEPREFIX = >\nall:\n> touch canary\n",
    "git over a command": '[remote "x"]\n\turl = ext::touch canary\n[protocol "ext"]\n\tallow = always\n',
    "git by a helper": "[credential]\n\thelper = /tmp/x.sh\n",
    "git by a pager": "[pager]\n\tlog = touch x; cat\n",
    "git by other settings": "[include]\n\tpath = ../x\n",
    "git by the other side": '[remote "x"]\n\tuploadpack = touch x;\n',
    "ssh by a library": "Host *\n  PKCS11Provider /tmp/x.so\n",
    "key with a command": 'command="touch x" ssh-ed25519 AAAA x\n',
    "schedule by names of days": "0 5 * jan mon root touch x\n",
    "desktop": "[Desktop Entry]\nType=Application\nExec = touch x\n",
    "service at its end": "[Service]\nExecStop=/bin/touch x\n",
    "line of a file of paths": "These notes tell of weights.\nNothing of note.\nOr here.\nimport os; os.chdir('x')\n",
    "linter": "[MASTER]\ninit-hook='import x'\n",
    "tests": "[pytest]\naddopts = -q -p fleet.plugin\n",
    "types": "[mypy]\nplugins = fleet.plugin\n",
    "version of a package": "[metadata]\nversion = attr: fleet.__version__\n",
    "yarn": "yarnPath: .yarn/x.cjs\n",
    "server": "[uwsgi]\nexec-asap = touch x\n",
    "script of a data set": "path: x\nnames:\n  0: person\ndownload: |\n  import os\n  os.mkdir('x')\n",
    "shell of a data set": "path: x\nnames: [a, b]\ndownload: bash x.sh\n",
    "layers": "nc: 80\nbackbone:\n  - [-1, 1, Conv, [open('x', 'w').write('y'), 3, 2]]\n",
    "link in disguise": '<svg xmlns="http://www.w3.org/2000/svg"><a href="java&#115;cript:x()">x</a></svg>',
    "page in a page": '<iframe srcdoc="&lt;script&gt;x()&lt;/script&gt;"></iframe>',
    "router": json.dumps({"types": {"q": "fleet.made.Model"}, "structure": {}}),
    "part out of its folder": json.dumps([{"idx": 0, "path": "../../x", "type": "sentence_transformers.models.Dense"}]),
    "mlflow out of its folder": "flavors:\n  sklearn:\n    pickled_model: ../../x.pkl\n",
    "mlflow at a place of its own": "flavors:\n  python_function:\n    loader_module: mlflow.xgboost\n    data: /x\n",
    "fairseq": "common:\n  user_dir: ./fleet\n",
    "spark": json.dumps({"class": "org.apache.spark.ml.feature.SQLTransformer", "paramMap": {"statement": "SELECT 1"}}),
    "kernel": json.dumps({"argv": ["sh", "-c", "touch x"], "display_name": "x", "language": "python"}),
    "code of somebody else's": json.dumps({"model_args": {"trust_remote_code": True}}),
    "code of somebody else's in yaml": "base_model: x/y\ntrust_remote_code: true\n",
    "operators of somebody else's": json.dumps({"session_options": {"custom_ops_library": "/tmp/x.so"}}),
    "operators of triton": 'name: "x"\nmodel_operations {\n  op_library_filename: "/tmp/x.so"\n}\n',
    "library": "DEBUG=1\nLD_PRELOAD=/tmp/x.so\n",
    "node": "node-options=--require=./x.js\n",
    "pipeline of somebody else's": '[nlp]\nlang = "en"\n[components.ner]\nsource = "../../x"\n',
    "operator of keras": json.dumps({"class_name": "TensorFlowOpLayer", "config": {"node_def": "x"}}),
    "slice of keras": json.dumps({"class_name": "SlicingOpLambda", "config": {"function": "io.write"}}),
}
READ = {
    "host": "Host x\n  HostName example.org\n  User me\n",
    "git": '[credential]\n\thelper = store\n[remote "x"]\n\turl = https://example.org/x.git\n',
    "prose": "Note: install it; then make sure that it runs.\n* 10 - the new net\nBuild: get it; touch nothing else.\n",
    "tests": "[pytest]\naddopts = -q --strict\ntestpaths = tests\n",
    "data set": "path: x\nnames:\n  0: person\ndownload: https://example.org/x.zip\n",
    "spacy": '[nlp]\nlang = "en"\npipeline = ["tagger"]\n[components.tagger]\nsource = null\nfactory = "tagger"\n',
    "mlflow": (
        "artifact_path: /home/me/mlruns/0/models/m-1/artifacts\nflavors:\n  python_function:\n"
        "    loader_module: mlflow.sklearn\n    model_path: model.pkl\n    env:\n      conda: conda.yaml\n"
        "  sklearn:\n    code: null\n    pickled_model: model.pkl\nmodel_uuid: a\n"
    ),
    "card": 'Call it like this:\n\n    net = load(open("x"))\n\nLicense: open (see below)\n',
    "picture": '<svg xmlns="http://www.w3.org/2000/svg"><a href="https://e/x?a=1&amp;b=2"><path d="M0 0"/></a></svg>',
    "trust": json.dumps({"trust_remote_code": False, "model_type": "bert"}),
    "call in a card": "Load it:\n\n    net = AutoModel.from_pretrained('x/y', trust_remote_code=True, device=0)\n",
    "types": "16, **32**\n, **64**, 80, 96, 128, and 256 bits; `<object object at 0x7f>`\n",
    "modules": json.dumps([{"idx": 0, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]),
    "slice of keras": json.dumps({"class_name": "SlicingOpLambda", "config": {"function": "__operators__.getitem"}}),
}
OF_THIS_MACHINE = {
    "ssh in small letters": ["ssh", "-F", "file", "x"],
    "make on one line": ["make", "-f", "file"],
    "make with another sign": ["make", "-f", "file"],
    "git over a command": ["git", "-c", "include.path=file", "ls-remote", "x"],
}


@pytest.mark.parametrize("name", RUN)
def test_what_runs_or_reads_what_it_names_is_not_clean(name: str, tmp_path: Path) -> None:
    command = OF_THIS_MACHINE.get(name)
    if command is not None and shutil.which(command[0]):
        (tmp_path / "file").write_text(RUN[name])
        named = [word.replace("=file", f"={tmp_path}/file") for word in command]
        subprocess.run(named, cwd=tmp_path, capture_output=True, timeout=20)
        assert (tmp_path / "canary").exists()
    assert verdict(RUN[name].encode()) is not Verdict.CLEAN


@pytest.mark.parametrize("name", READ)
def test_ordinary_texts_of_the_same_kinds_are_clean(name: str) -> None:
    judgement = judged(READ[name].encode())
    assert judgement.verdict is Verdict.CLEAN, judgement.reasons
