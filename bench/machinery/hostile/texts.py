"""Texts that run code: programs that begin like data, configurations that name what to call, templates that climb."""

import json
from collections.abc import Callable
from typing import Final


def _program(canary: str) -> bytes:
    return f'{{"a": [1, 2]}}\nx = 3\n__import__("os").mkdir({canary!r})\n'.encode()


def _like_numbers(canary: str) -> bytes:
    rows = "\n".join("1, 2, 3" for _ in range(200))
    return f"{rows}\nfrom os import mkdir as f\nf({canary!r})\n".encode()


def _behind_a_list(canary: str) -> bytes:
    """A list that is longer than anybody reads as Python, and then the program."""
    rows = "1,\n" * 20_000
    return f"a = [\n{rows}]\nfrom os import mkdir as f\nf({canary!r})\n".encode()


def _as_a_pickle(canary: str) -> bytes:
    """For a pickle a text and a copy of it; Python sets `V` to what a call gives, and ends with the number 2."""
    return f"V=__import__('os').mkdir({canary!r})\n2.".encode()


def _other_codec(canary: str) -> bytes:
    """In UTF-7 a bracket is written with letters."""
    return f"# -*- coding: utf-7 -*-\n__import__+ACg'os'+ACk-.mkdir+ACg-{canary!r}+ACk-\n".encode()


def _decorated(canary: str) -> bytes:
    return f"from os import mkdir as f\n@f\n@lambda _: {canary!r}\nclass x: y = 1\n".encode()


def _target(canary: str) -> bytes:
    return f"model:\n  _target_: os.mkdir\n  _args_: [{canary!r}]\n".encode()


def _escaped_target(canary: str) -> bytes:
    return f'model:\n  "\\x5ftarget_": os.mkdir\n  _args_: [{canary!r}]\n'.encode()


def _continued_target(canary: str) -> bytes:
    return f'model:\n  ? "_tar\\\n    get_"\n  : posix.mkdir\n  _args_: [{canary!r}]\n'.encode()


def _unlisted_target(canary: str) -> bytes:
    return f"model: {{_target_: joblib.disk.mkdirp, _args_: [{canary!r}]}}\n".encode()


def _target_beside_layers(canary: str) -> bytes:
    """What is a layer for one library hides what is a call for another."""
    call = {"_target_": "os.mkdir", "_args_": [canary]}
    return json.dumps({"model": call, "layer": {"class_name": "Dense", "config": {}}}).encode()


def _target_with_words(canary: str) -> bytes:
    return f"model:\n  target: joblib.disk.mkdirp\n  params: {{d: {canary}}}\n".encode()


def _whole_tag(canary: str) -> bytes:
    return f"a: !<!apply:os.mkdir> [{canary}]\n".encode()


def _escaped_tag(canary: str) -> bytes:
    return f"a: !%61pply:os.mkdir [{canary}]\n".encode()


def _other_line_ends(canary: str) -> bytes:
    return _other_codec(canary).replace(b"\n", b"\r").join((b"\r", b""))


def _yaml(canary: str) -> bytes:
    return f"a: !!python/object/apply:os.mkdir [{canary!r}]\n".encode()


_CLIMB: Final = "{{% for m in messages %}}{{{{ m.role }}}}{{% endfor %}}{{{{ {} }}}}"


def _climbing(expression: str) -> Callable[[str], str]:
    def build(canary: str) -> str:
        return _CLIMB.format(expression.replace("CANARY", json.dumps(canary)))

    return build


CLIMBS: Final = {
    "attribute": "cycler.__init__.__globals__.os.mkdir(CANARY)",
    "item": "messages['__class__'] and cycler['__init__']['__globals__'].os.mkdir(CANARY)",
    "filter": "(cycler|attr('__init__')|attr('__globals__')).os.mkdir(CANARY)",
    "escaped": "cycler['\\x5f\\x5finit\\x5f\\x5f']['\\x5f\\x5fglobals\\x5f\\x5f'].os.mkdir(CANARY)",
    "joined": "cycler['_'~'_init_'~'_']['_'~'_globals_'~'_'].os.mkdir(CANARY)",
    "computed filter": "(cycler|attr(['__in','it__']|join)|attr(['__glo','bals__']|join)).os.mkdir(CANARY)",
    "mapped": '([cycler]|map(attribute="__init__")|first) and cycler.__init__.__globals__.os.mkdir(CANARY)',
    "of a text": "''.__class__ and joiner.__init__.__globals__.os.mkdir(CANARY)",
    "formatted": "cycler['%c%cinit%c%c'|format(95,95,95,95)]['%c%cglobals%c%c'|format(95,95,95,95)].os.mkdir(CANARY)",
}


def _jinja(name: str) -> Callable[[str], bytes]:
    return lambda canary: json.dumps({"chat_template": _climbing(CLIMBS[name])(canary)}).encode()


def _set_first(canary: str) -> bytes:
    template = (
        "{% set a = '_' ~ '_init_' ~ '_' %}{% set b = '_' ~ '_globals_' ~ '_' %}{% set c = cycler %}"
        f"{{{{ c[a][b].os.mkdir({json.dumps(canary)}) }}}}"
    )
    return json.dumps({"chat_template": template}).encode()


_LETTERS: Final = {
    **dict.fromkeys("_it", ("dict().items()|string", "dict_items([])")),
    **dict.fromkeys("nlas", ("namespace|string", "<class 'jinja2.utils.Namespace'>")),
    **dict.fromkeys("gob", ("dict.get|string", "<method 'get' of 'dict' objects>")),
}
"""Texts that every template can reach, and the letters in them."""


def _added(canary: str) -> bytes:
    """Names that are put together from letters of texts which nobody spelled."""
    opened = "".join(
        f"{{% for {'u' if letter == '_' else letter} in {over} %}}{{% if loop.index == {text.index(letter) + 1} %}}"
        for letter, (over, text) in _LETTERS.items()
    )
    climb = f"{{{{ namespace[u+u+i+n+i+t+u+u][u+u+g+l+o+b+a+l+s+u+u].os.mkdir({json.dumps(canary)}) }}}}"
    return json.dumps({"chat_template": opened + climb + "{% endif %}{% endfor %}" * len(_LETTERS)}).encode()


def _frame(canary: str) -> bytes:
    """The frame of an iterator, by a name that is a text."""
    opening = f"g['gi_frame']['f_builtins']['open']({json.dumps(canary)}, 'w')"
    return json.dumps({"chat_template": f"{{% set g = messages|map('upper') %}}{{{{ {opening} }}}}"}).encode()


def _prompt(canary: str) -> bytes:
    """A template without any statement, under a name that is none of a chat's."""
    climb = CLIMBS["computed filter"].replace("CANARY", json.dumps(canary))
    return json.dumps({"template": "{{ " + climb + " }}", "template_format": "jinja2"}).encode()


def _after_comment(canary: str) -> bytes:
    climb = CLIMBS["attribute"].replace("CANARY", json.dumps(canary))
    return json.dumps({"chat_template": "{# {{ ' #}{{ " + climb + " }}{# ' }} #}"}).encode()


def _after_raw(canary: str) -> bytes:
    climb = CLIMBS["attribute"].replace("CANARY", json.dumps(canary))
    return json.dumps({"chat_template": "{% raw %}{{ ' {%- endraw %}{{ " + climb + " }}"}).encode()


def _shell(canary: str) -> bytes:
    return f"mkdir {canary}\n".encode()


def _shell_behind_a_fence(canary: str) -> bytes:
    """Three back-quotes in a comment are no example of a model card."""
    return f"# ```\nmkdir {canary}\n# ```\n".encode()


def _query(canary: str) -> bytes:
    return f"CREATE TABLE a (b INTEGER);\nCOPY a TO '{canary}';\n".encode()


def _query_among_words(canary: str) -> bytes:
    words = "These are words about a model and the data that it was made of.\n" * 200
    return f"/* {words} */\nCOPY (SELECT 1) TO '{canary}';\n".encode()


def _logging(canary: str) -> bytes:
    settings = "[loggers]\nkeys=root\n[handlers]\nkeys=x\n[formatters]\nkeys=\n[logger_root]\nlevel=INFO\nhandlers=\n"
    return f"{settings}[handler_x]\nclass=NullHandler\nargs=(__import__('os').mkdir({canary!r}),)[1:]\n".encode()


def _git(canary: str) -> bytes:
    return f"[core]\n\tfsmonitor = mkdir {canary} #\n".encode()


TEXTS: Final[dict[str, tuple[str, Callable[[str], bytes]]]] = {
    "text: a program that begins like data": ("program", _program),
    "text: a program behind rows of numbers": ("program", _like_numbers),
    "text: a program in another codec": ("program", _other_codec),
    "text: a program in another codec and line by line": ("program", _other_line_ends),
    "text: a program without a bracket": ("program", _decorated),
    "text: a program behind a list": ("program", _behind_a_list),
    "text: a program that is a pickle": ("program", _as_a_pickle),
    "text: commands of a shell": ("shell", _shell),
    "text: commands of a shell behind a fence": ("shell", _shell_behind_a_fence),
    "text: queries that write": ("sql", _query),
    "text: queries that write, among words": ("sql", _query_among_words),
    "text: settings of logging": ("logging", _logging),
    "text: settings of git": ("git", _git),
    "yaml: a tag": ("yaml", _yaml),
    "yaml: a target": ("targets", _target),
    "yaml: an escaped target": ("targets", _escaped_target),
    "yaml: a target over two lines": ("targets", _continued_target),
    "yaml: an unlisted target": ("targets", _unlisted_target),
    "yaml: a target beside layers": ("targets", _target_beside_layers),
    "yaml: a target with words": ("targets", _target_with_words),
    "yaml: a whole tag": ("tags", _whole_tag),
    "yaml: an escaped tag": ("tags", _escaped_tag),
    **{f"jinja: {name}": ("jinja", _jinja(name)) for name in CLIMBS},
    "jinja: names that were set before": ("jinja", _set_first),
    "jinja: names of letters": ("jinja", _added),
    "jinja: the frame of an iterator": ("jinja", _frame),
    "jinja: a prompt": ("prompt", _prompt),
    "jinja: behind a comment": ("jinja", _after_comment),
    "jinja: behind raw text": ("jinja", _after_raw),
}
