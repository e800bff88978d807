"""Requirements of pip, and environments of conda: what is fetched from elsewhere, and what lies beside and is run.

Pip joins lines, drops comments, and gives up before it installs anything if one line is no requirement. So a text is
read as requirements only if all of its lines are some; a list of words or of files has others.
"""

import re
from typing import Final

from caponier.detect.model_files.files.part import Budget

_ITEM: Final = r"^[ \t]{0,40}(?:-[ \t]+[\"']?)?"
_PACKAGE: Final = r"[\w.-]{1,100}(?:\[[\w, -]{1,100}\])?[ \t]{0,9}@[ \t]{0,9}"
_FETCHED: Final = re.compile(
    rf"{_ITEM}(?:--(?:extra-)?index-url|--find-links|-i|-f)[ \t=]+[\"']?(?:https?|file|ftp)://"
    rf"|{_ITEM}(?:(?:-e|--editable)[ \t]+|{_PACKAGE})?(?:git|hg|svn|bzr)\+\w{{1,9}}://"
    rf"|{_ITEM}{_PACKAGE}(?:https?|file)://"
    r"|^[ \t]{0,40}(?:-[ \t]+[\"']?)?(?:-r|--requirement|-c|--constraint)[ \t=]*(?:https?|file|ftp)://"
    r"|^(?:https?|file)://\S{1,400}\.whl(?:[#?]\S{0,200})?[ \t]*$"
    r"|^channels[ \t]*:[ \t]*\n(?:[ \t]*-[^\n]{1,200}\n){0,20}?[ \t]*-[ \t]+[\"']?(?:https?|file)://(?!(?:conda|repo)\.anaconda\.(?:org|com)/)",
    re.MULTILINE,
)
"""Lines of requirements, or items of an environment, that name an index or an address."""
_ELSEWHERE: Final = "has pip fetch packages from a place that it names itself"
_BESIDE: Final = "has pip run what lies beside it, or elsewhere on the machine"
_ARCHIVE: Final = r"[^\s\"']{1,400}\.(?:whl|zip|t[bglx]z2?|tar(?:\.\w{2,4})?)"
_FOLDER: Final = r"(?:[^\s\"'/\\]{1,200}[/\\])*[\w-]{0,200}(?:\[[\w, -]{1,100}\])?"
_INSTALLED: Final = (
    r"(?:-e|--editable)[ \t=]*\S|(?:-f|--find-links|-i|--(?:extra-)?index-url)[ \t=]+\S"
    rf"|(?:-r|--requirement|-c|--constraint)[ \t=]*[\"']?(?:[^\s\"']{{0,400}}[/\\])?(?:\.\.(?:[/\\])|[/\\~])"
    rf"|{_PACKAGE}(?:file:|\.{{0,2}}[/\\])|file:"
)
_FROM_HERE: Final = re.compile(
    rf"(?:{_INSTALLED})[^\n]*|\.{{1,2}}(?:[/\\]{_FOLDER})?|[^\s\"']{{1,400}}\.whl|\.{{1,2}}[/\\]{_ARCHIVE}"
)
"""A line that names an index, a folder, a package or other requirements on the machine."""
_PERHAPS: Final = re.compile(rf"{_ARCHIVE}|[/\\]?(?:[\w.~-]{{1,200}}[/\\]){{1,40}}[\w-]{{0,200}}")
"""A way to a file or a folder, which other lists have as well."""
_PINNED: Final = re.compile(
    r"[A-Za-z0-9][\w.-]{0,200}(?:\[[\w, .-]{0,200}\])?[ \t]*\(?(?:[=<>~!]=|[<>@;])[^\n]*|--?[a-z][^\n]*"
)
"""A requirement with a version, or an option: no other list has such."""
_NAMED: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,200}(?:\[[\w, .-]{0,200}\])?")
_COMMENT: Final = re.compile(r"(?:^|\s)#")
_JOINED: Final = re.compile(r"\\\r?\n")
_SIGNS: Final = re.compile(r"^[ \t]*(?:-|\.|file:)|[/\\]|\.(?:whl|zip|t[bglx]z|tar)\b", re.MULTILINE)
"""Without one of these no line names anything on the machine."""
_IN_CONDA: Final = re.compile(
    r"^[ \t]*-[ \t]+[\"']?pip[\"']?[ \t]*:|^[\"']?(?:build_)?dependencies[\"']?[ \t]*:[ \t]*$", re.MULTILINE
)
"""Where packages of pip are listed in an environment: conda's, and those that MLflow makes without conda."""
_ITEM_OF_PIP: Final = re.compile(
    rf"^[ \t]*-[ \t]+[\"']?(?:{_INSTALLED}|\.{{1,2}}(?:[/\\][^\s]*)?[\"']?[ \t]*$|{_ARCHIVE})", re.MULTILINE
)
_MOST_LINES: Final = 20_000
_TIMES: Final = 3
"""How many times a text counts that is searched for a pattern."""


def in_text(text: str, budget: Budget) -> list[str]:
    """Return what pip or conda would do with a text that is not fetched from the usual places.

    Raises:
        TooMuchError: If too much of the file was looked at already.
    """
    found = []
    joined = _JOINED.sub("", text) if "\\" in text else text
    if "://" in text and any(_FETCHED.search(form) for form in dict.fromkeys((text, joined))):
        found.append(_ELSEWHERE)
    budget.look(_TIMES * len(text))
    beside = _SIGNS.search(joined) is not None and _runs(joined)
    if beside or (_IN_CONDA.search(joined) is not None and _ITEM_OF_PIP.search(joined) is not None):
        found.append(_BESIDE)
    return found


def _runs(text: str) -> bool:
    """Return whether a text is requirements, one of which lies on the machine."""
    certain = perhaps = pinned = False
    for number, raw in enumerate(text.splitlines()):
        line = _COMMENT.split(raw, maxsplit=1)[0].strip()
        if not line:
            continue
        line = line.partition(" ;")[0].rstrip()
        if _FROM_HERE.fullmatch(line):
            certain = True
        elif _PINNED.fullmatch(line):
            pinned = True
        elif _PERHAPS.fullmatch(line):
            perhaps = True
        elif number > _MOST_LINES or not _NAMED.fullmatch(line):
            return False
    return certain or (perhaps and pinned)
