"""Settings of other programs that run commands, or call what is named, for whoever opens the folder they lie in.

A notebook's text form, Git's and SSH's settings, schedules, hooks, builds and editors' tasks: none of them is a model,
and each is run by the program that it is for.
"""

import re
from typing import Any, Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.texts.languages import SHELLS

_LINE: Final = r"^[ \t]{0,40}"
_HEADING: Final = re.compile(rf"{_LINE}\[[^\]\n]{{1,200}}\]", re.MULTILINE)
_TIMES: Final = r"(?:\*|\d{1,2})(?:[,/-]\d{1,3}){0,20}"
_DAYS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat"
_ADDRESS: Final = r"(?:https?|file|ftp)://"
_TRUSTS: Final = re.compile(
    r"trust_remote_code[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?(?:[Tt]rue|TRUE|[Yy]es|on|1)\b"
    rf"|{_LINE}trust_remote_code[ \t]{{0,9}}=[ \t]{{0,9}}true[ \t]*$",
    re.MULTILINE,
)
"""As settings write it: a model card shows calls of Python with the same word."""
_FORMS: Final = {
    "is a pointer of Git LFS and not the file itself: run `git lfs pull`, and scan again": (
        re.compile(r"\Aversion https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\s"),
    ),
    "has Git run a command": (
        _HEADING,
        re.compile(
            rf"{_LINE}(?:fsmonitor(?!\s*=\s*(?:true|false))|sshCommand|hooksPath|pager|editor|askPass|gitProxy|clean|smudge"
            r"|process|textconv|external|driver|program|alternateRefsCommand|browser|cccmd|diffFilter|headerCmd|httpd"
            r"|packObjectsHook|receivepack|templateDir|tocmd|uploadarchive|uploadpack)"
            r"[ \t]{0,9}=[ \t]{0,9}(?![\"']?git-lfs\b)\S"
            rf"|{_LINE}[\w-]{{1,80}}[ \t]{{0,9}}=[ \t]{{0,9}}[\"']?(?:!|ext::)[ \t]{{0,9}}[^\s\"']"
            rf"|{_LINE}(?:helper|smtpserver)[ \t]{{0,9}}=[ \t]{{0,9}}[\"']?[/~.]"
            rf"|{_LINE}\[(?:pager|include(?:If[ \t][^\]\n]{{1,200}})?)\]",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "has SSH run a command": (
        re.compile(
            rf"{_LINE}[\"']?(?:ProxyCommand|LocalCommand|KnownHostsCommand|PKCS11Provider|SecurityKeyProvider"
            r"|XAuthLocation|AuthorizedKeysCommand|AuthorizedPrincipalsCommand|ForceCommand)[\"']?[ \t=]+(?!none\b)\S"
            rf"|{_LINE}Match[ \t=][^\n]{{0,400}}\bexec[ \t=]|{_LINE}[^#\n]{{0,400}}\bcommand=\"[^\n]{{1,400}}\bssh-\w",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "is a schedule of commands": (
        re.compile(
            rf"{_LINE}(?=[^\n]{{0,80}}\*)(?:{_TIMES}[ \t]{{1,9}}){{3}}"
            rf"(?:(?:{_TIMES}|(?:{_DAYS})(?:[,-](?:{_DAYS})){{0,9}})[ \t]{{1,9}}){{2}}[A-Za-z/~.]"
            r"|^@(?:reboot|daily|hourly|weekly|monthly|yearly|annually|midnight)[ \t]+\S",
            re.MULTILINE,
        ),
    ),
    "has hooks run what it names": (
        re.compile(r"^repos:", re.MULTILINE),
        re.compile(rf"{_LINE}(?:-[ \t]+)?(?:hooks|entry)[ \t]*:", re.MULTILINE),
    ),
    "names commands that are run": (
        _HEADING,
        re.compile(
            rf"{_LINE}(?:commands?(?:_pre|_post)?|install_command|cmd|script|script-shell|init-hook"
            r"|(?:exec|hook)-[\w-]{1,40}|attach-daemon2?|(?:smart-)?spooler|py(?:thon)?-?(?:run|import|exec)|shared-py-import)"
            r"[ \t]{0,9}=",
            re.MULTILINE,
        ),
    ),
    "has a tool for Python import what it names": (
        _HEADING,
        re.compile(
            rf"{_LINE}(?:addopts|load-plugins|local_plugins|plugins|wsgi(?:-file)?|cmdclass)[ \t]{{0,9}}="
            r"(?:[^\n]{0,200}-p[ \t\"',]{0,9}\w|[ \t]{0,9}[\"'\[]{0,3}(?!-)[\w./]{1,200}\w)"
            rf"|{_LINE}\w+[ \t]{{0,9}}=[ \t]{{0,9}}attr:"
            rf"|{_LINE}(?:load-)?plugins[ \t]{{0,9}}=[ \t]*\n[ \t]{{1,40}}\w|{_LINE}\[\w{{1,40}}:local-plugins\]",
            re.MULTILINE,
        ),
    ),
    "has its loader load a library of the machine": (
        re.compile(
            r"(?:op_library_filename|custom_ops?_library|plugin_library)"
            r"[\"']?[ \t]{0,9}[:=][ \t]{0,9}[\"'\[]{0,3}[\w./\\]"
            rf"|{_LINE}(?:export[ \t]+)?(?:LD_PRELOAD|DYLD_INSERT_LIBRARIES|PYTHONSTARTUP|BASH_ENV|GIT_SSH_COMMAND"
            r"|PROMPT_COMMAND|PERL5OPT|RUBYOPT)[ \t]{0,9}=[ \t]{0,9}[\"']?\S"
            rf"|{_LINE}(?:export[ \t]+)?(?:NODE_OPTIONS|node-options|JAVA_TOOL_OPTIONS)[ \t]{{0,9}}="
            r"[^\n]{0,200}(?:--require|--import|-r[ \t]|-javaagent|-agent)",
            re.MULTILINE,
        ),
    ),
    "has spaCy load what lies outside of its folder": (
        re.compile(rf"{_LINE}\[components\.", re.MULTILINE),
        re.compile(rf"{_LINE}source[ \t]{{0,9}}=[ \t]{{0,9}}[\"']?[^\s\"']{{0,200}}[/\\]", re.MULTILINE),
    ),
    "lets its loader fetch code from a repository, and run it": (_TRUSTS,),
    "has Yarn run a program that lies beside it": (
        re.compile(
            rf"{_LINE}(?:yarnPath[ \t]{{0,9}}:|yarn-path[ \t]|-[ \t]+path[ \t]{{0,9}}:[^\n]{{0,200}}\.c?js\b)",
            re.MULTILINE,
        ),
    ),
    "has Python import, or run, a line of it": (
        # In a folder of packages Python runs each such line of a file of paths, whatever the other lines are.
        re.compile(r"^import[ \t][\w., \t]{1,200};[^\n]{0,400}[(=]", re.MULTILINE),
    ),
    "has a loader of data run a script": (
        # Data sets of YOLO, whose script is a line of a shell, or Python.
        re.compile(r"^names[\"']?[ \t]{0,9}:", re.MULTILINE),
        re.compile(
            r"^[\"']?download[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?(?!https?://|null\b|~|false\b)[^\s#]",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "has logging evaluate what it holds as Python": (
        re.compile(r"^\[handler", re.MULTILINE),
        re.compile(
            rf"{_LINE}(?:args|kwargs)[ \t]{{0,9}}[=:][^\n]{{0,400}}(?:\w[ \t]{{0,9}}\([^\n]|__\w)", re.MULTILINE
        ),
    ),
    "has logging write to a file outside of its folder": (
        re.compile(r"^\[handler", re.MULTILINE),
        re.compile(
            rf"{_LINE}(?:args|kwargs)[ \t]{{0,9}}[=:][^\n]{{0,400}}[\"']"
            r"(?:[/\\~]|[A-Za-z]:|(?:[^\"'\n]{0,200}[/\\])?\.\.[/\\])",
            re.MULTILINE,
        ),
    ),
    "has its loader call what it names": (re.compile(r"(?:^|[\s{,])[\"']?\(\)[\"']?[ \t]{0,9}:(?=\s)", re.MULTILINE),),
    "has a server import what it names": (
        re.compile(
            rf"{_LINE}(?:-[ \t]+)?[\"']?(?:app|callable|entry_?point|factory|handler|import_path|main|plugin"
            r"|predict|train)[\"']?[ \t]{0,9}[:=][ \t]{0,9}"
            r"[\"']?[A-Za-z_][\w./-]{0,200}:[A-Za-z_]\w{0,99}[\"']?[ \t]{0,9}(?:$|[,}#])",
            re.MULTILINE,
        ),
    ),
    "has gin call, or import, what it names": (
        re.compile(rf"{_LINE}[\w./]{{1,200}}[ \t]{{0,9}}=[ \t]{{0,9}}@[\w./]{{1,200}}(?:\(\))?[ \t]*$", re.MULTILINE),
    ),
    "has pip fetch packages from a place that it names itself": (
        re.compile(
            rf"{_LINE}(?:extra-index-url|index-url|find-links)[ \t]{{0,9}}=[ \t]{{0,9}}[\"']?{_ADDRESS}"
            rf"|{_LINE}\[\[(?:tool\.)?(?:uv\.index|pdm\.source|poetry\.source|source)\]\]"
            rf"[^\[]{{0,400}}\burl[ \t]{{0,9}}=[ \t]{{0,9}}[\"']{_ADDRESS}",
            re.MULTILINE,
        ),
    ),
    "is XML whose reader makes objects or runs commands": (
        re.compile(
            r"<bean\s[^<>]{0,400}\b(?:class|factory-method|init-method)\s{0,9}=|<exec\s[^<>]{0,400}\bexecutable\s{0,9}="
            r"|<Exec\s[^<>]{0,400}\bCommand\s{0,9}=|<artifactId>\s{0,9}(?:exec-maven|maven-antrun|gmavenplus)"
            r"|<key>\s{0,9}Program(?:Arguments)?\s{0,9}</key>"
            r"|xmlns:\w{1,40}\s{0,9}=\s{0,9}[\"'](?:java:|http://php\.net/|http://xml\.apache\.org/xalan"
            r"|urn:schemas-microsoft-com:xslt)"
        ),
    ),
    "is a notebook: its chunks are run when it is rendered": (
        re.compile(
            r"^ {0,3}(?:```|~~~)+[ \t]{0,9}\{[ \t]{0,9}"
            r"(?:r|python|py|bash|sh|zsh|julia|sql|ojs|js|node|perl|ruby|code-cell)\b",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "names commands that are run as steps": (
        re.compile(
            rf"{_LINE}(?:-[ \t]+)?[\"']?(?:(?:before_|after_)?script|(?:build_)?commands?|cmds?|entrypoint|run|setup)"
            r"[\"']?[ \t]{0,9}:[ \t]{0,9}(?:(?:[|>][-+]?[ \t]{0,9})?\n[ \t]{0,40})?[\[\"' \t]{0,9}(?:-[ \t]+[\"']?)?"
            rf"(?:(?:{SHELLS}|gunicorn|uvicorn|serve)[ \t\"']|(?:\./|/)\w)",
            re.MULTILINE,
        ),
    ),
    "has a tool run a command, or what lies beside it: it is run, not loaded": (
        re.compile(
            rf"{_LINE}[\w.-]{{1,80}}[ \t]{{0,9}}=[ \t]{{0,9}}\[?[ \t]{{0,9}}[\"']"
            rf"(?:\.{{1,2}}/[^\"'\n]{{1,200}}\.(?:[cm]?[jt]s|lua|p[ly]|rb|sh|so)"
            rf"|(?:/(?:usr/)?s?bin/)?(?:{SHELLS})[ \t][^\"'\n]{{1,400}})[\"']"
            rf"|{_LINE}\w+[ \t]+--?\w*command=\S|{_LINE}install_py_dep_per_model[ \t]*=[ \t]*true",
            re.MULTILINE,
        ),
    ),
    "has a terminal or an editor run a command: it is run, not loaded": (
        re.compile(
            rf"{_LINE}(?:run-shell|run|if-shell|set-hook|bind(?:-key)?)[ \t][^\n]{{0,200}}[\"']"
            rf"|^[^\n]{{0,200}}\((?:eval[ \t]*\.|shell-command\b)"
            r"|\b\w+=\"/(?:usr/)?(?:local/)?s?bin/\w[^\"\n]{0,400}\"",
            re.MULTILINE,
        ),
    ),
    "is a template of a program that runs what it holds": (
        re.compile(
            r"<%[=@!#-]?[ \t\n][^%]{1,4000}%>|<#(?:assign|include|import|function|macro)[ \t]|\?new\(\)"
            rf"|{_LINE}#(?:set|parse|include|evaluate|foreach)[ \t]*\(",
            re.MULTILINE,
        ),
    ),
    "has its loader read a model that lies elsewhere": (
        re.compile(
            rf"{_LINE}(?:FROM|ADAPTER)[ \t]+[\"']?(?:/|~/|[A-Za-z]:[/\\]|\.\./|[^\n]{{1,200}}/\.\./)",
            re.MULTILINE | re.IGNORECASE,
        ),
        re.compile(
            rf"{_LINE}(?:PARAMETER|TEMPLATE|SYSTEM|ADAPTER|MESSAGE|LICENSE)[ \t]|\A[ \t]*FROM[ \t][^\n]{{1,400}}\s*\Z",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "has a cell that a spreadsheet runs as a command": (
        re.compile(
            r"(?:^|[,;\t])[ \t]{0,9}\"?[=+@-][ \t]{0,9}[+=@-]{0,3}"
            r"(?:\w{1,40}\|[\"' /]|(?:CALL|DDE|EXEC|REGISTER|RTD|WEBSERVICE)\()",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "is run by a desktop that opens it": (
        re.compile(
            rf"{_LINE}\[(?:autorun|InternetShortcut|Shell)\]|\A(?:Windows Registry Editor|REGEDIT4)"
            r"|<job\s{0,9}id\s{0,9}=|<jnlp\s|<hta:application",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "has a layer that carries code": (
        re.compile(
            r"[\"']class_name[\"']\s{0,9}:\s{0,9}[\"']"
            r"(?:Lambda|TFOpLambda|__lambda__|TorchModuleWrapper|FlaxLayer|JaxLayer|TFSMLayer)[\"']"
        ),
    ),
    "has Kaldi run a command for what it lists": (
        re.compile(r"^[^\s|]{1,400}+[ \t]++[^\s|][^\n|]{0,2000}+\|[ \t]*$", re.MULTILINE),
    ),
    "has matplotlib import what it names": (
        re.compile(rf"{_LINE}backend[ \t]{{0,9}}:[ \t]{{0,9}}module://", re.MULTILINE),
    ),
    "has a web server run what lies beside it": (
        re.compile(
            rf"{_LINE}(?:(?:Add|Set)Handler|php_(?:admin_)?value|Options[^\n]{{0,200}}ExecCGI"
            r"|AddType[ \t]+application/x-httpd)\b",
            re.MULTILINE | re.IGNORECASE,
        ),
    ),
    "is a recipe in Groovy or Nix, which is run": (
        re.compile(
            r"\bstages?\b[^{\n]{0,200}\{[^}]{0,400}\b(?:sh|bat|powershell)[ \t(]+[\"']"
            r"|\b(?:builtins\.(?:exec|fetch\w+|import)|shellHook|mkDerivation|buildPhase)\b"
        ),
    ),
    "has a reader of its own language make or run something": (
        re.compile(
            r"#=[ \t]{0,9}\(|_\$\$ND_FUNC\$\$_|(?:\A|[;{])O:\d{1,4}:\"[\w\\]{1,200}\":\d{1,4}:\{"
            r"|(?<![\w`])(?:Run|RunProcess|StartProcess|Export|DeleteFile|URLDownload)\[\s{0,9}[\"{]"
        ),
    ),
    "has a tool run a program, or import what it names": (
        re.compile(
            rf"{_LINE}(?:-[ \t]+)?(?:[\w.-]{{1,80}}[ \t]{{0,9}}:[ \t]{{0,9}})?(?:-[ \t]+)?[\"']?"
            r"(?:exec:[ \t]{0,9}\S|(?:file|python|ruby|golang):(?://)?[^\s\"']{1,400}\.(?:[cm]?[jt]s|go|py|rb|sh)\b)"
            rf"|{_LINE}(?:custom_auth|custom_handler|callbacks|post_call_rules|pre_call_rules)[ \t]{{0,9}}:[ \t]{{0,9}}"
            r"[\"'\[]{0,2}[A-Za-z_]\w{0,99}\.[A-Za-z_]",
            re.MULTILINE,
        ),
    ),
    "has TensorFlow read weights that lie elsewhere": (
        re.compile(
            rf"{_LINE}(?:all_)?model_checkpoint_paths?[ \t]{{0,9}}:[ \t]{{0,9}}[\"']"
            r"(?:[/\\~]|[A-Za-z]:[/\\]|(?:[^\"'\n]{0,400}[/\\])?\.\.[/\\]|[a-z][a-z0-9+]{1,20}://)",
            re.MULTILINE,
        ),
    ),
    "is a model of ONNX that needs more than this text": (
        re.compile(r"\b(?:opset_import|opsetImport)\b"),
        re.compile(
            r"\b(?:data_location|dataLocation)[\"']?\s{0,9}:\s{0,9}[\"']?(?:EXTERNAL|1)\b|\bexternal_?[dD]ata\b"
            r"|\bdomain[\"']?\s{0,9}:\s{0,9}[\"'](?!(?:ai\.onnx(?:\.ml|\.training|\.preview\.training)?)?[\"'])"
        ),
    ),
    "names processes that are started": (
        re.compile(
            r"^(?:web|worker|release|clock)[ \t]{0,9}:[ \t]{1,9}(?:\./)?[a-z][\w.-]{0,40}[ \t]+\S", re.MULTILINE
        ),
    ),
}
"""What each of the texts has that is one: every pattern of a row must be there."""
_IN_JSON: Final = frozenset(
    {"has a reader of its own language make or run something", "is a model of ONNX that needs more than this text"}
)
"""What is told by the letters of a document, wherever they stand in it."""
_WORDS: Final = {
    "has Kaldi run a command for what it lists": ("|",),
    "has matplotlib import what it names": ("module://",),
    "is a recipe in Groovy or Nix, which is run": ("stage", "builtins.", "shellHook", "mkDerivation", "buildPhase"),
    "has a reader of its own language make or run something": (
        "#=",
        "ND_FUNC",
        "O:",
        "Run",
        "Start",
        "Ex",
        "Del",
        "URL",
    ),
    "has TensorFlow read weights that lie elsewhere": ("model_checkpoint_path",),
    "is a model of ONNX that needs more than this text": ("opset_import", "opsetImport"),
    "is a pointer of Git LFS and not the file itself: run `git lfs pull`, and scan again": ("/spec/v1",),
    "is a schedule of commands": ("*", "@"),
    "has hooks run what it names": ("repos:",),
    "has its loader load a library of the machine": (
        "library",
        "LD_",
        "START",
        "BASH_ENV",
        "COMMAND",
        "OPT",
        "options",
    ),
    "has spaCy load what lies outside of its folder": ("[components.",),
    "lets its loader fetch code from a repository, and run it": ("trust_remote_code",),
    "has Yarn run a program that lies beside it": ("yarnPath", "yarn-path", "js"),
    "has Python import, or run, a line of it": ("import",),
    "has a loader of data run a script": ("ownload",),
    "has logging evaluate what it holds as Python": ("[handler",),
    "has logging write to a file outside of its folder": ("[handler",),
    "has its loader call what it names": ("()",),
    "has a server import what it names": (":",),
    "has a layer that carries code": ("class_name",),
    "names commands that are run as steps": ("script", "command", "cmd", "entrypoint", "run", "setup"),
    "has a cell that a spreadsheet runs as a command": ("|", "("),
    "has a tool run a command, or what lies beside it: it is run, not loaded": ("=",),
    "has a terminal or an editor run a command: it is run, not loaded": (
        "run",
        "shell",
        "bind",
        "hook",
        "eval",
        "bin/",
    ),
    "is a template of a program that runs what it holds": ("<%", "<#", "new()", "#"),
    "has its loader read a model that lies elsewhere": ("FROM", "from", "From", "ADAPTER", "adapter"),
    "has gin call, or import, what it names": ("@",),
    "has pip fetch packages from a place that it names itself": ("://",),
    "is XML whose reader makes objects or runs commands": ("<bean", "<exec", "<Exec", "<artifactId", "<key", "xmlns:"),
    "is a notebook: its chunks are run when it is rendered": ("```", "~~~"),
    "names processes that are started": ("web", "worker", "release", "clock"),
}
"""What a text cannot be one without; it is found many times faster than a pattern."""
_PATTERN: Final = 3
"""How many times a text counts that is searched for a pattern."""
_LIFECYCLE: Final = re.compile(
    r"(?:pre|post)?(?:install|uninstall|prepare|pack|publish|version)|prepublishOnly|dependencies|(?:pre|post)-[\w-]{1,40}-cmd"
)
"""Scripts of npm and Composer that are run without being asked for."""
_CONTAINER: Final = re.compile(r"(?:initialize|onCreate|updateContent|postCreate|postStart|postAttach)Command")
_BESIDE_COMMANDS: Final = frozenset({"args", "env", "isBackground", "label", "runOptions", "type"})
_KERNEL: Final = frozenset({"display_name", "interrupt_mode", "language"})
_LIBRARIES: Final = frozenset({"custom_op_library", "custom_ops_library", "op_library_filename", "plugin_library"})
"""Keys by which ONNX Runtime and Triton load operators of somebody else's."""
_YES: Final = frozenset({"1", "on", "true", "y", "yes"})
_IMPORTING: Final = frozenset(
    {"app", "callable", "entry_point", "entrypoint", "factory", "handler", "import_path", "plugin", "predict", "train"}
)
_IMPORTED: Final = re.compile(r"[A-Za-z_][\w./-]{0,200}:[A-Za-z_]\w{0,99}")
_FIRST: Final = 20
_BESIDE: Final = re.compile(
    r"\.{1,2}[/\\][\w./\\-]{0,200}\.(?:[cm]?[jt]s|bash|bat|cmd|dll|dylib|jar|lua|php|pl|ps1|py|rb|sh|so)(?::\w{1,100})?"
)
"""A program by its way from here, or something in it."""
_OF_PACKAGES: Final = frozenset({"browser", "extension", "labextension", "main", "module", "style", "types", "typings"})
"""Keys by which npm says what a package is, for whoever imports it."""
_COMMAND_KEY: Final = re.compile(
    r"command|cmd|shell|script|hook|runner|entrypoint|\bexec|^(?:run|enter|leave)$", re.IGNORECASE
)
_COMMAND: Final = re.compile(rf"[ \t\n]*(?:sudo[ \t]+)?(?:/(?:usr/)?(?:local/)?s?bin/)?(?:{SHELLS})[ \t]+\S")
FACTORY: Final = "()"
"""The key by which Python's logging calls whatever is named."""


def in_text(text: str, budget: Budget, *, json: bool = False) -> list[str]:
    """Return what the program that a text is for would run; of JSON, all but the document itself is looked at.

    Raises:
        TooMuchError: If too much of the file was looked at already.
    """
    found = []
    for reason, signs in _FORMS.items():
        if json and reason not in _IN_JSON:
            continue
        words = _WORDS.get(reason)
        if words is not None and not any(word in text for word in words):
            continue
        budget.look(_PATTERN * len(text))
        if all(sign.search(text) for sign in signs):
            found.append(reason)
    return found


def in_node(node: dict[str, Any]) -> str | None:
    """Return what the program that a JSON document is for would run of one object in it."""
    scripts = node.get("scripts")
    if isinstance(scripts, dict) and any(_LIFECYCLE.fullmatch(key) for key in scripts):
        return "has npm or Composer run a command when it is installed"
    if any(_CONTAINER.fullmatch(key) for key in node):
        return "has an editor run a command when the folder is opened"
    if isinstance(node.get("argv"), list) and _KERNEL & node.keys():
        return "names a command that is run as a kernel of Jupyter"
    if str(node.get("trust_remote_code")).lower() in _YES:
        return "lets its loader fetch code from a repository, and run it"
    if _LIBRARIES & node.keys():
        return "has its loader load a library of the machine"
    if isinstance(node.get("command"), str) and _BESIDE_COMMANDS & node.keys():
        return "names a command that is run"
    if any(_IMPORTED.fullmatch(node[key]) for key in _IMPORTING & node.keys() if isinstance(node[key], str)):
        return "has a server import what it names"
    if any(_beside(value) for key, value in node.items() if key not in _OF_PACKAGES):
        return "names a program that lies beside it"
    if any(_COMMAND_KEY.search(key) and _is_command(value) for key, value in node.items()):
        return "names commands that are run"
    return "has its loader call what it names" if FACTORY in node else None


def _beside(value: Any) -> bool:
    values = value if isinstance(value, list) else (value,)
    return any(isinstance(one, str) and _BESIDE.fullmatch(one) is not None for one in values[:_FIRST])


def _is_command(value: Any) -> bool:
    """Return whether a value, the first of a list or of a list's lists, begins as a line of a shell does."""
    if isinstance(value, list) and all(isinstance(word, str) for word in value[:_FIRST]):
        return any(_COMMAND.match(word) for word in value[:_FIRST]) or _COMMAND.match(" ".join(value[:2])) is not None
    return isinstance(value, str) and _COMMAND.match(value) is not None
