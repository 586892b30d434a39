"""What questions and languages are called, in the member's language."""

from babel import Locale, UnknownLocaleError
from flask_babel import get_locale

from widget_server.contract.shop import Question


def title_of(question: Question) -> str:
    """What the question asks, in the member's language where it has that."""
    return text_of(question, "title", question.name)


def text_of(question: Question, key: str, otherwise: str) -> str:
    """One of its texts."""
    wanted = str(get_locale() or "en")
    texts = question.texts.get(wanted) or question.texts.get("en") or next(iter(question.texts.values()), {})
    return texts.get(key, otherwise)


def language_name(code: str) -> str:
    """A language in the member's own."""
    try:
        return str(Locale.parse(code).get_display_name(str(get_locale() or "en")) or code)
    except (UnknownLocaleError, ValueError):
        return code
