"""What of a line of text its program wrote, and what it only repeats of somebody else.

Whoever asks a server chooses his user agent, the path, the name he gives, what he writes to a model. A program that
logs these puts them in quotes, or behind a word for what they are. What stands there is read by nobody here.
"""

import re
from typing import Final

READ: Final = 4_096
"""Characters of a line that are looked at."""
_SENT: Final = (
    r"(?:(?:user|http)[ _-]?)?agent|ua|referr?er|ur[il]|path\w*|file\w*|query|params?|parameters?|body|cookies?"
    r"|headers?"
    r"|payload|prompts?|inputs?|contents?|completion|comments?|subjects?|titles?|text|said|says|wrote|args?|arguments?"
    r"|command\w*|cmd|x-forwarded\w*|forwarded[ _-]for"
)
_STOP: Final = re.compile(
    rf"(?i)(?P<word>(?<![\w-])(?:{_SENT})(?:[\"']?\s?[=:]\s{{0,4}}|\s?(?=[\"'`])|\s?\Z))|\"|(?<!\w)['`]|(?<==)[<(]"
)
"""A word for what somebody sent with a sign that it follows, or a quotation mark and no apostrophe behind a letter.

Mail servers put a value in brackets, as in `helo=<gw>` and `H=(gw)`.
"""
_OBJECT: Final = re.compile(r"\{\s{0,4}\\?[\"']")
"""Where an object begins: its fields are told where it is read as one, or by nobody."""
_TOKEN: Final = re.compile(r"[\w.@+$:\-]{1,128}")
"""A name or an address alone: it says no more than the word in front of it asks for."""
REQUEST: Final = re.compile(r"[A-Z]{3,8}|(?:[A-Z]{3,8} )?(?:/|https?://)\S*(?: HTTP/[\d.]{1,3})?|[\w.:]{1,64}")
"""A request, or a part of one: servers put it in quotes themselves."""
_NAMES: Final = re.compile(r"\"[^\"]*\"|(?<!\w)'[^']*'|`[^`]*`")
_MASK: Final = '""'
_ENDS: Final = {
    # Within a request no quote ends it: many servers escape none, and a target has no blank.
    '"': re.compile(r'[A-Z]{3,8} \S+ HTTP/[\d.]{1,3}"|(?:[^\\"]|\\.)*+"', re.DOTALL),
    "'": re.compile(r"(?:[^\\']|\\.|'(?=\w))*+'", re.DOTALL),
    "`": re.compile(r"[^`]*+`", re.DOTALL),
    "<": re.compile(r"[^>]*+>", re.DOTALL),
    "(": re.compile(r"[^()]*+\)", re.DOTALL),
}


def own(text: str, kept_whole: re.Pattern[str] = _TOKEN) -> str:
    """Return a line without what somebody sent: quotations of more than a name, objects, and all behind a word for it.

    Args:
        text: The line; of no more than `READ` characters anything is looked at.
        kept_whole: Of quotations, what is kept as it is.

    Returns:
        It with `""` in the place of each quotation. A quotation that does not end goes on to the end of the line.
    """
    text, kept, at = _OBJECT.split(text[:READ], 1)[0], [], 0
    while stop := _STOP.search(text, at):
        kept.append(text[at : stop.start()])
        word = stop["word"] is not None
        begin = stop.end() if word else stop.start()
        ends = _ENDS.get(text[begin : begin + 1])
        end = ends.match(text, begin + 1) if ends else None
        if end is None:
            # Without quotes nobody can tell where it ends.
            return "".join([*kept, _MASK])
        at = end.end()
        named = not word and kept_whole.fullmatch(text, begin + 1, at - 1)
        kept.append(text[begin:at] if named else _MASK)
    return "".join([*kept, text[at:]])


def is_own(text: str) -> bool:
    """Tell whether a text repeats nothing of anybody."""
    return _STOP.search(text) is None


def unquoted(text: str) -> str:
    """Return a line that `own` gave without the names that stand in quotes."""
    return _NAMES.sub(_MASK, text)
