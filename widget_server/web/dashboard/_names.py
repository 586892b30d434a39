"""What questions and languages are called, in the member's language."""

from functools import lru_cache

from babel import Locale, UnknownLocaleError
from flask_babel import get_locale

from widget_server.contract.shop import Question


def title_of(question: Question, lang: str | None = None) -> str:
    """What the question asks, in `lang` or else in the language that the member reads best."""
    return text_of(question, "title", question.name, lang)


def text_of(question: Question, key: str, otherwise: str, lang: str | None = None) -> str:
    """One of its texts, in the same way."""
    for each in (lang or str(get_locale() or "en"), "en", *question.texts):
        found = question.texts.get(each, {}).get(key)
        if found:
            return str(found)
    return otherwise


def language_name(code: str) -> str:
    """A language in the member's own, as it stands within a sentence; the code where nobody knows it."""
    return _language_name(code, str(get_locale() or "en"))


# To find out that nobody knows a code takes 2 ms, and a form can have hundreds of fields in languages of that kind.
@lru_cache(1024)
def _language_name(code: str, language: str) -> str:
    try:
        return str(Locale.parse(code.replace("-", "_")).get_display_name(language) or code)
    except (UnknownLocaleError, ValueError):
        return code
