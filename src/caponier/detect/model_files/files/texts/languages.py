"""Texts that are programs in another language than Python: whoever has its interpreter runs them.

Any text is a program for some shell, so what counts is what the text would be for a reader: most of its lines look like
statements, and one of them does what only a program of that language does: it imports, defines, calls or commands.
Prose that shows an example, tables, lists of words and settings have no such majority. Comments and texts that go on
over several lines count as nothing, so that they cannot make a program look like prose.
"""

import re
from collections import Counter
from typing import Final

from caponier.detect.model_files.files.part import Budget

PATH: Final = r"(?:[-+]{1,2}\w|[\"'$~/.%]|[A-Za-z]:\\|https?://|\w[\w.-]{0,80}[/\\])"
SHELLS: Final = (
    r"apt|apt-get|awk|bash|brew|bitsadmin|cat|certutil|chgrp|chmod|chown|cmd|cp|crontab|cscript|csh|curl|dd|del"
    r"|dnf|docker"
    r"|echo|env|exec|fish|gcc|git|install|kill|kubectl|ln|make|mkdir|mkfifo|mknod|mount|msiexec|mshta|mv|nc|ncat"
    r"|node|npm"
    r"|npx|nohup|perl|php|pip3?|pkill|powershell|printf|pwsh|python[23]?|reg|regsvr32|rm|rmdir|rsync|ruby"
    r"|rundll32|schtasks"
    r"|scp|sed|setx|sh|socat|source|ssh|sudo|systemctl|tar|tee|touch|truncate|unlink|unzip|useradd|wget|wscript|xargs"
    r"|xcopy|yarn|yum|zsh"
)
"""Commands of shells that write, fetch, start or change something."""
_DOES: Final = {
    "a language of shells": (
        rf"(?:sudo[ \t]+)?(?:/(?:usr/)?(?:local/)?s?bin/)?(?:{SHELLS})[ \t]+{PATH}"
        r"|(?:export|readonly|local|declare)[ \t]+\w+=|\w+=[`$]\(?|(?:if|while|until)[ \t]+\[{1,2}[ \t]|(?:fi"
        r"|esac|done)\b"
        r"|\w+[ \t]*\(\)[ \t]*\{|(?:@echo|setlocal|goto|net[ \t]+user)\b"
        r"|for[ \t]+\w+[ \t]+in[ \t][^\n]{1,200};[ \t]*do\b"
        r"|:?!{1,2}[ \t]*[a-z]\w*[ \t]+\S|shell[ \t]+[a-z]\w*[ \t]+\S|[^\n`]{1,200}(?:&&|\|\||\|)[ \t]*(?:"
        + SHELLS
        + r")(?![\w-])"
    ),
    "PowerShell": (
        r"(?:\$\w+[ \t]*=[ \t]*)?(?:Add|Clear|Copy|Get|Import|Invoke|Move|New|Out|Remove|Set|Start|Stop"
        r"|Write)-[A-Z]\w+[ \t]"
    ),
    "JavaScript": (
        r"(?:const|let|var)[ \t]+[\w{}\[\], ]{1,200}=[ \t]*\S|(?:await[ \t]+)?(?:require|import)\([\"'`]"
        r"|import[ \t]+(?:[\w*{}, \t]{1,200}from[ \t]+)?[\"'`]|(?:module\.)?exports\.?\w*[ \t]*="
        r"|export[ \t]+(?:default|const|function|class)\b"
        r"|(?:async[ \t]+)?function\b[ \t]*\w*[ \t]*\([^\n]{0,200}\{|(?:console|process|document|window"
        r"|globalThis|Deno|Bun)\.\w+"
        r"|[^\n]{0,200}=>[ \t]*\{|new[ \t]+Function\("
    ),
    "C or C++": (
        r"#[ \t]{0,4}(?:include[ \t]{0,4}[<\"]|define[ \t]+[A-Z_a-z]\w*[ \t(]|ifn?def[ \t]+\w|pragma[ \t]+\w)"
        r"|(?:extern|static|inline|const|unsigned|typedef|struct|enum|union|template|namespace"
        r"|using[ \t]+namespace)\b[^\n]{1,200}[;{>]"
        r"|(?:int|void|char|double|float|long|bool|auto|size_t)[ \t*&]+\w+[ \t]*[(\[=;][^\n]{0,200}"
    ),
    "Go": (
        r"package[ \t]+\w+[ \t]*$|import[ \t]+(?:\(|[\w.]*[ \t]*[\"`])"
        r"|func[ \t]*(?:\([^)\n]{0,80}\)[ \t]*)?\w*[ \t]*[(\[][^\n]{0,200}\{"
        r"|type[ \t]+\w+[ \t]+(?:struct|interface|func)\b|\w[\w, ]{0,80}:=[ \t]*\S|(?:defer|go)[ \t]+\w[\w.]*\("
    ),
    "Rust": (
        r"(?:pub[ \t]+)?(?:use|mod|extern[ \t]+crate)[ \t]+[\w:{}, *]{1,200};|(?:pub[ \t]+)?(?:unsafe[ \t]+"
        r"|async[ \t]+|const[ \t]+)*fn[ \t]+\w+"
        r"|let[ \t]+(?:mut[ \t]+)?\w+[^\n]{0,200};|impl\b[^\n]{0,200}\{|#!?\[\w"
    ),
    "Java, Kotlin, Scala or C#": (
        r"(?:public|private|protected|internal|abstract|final|sealed|override|static|open|data"
        r"|case)\b[ \t]+[^\n]{0,200}[{(;=]"
        r"|(?:import|using|package|namespace)[ \t]+[\w.]+(?:\.[\w*{}, ]+|_)?[ \t]*;|(?:fun|object|trait|interface"
        r"|class)[ \t]+\w+[^\n]{0,200}\{"
        r"|(?:new[ \t]+)?(?:ProcessBuilder|Runtime|Process|File|System)(?:\.\w+)*\(|import[ \t]+(?:java|kotlin"
        r"|scala|sys|groovy|android)\b"
        r"|[\"'][^\"'\n]{1,200}[\"']\.(?:execute\(|!|lines)"
    ),
    "Ruby": (
        r"(?:require|require_relative|load)[ \t(]+[\"']|(?:include|extend)[ \t]+[A-Z]\w*(?:::\w+)*$|(?:module"
        r"|class)[ \t]+[A-Z]\w*(?:[ \t]*<[^\n]{1,80})?[ \t]*$"
        r"|def[ \t]+(?:self\.)?\w+[?!]?(?:[ \t]*\([^\n]{0,200}\))?[ \t]*$|(?:puts|raise|attr_\w+)[ \t]+\S"
        r"|(?:[A-Z]\w*(?:::[A-Z]\w*)+|Dir|File|FileUtils|IO|Kernel|Open3|Process)\.\w+[ \t(]+[\"':]"
        r"|[^\n]{1,200}[ \t]do[ \t]*(?:\|[^|\n]{0,80}\|)?[ \t]*$|(?:\w+[ \t]*=[ \t]*)?(?:%x[({\[]"
        r"|`[^`\n]{0,200}[/>|~][^`\n]{0,200}`[ \t]*;?[ \t]*$)"
    ),
    "Perl": (
        r"(?:use|no)[ \t]+(?:strict|warnings|utf8|lib|v?5|[A-Z]\w*(?:::\w+)*)\b[^\n]{0,200};|(?:my|our"
        r"|local)[ \t]+[$@%(][^\n]{0,200};"
        r"|sub[ \t]+\w*[ \t]*\{|[$@%]\w+[ \t]*=[^\n]{1,200};|(?:print|open|system|exec|unlink|eval"
        r"|qx)\b[^\n]{1,200};|package[ \t]+\w+(?:::\w+)*;"
    ),
    "Julia": (
        r"(?:using|import)[ \t]+[A-Z]\w*(?:\.\w+)*(?:[ \t]*[:,][^\n]{1,200})?[ \t]*$|(?:function"
        r"|macro)[ \t]+\w+!?[({]|(?:module|baremodule|(?:mutable[ \t]+)?struct)[ \t]+[A-Z]\w*[ \t]*$"
        r"|(?:run|read|pipeline|include|ccall|eval|open|write|download|rm|mkdir|touch"
        r"|println)\([`\"':(][^\n]{0,400}|@\w+[ \t]+\w[^\n]{0,200}\("
    ),
    "Tcl": (
        r"(?:set|lappend|append|variable|global|upvar)[ \t]+\w+(?:\([^)\n]{0,80}\))?[ \t]+[\"\[{$][^\n]{0,400}"
        r"|proc[ \t]+\S+[ \t]+\{|puts[ \t]+[\"\[{$]"
        r"|(?:exec|package[ \t]+require|namespace[ \t]+eval|uplevel|file[ \t]+(?:delete|copy|mkdir"
        r"|rename))[ \t]+\S|(?:source|load)[ \t]+\S*[/$.\[]\S*[ \t]*$|(?:close|eval|flush)[ \t]+[$\[{]"
    ),
    "SQL": (
        r"(?:CREATE|DROP|ALTER|TRUNCATE)[ \t]+(?:OR[ \t]+REPLACE[ \t]+)?(?:TEMP(?:ORARY)?[ \t]+)?(?:TABLE|VIEW"
        r"|INDEX|FUNCTION|PROCEDURE|TRIGGER|DATABASE"
        r"|SCHEMA|EXTENSION|USER|ROLE|EXTERNAL|MACRO|SECRET|LANGUAGE|MODEL)\b|INSERT[ \t]+INTO\b"
        r"|DELETE[ \t]+FROM\b|UPDATE[ \t]+\S+[ \t]+SET\b|COPY[ \t]+\S[^\n]{0,400}\b(?:TO|FROM)\b"
        r"|SELECT\b[^\n]{1,400}(?:\bFROM\b|\bINTO\b|\()|(?:ATTACH|INSTALL|LOAD|PRAGMA|GRANT|REVOKE|EXEC(?:UTE)?"
        r"|CALL|ADD[ \t]+(?:JAR|FILE)|MERGE[ \t]+INTO)[ \t]+[^\n]{1,400};"
        r"|\.(?:shell|system|import|load|output|once|read|open|save|backup)[ \t]+\S|\\(?:!|copy|i|o)[ \t]+\S"
    ),
    "Lisp": (
        r"\((?:defun|defmacro|defvar|define|lambda|let\*?|require|use|load|import|ns|progn|begin|setq?|eval|ql:"
        r"|uiop:|shell-command|call-process|start-process|system|delete-file|with-open-file|ext:|sb-ext:)[^\n]{0,200}"
    ),
    "Haskell or ML": (
        r"(?:module|import[ \t]+qualified)[ \t]+[A-Z][\w.]*|\w+[ \t]*::[ \t]*\S|main[ \t]*="
        r"|let[ \t]+(?:rec[ \t]+)?(?:\(\)|_|\w+)[^\n]{0,200}=|open[ \t]+[A-Z]\w*[ \t]*$|#use[ \t]+\""
    ),
    "Erlang, Elixir or Prolog": (
        r"-(?:module|export|import|compile)\(|\w+\([^\n]{0,200}\)[ \t]*(?:->|:-)|:-[ \t]*\w|defmodule[ \t]+[A-Z]"
        r"|def[ \t]+\w+[^\n]{0,200}\bdo[ \t]*$|(?:System|File|Code|Port)\.\w+\(|:os\.cmd|os:cmd\("
    ),
    "Lua": (
        r"local[ \t]+(?:function\b|\w[\w, ]{0,80}=)|function[ \t]+[\w.:]+\([^\n]{0,200}\)[ \t]*$|(?:require"
        r"|dofile|loadfile|os\.\w+|io\.\w+)[ \t]*[(\"']"
    ),
    "R": (
        r"(?:library|require|source|setwd|unlink|file\.\w+|sys\.\w+|write\w*|saveRDS|download\.file"
        r"|install\.packages)\([^\n]{1,200}|[\w.]+[ \t]*<-[ \t]*\S"
    ),
    "MATLAB or Fortran": (
        r"(?:unix|dos|system|perl|python|evalin?|delete|fopen|rmdir|mkdir|urlwrite|websave|addpath"
        r"|run)[ \t]*\([\"'][^\n]{0,200}|function[ \t]+(?:\[[^\]\n]{0,80}\]|\w+)[ \t]*=[^\n]{1,200}"
        r"|(?:program|subroutine|module)[ \t]+\w+[ \t]*(?:\([^\n]{0,200}\))?[ \t]*$|call[ \t]+\w+[ \t]*\("
        r"|implicit[ \t]+none|end[ \t]+(?:program|subroutine|module|function)\b"
    ),
    "Basic": (
        r"(?:Public[ \t]+|Private[ \t]+)?(?:Sub|Function)[ \t]+\w+[ \t]*(?:\([^\n]{0,200})?$|End[ \t]+(?:Sub"
        r"|Function)\b|Dim[ \t]+\w+|(?:Set[ \t]+\w+[ \t]*=|On[ \t]+Error|Shell[ \t]+[\"(]|Call[ \t]+\w+[ \t]*\()"
        r"|(?:do[ \t]+shell[ \t]+script|tell[ \t]+application)[ \t]+\""
    ),
    "AWK": r"(?:BEGIN|END)[ \t]*\{|(?:/[^/\n]{1,200}/|\$\d+[^\n{]{0,80})[ \t]*\{[^\n]{0,200}",
    "Swift": r"(?:import[ \t]+Foundation|(?:let|var)[ \t]+\w+(?:[ \t]*:[^=\n]{1,80})?[ \t]*=[ \t]*[A-Z]?\w+\()",
    "CMake": (
        r"(?:execute_process|add_custom_(?:command|target)|add_(?:executable|library)|file|include"
        r"|cmake_minimum_required|project|set|find_package)[ \t]*\([^\n]{1,200}"
        r"|(?:task|plugins|buildscript|dependencies|provisioner|resource|provider)\b[^\n]{0,200}\{"
        r"|(?:gen)?rule(?:[ \t]+\w+[ \t]*$|\()|build[ \t]+\S+[ \t]*:[ \t]*\w+|(?:command|commandLine"
        r"|cmd)[ \t]*=[ \t]*\S"
    ),
    "TeX or PostScript": (
        r"\\(?:documentclass|immediate|write18|input|openout|directlua|ShellEscape)\b|%!PS|\\(?:def|newcommand"
        r"|catcode)\b"
    ),
    "gnuplot": (
        r"set[ \t]+(?:terminal|output|term)[ \t]+\S|system[ \t]+[\"']|(?:python|shell|source)[ \t]+\S*[/.(]\S*[ \t]*$"
    ),
    "IPython": (
        r"%{1,2}(?:bash|sh|script|run|system|sx|cd|load|writefile|pip|perl|ruby|html|js|javascript)\b"
        r"|![a-z]\w*[ \t]+\S"
    ),
}  # fmt: skip
"""How a line begins by which a program of a language does something; spelled as the language does."""
_NAMES: Final = tuple(_DOES)
_FORM: Final = re.compile("|".join(f"(?P<at{number}>{form})" for number, form in enumerate(_DOES.values())))
_LIKE: Final = re.compile(
    r"[;{}(\[,\\]$|\)$|^[)}\]]|[)\]\w\"'`][ \t]*[=!<>+*/|&]{1,3}[ \t]*\S|^[\w.$@:]+[ \t]*\([^\n]*\)[^\w\n]{0,3}$"
    r"|^(?:begin|break|case|catch|continue|default|do|done|elif|else|elseif|elsif|end\w*|ensure|esac|fi|finally|loop"
    r"|next|pass|redo|rescue|return|then|try|when|yield)\b[^.\n]{0,60}$|->|=>|::|\|>|^[$@%&\\.:(-]"
)
"""A line that is no sentence: it ends or begins with a sign, sets or compares something, calls, or ends a block."""
_BLOCKS: Final = {
    "/*": "*/", "{-": "-}", "#|": "|#", "--[[": "]]", "#=": "=#", "<#": "#>", "(*": "*)", "\n=begin": "\n=end",
    "\n=pod": "\n=cut", "\n=head1": "\n=cut", "\n%{\n": "\n%}", '"""': '"""', "`": "`",
}  # fmt: skip
"""How comments and texts over several lines begin and end. What stands between back-quotes on a line is a command."""
_OPENING: Final = re.compile("|".join(map(re.escape, _BLOCKS)))
_LEXED: Final = re.compile(
    r"(?://|--(?!\[\[)|#(?![|=]))[^\n]{0,4000}|\"(?!\"\")(?:[^\"\\\n]|\\.){0,4000}\"|'(?:[^'\\\n]|\\.){0,4000}'|"
    + _OPENING.pattern
)
"""The same, where what stands in a text or behind the sign of a comment begins nothing."""
_HERE: Final = re.compile(r"<<[-~]?[ \t]{0,9}[\"']?([A-Za-z_]\w{0,39})[\"']?")
_MOST_HERE: Final = 100
_LINE_COMMENT: Final = re.compile(
    r"//|--(?![-|])|#(?!\s{0,4}(?:include|define|ifn?def|pragma|!?\[|use))|;|%(?![\w%{!])|\"(?=[^\"]*$)|'(?=[^']*$)"
    r"|!(?=[ \t])|\*|(?:rem|REM|dnl)\b"
)
_FENCED: Final = re.compile(r"^ {0,3}```[^\n]*\n.*?(?:^ {0,3}```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
"""An example in a model card; behind the sign of a comment it is none."""
_LONGEST: Final = 1 << 17
_READING: Final = 400
"""How many times a text counts that is read as a program, line by line and three times."""
_HALF_LINE: Final = 200
_SHARE, _LEAST_DOING, _MOSTLY = 0.5, 0.02, 0.9
"""So many lines look like statements where so many do something; where fewer do, nearly all must look like some."""


def unfenced(text: str) -> str:
    """Return a text without its examples, which nobody runs."""
    return _FENCED.sub("", text) if "```" in text else text


def language(text: str, budget: Budget) -> str | None:
    """Return the language in which a text would be a program; None if it reads like none.

    Raises:
        TooMuchError: If too much of the file was looked at already.
    """
    budget.look(_READING * min(len(text), _LONGEST))
    window = unfenced(text[:_LONGEST])
    shorter = _without_blocks(_without_here(window), _OPENING)
    if len(text) > _LONGEST and 2 * len(shorter) < len(window):
        return "a language that begins with long comments"
    # Where a comment ends depends on the language, and a sign of one may stand in a text or behind another one.
    readings = dict.fromkeys((shorter, window, _without_blocks(window, _LEXED)))
    return next((found for found in map(_read, readings) if found is not None), None)


def _read(plain: str) -> str | None:
    """Return the language of a text that is without comments by one reading."""
    found, like, lines = Counter[str](), 0, 0
    for whole in plain.splitlines():
        line = whole.strip()
        if not line or _LINE_COMMENT.match(line):
            continue
        lines += 1
        line = line if len(line) <= 2 * _HALF_LINE else line[:_HALF_LINE] + line[-_HALF_LINE:]
        if (form := _FORM.match(line)) is not None:
            found[form.lastgroup or ""] += 1
        elif _LIKE.search(line) is not None:
            like += 1
    does = found.total()
    if not does or does + like < (_SHARE if does >= _LEAST_DOING * lines else _MOSTLY) * lines:
        return None
    return _NAMES[int(found.most_common(1)[0][0].removeprefix("at"))]


def _without_here(text: str) -> str:
    """Drop what stands in a text until a word of the program's own choice ends it."""
    kept, at = list[str](), 0
    for count, here in enumerate(_HERE.finditer(text)):
        if count == _MOST_HERE:
            break
        start = text.find("\n", here.end())
        end = text.find(f"\n{here[1]}", start) if start >= 0 else -1
        if here.start() >= at and end >= 0:
            kept.append(text[at:start])
            at = end + 1 + len(here[1])
    return "".join([*kept, text[at:]])


def _without_blocks(text: str, openings: re.Pattern[str]) -> str:
    """Drop comments and texts over several lines; what is found and begins none is passed over."""
    kept, at, open_ended = list[str](), 0, set[str]()
    while (opening := openings.search(text, at)) is not None:
        sign, start, inside = opening[0], opening.start(), opening.end()
        if sign not in _BLOCKS:
            kept.append(text[at:inside])
            at = inside
            continue
        end = -1 if sign in open_ended else text.find(_BLOCKS[sign], inside)
        if end < 0:
            open_ended.add(sign)
        block = sign != "`" or text.find("\n", inside, end) >= 0
        if end < 0 or not block:
            stop = inside if end < 0 else end + 1
            kept.append(text[at:stop])
            at = stop
        else:
            kept.append(text[at:start])
            at = end + len(_BLOCKS[sign])
    return "".join([*kept, text[at:]])
