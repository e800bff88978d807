"""What pip and conda run or fetch for a list of requirements, and lists that are none."""

import pytest

from caponier.detect.artifact import Verdict
from detect.model_files.files.building import verdict

RUN = {
    "folder": "numpy==1.2\n./mine\n",
    "folder alone": "./mine\n",
    "here": "numpy\n.\n",
    "extra of a folder": "numpy==1.2\n./mine[gpu]\n",
    "editable": "numpy\n-e .\n",
    "editable, together": "numpy\n-e.\n",
    "editable, by its long name": "--editable=mine\n",
    "way without a point": "numpy==1.2\nmine/src\n",
    "absolute": "numpy==1.2\n/opt/mine\n",
    "wheel": "numpy\nmine-1.0-py3-none-any.whl\n",
    "archive": "numpy>=1\nvendor/mine-1.0.tar.gz\n",
    "archive from here": "./mine.zip\n",
    "address of a file": "mine @ file:./mine\n",
    "bare address": "file:mine\n",
    "other requirements": "-r ../../others.txt\n",
    "constraints": "numpy\n--constraint=/etc/others.txt\n",
    "found in a folder": "--find-links pkgs\nmine\n",
    "index in a folder": "--index-url=e/simple\nmine\n",
    "comment and marker": "# words\nnumpy==1.2  # words\n./mine ; python_version > '3'\n",
    "option in two lines": "numpy\n--extra-index\\\n-url http://e.example/simple\n",
    "address in two lines": "numpy\nmine @ \\\nhttps://e.example/x.zip\n",
    "conda, a folder": "name: x\ndependencies:\n- pip:\n  - ./mine\n",
    "conda, editable": "name: x\ndependencies:\n- python=3.11\n- pip:\n  - -e .\n",
    "conda, other requirements": "dependencies:\n- pip:\n  - -r ../others.txt\n",
    "conda, a wheel": 'dependencies:\n- pip:\n  - numpy\n  - "mine-1.0-py3-none-any.whl"\n',
}
HARMLESS = {
    "pinned": "numpy==1.26.4\nscikit-learn>=1.4,<2\ntorch ; sys_platform == 'linux'\nscipy[extra]~=1.1\n",
    "hashes": "numpy==1.26.4 \\\n    --hash=sha256:00ff \\\n    --hash=sha256:11ee\n",
    "other requirements": "-r base.txt\n-c constraints.txt\npandas\n",
    "options": "--pre\n--no-binary :all:\nnumpy\n",
    "words": "the\nof\nand\n",
    "pieces of words": "[PAD]\n##ing\n.\n./\n../\nthe\n-e\n",
    "files": "./data/a.csv\n./data/b.csv\n",
    "pictures": "images/0001\nimages/0002\n",
    "sources": "setup.py\nsrc/mine/__init__.py\nsrc/mine/model.py\n",
    "shards": "data/000.tar\ndata/001.tar\n",
    "prose": "To install it:\n\n./configure\nmake\n\nThat is all.\n",
    "conda": "name: x\nchannels:\n- conda-forge\ndependencies:\n- python=3.11\n- pip<=24\n- pip:\n  - mlflow==2.9\n"
    "  - -r requirements.txt\n",
}


@pytest.mark.parametrize("name", RUN)
def test_what_pip_would_run_is_not_clean(name: str) -> None:
    assert verdict(RUN[name].encode()) is Verdict.UNKNOWN
    assert verdict(RUN[name].replace("\n", "\r\n").encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("name", HARMLESS)
def test_other_lists_are_clean(name: str) -> None:
    assert verdict(HARMLESS[name].encode()) is Verdict.CLEAN


LOGGED = "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[handler_h]\nclass={}\nargs=({},)\n"


@pytest.mark.parametrize("place", ["'/tmp/x'", "'../x', 'w'", '"logs/../../x"', "'~/x'", r"'C:\\x'"])
def test_logging_to_a_file_elsewhere_is_told(place: str) -> None:
    """Whoever loads such settings opens the file at once, and with `w` empties it."""
    assert verdict(LOGGED.format("FileHandler", place).encode()) is Verdict.UNKNOWN


@pytest.mark.parametrize("place", ["sys.stderr", "'model.log', 'a'", "'logs/model.log'"])
def test_logging_to_the_folder_is_clean(place: str) -> None:
    assert verdict(LOGGED.format("StreamHandler", place).encode()) is Verdict.CLEAN
