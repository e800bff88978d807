"""What was said last in a conversation, in the forms in which servers and tracers of language models write one."""

from collections.abc import Sequence
from typing import Any, Final

from caponier.telemetry.field_maps.paths import Records, steps_of
from caponier.telemetry.field_maps.value_kinds import MOST_CATEGORIES, NEARLY_ALL, nearly

_ASKED: Final = ("prompt", "inputs", "inputText", "text")
"""Under these a request has its text: of OpenAI and Triton, of Hugging Face, of Titan, and of services of one's own."""
_TEXTS: Final = ("text", "content")
_MESSAGE: Final = (
    ("content", r".content"),
    ("parts", r".parts"),
    ("kwargs", r".kwargs"),
    ("message.content", r".message\.content"),
)
"""Where a message has what was said: of most, of Gemini and OpenTelemetry, of LangChain, and of OpenInference."""
_ANSWERS: Final = ("[0].message.content", "[0].text", "[0].content.parts[0].text", "[0].content[0].text")
_LONGEST_CLASS: Final = 40
"""Letters of a class that a language model names."""
_ROLES: Final = ("role", "message.role", "id", "type")
"""One of these a message has besides: an object with a content alone may be anything."""


def last_words(values: Sequence[Any]) -> str | None:
    """Return the path, below a list of messages, to the text of the last one; None where lists hold other things.

    Args:
        values: The lists.
    """
    held = [value for value in values if isinstance(value, list) and value]
    if not held:
        return None
    if nearly(isinstance(value[0], list) for value in held):
        # Several conversations, as a batch of LangChain is.
        inner = last_words([value[0] for value in held if isinstance(value[0], list)])
        return None if inner is None else f"[0]{inner}"
    last = [one for value in held if isinstance(one := value[-1], dict) and any(role in one for role in _ROLES)]
    if not nearly([True] * len(last) + [False] * (len(held) - len(last))):
        return None
    for key, step in _MESSAGE:
        said = [one.get(key) for one in last]
        if (inner := _text_below(said)) is not None:
            return f"[-1]{step}{inner}"
    return None


def said_class(values: Sequence[Any]) -> str | None:
    """Return the path, below a list of what a language model said, to the class that it named; None where it talks.

    A model that sorts texts says one of a few words, again and again.

    Args:
        values: The lists, such as `choices` of OpenAI, `content` of Anthropic and `candidates` of Gemini.
    """
    records = Records([{"said": one} for one in values])
    for step in _ANSWERS:
        said = [one.strip() for one in records.values(steps_of(f"said{step}")) if isinstance(one, str)]
        kinds = set(said)
        if len(said) >= NEARLY_ALL * len(values) and 1 < len(kinds) <= min(MOST_CATEGORIES, len(said) // 2):
            return step if all(0 < len(one) <= _LONGEST_CLASS for one in kinds) else None
    return None


def _text_below(said: Sequence[Any]) -> str | None:
    """Return the path from what a message says to its text, in the form of nearly all of them."""
    if nearly(isinstance(one, str) for one in said):
        return ""
    parts = [one[0] for one in said if isinstance(one, list) and one and isinstance(one[0], dict)]
    for key in _TEXTS if parts else ():
        if sum(isinstance(one.get(key), str) for one in parts) >= NEARLY_ALL * len(said):
            return f"[0].{key}"
    inner = nearly(isinstance(one, dict) and isinstance(one.get("content"), str) for one in said)
    return ".content" if inner else None


def asked_in_words(body: Any) -> str | None:
    """Return the text that a request asks a model of texts about; None where it asks about something else.

    Args:
        body: The request.
    """
    if not isinstance(body, dict):
        return None
    messages = body.get("messages")
    if isinstance(messages, list) and (path := last_words([messages])) is not None:
        return str(Records([{"said": messages}]).values(steps_of(f"said{path}"))[0])
    found = next((body[name] for name in _ASKED if isinstance(body.get(name), str)), None)
    return None if found is None else str(found)
