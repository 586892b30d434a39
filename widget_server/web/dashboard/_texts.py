"""The languages of the owner's pages. English stands in the code; the others are `translations/LANGUAGE.po`, read as they
are, once a process. What a catalog lacks is shown in English; a test fails on it.
"""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request
from flask_babel import Babel, Domain, LazyString, get_locale, gettext, pgettext
from markupsafe import Markup, escape

# By their own names, for whoever looks for the own one.
LANGUAGES = {"lv": "Latviešu", "lt": "Lietuvių", "et": "Eesti", "ru": "Русский", "en": "English"}
SOURCE = "en"
CATALOGS = Path(__file__).parents[1] / "translations"

Said = Callable[[], str | None]


def install(app: Flask, language: Said, time_zone: Said) -> None:
    """Set up texts, numbers and times of `app`: in `language()` where it names one, else as the browser wishes."""

    def chosen() -> str:
        wanted = language()
        return wanted if wanted in LANGUAGES else of_browser()

    _Catalogs().init_app(app, default_locale=SOURCE, locale_selector=chosen, timezone_selector=time_zone)


def of_browser() -> str:
    """The language of LANGUAGES that this request's Accept-Language likes best."""
    return negotiate_locale([each for each, _ in request.accept_languages], list(LANGUAGES), sep="-") or SOURCE


@cache
def catalog(language: str) -> NullTranslations:
    """The texts of a language; those of the source are the texts themselves."""
    path = CATALOGS / f"{language}.po"
    if language == SOURCE or not path.exists():
        return NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


class _Lazy(LazyString):  # type: ignore[misc]
    def __html__(self) -> Markup:
        # Its parent's goes into a page as it is: a text that names a tag, such as </head>, would be that tag.
        return escape(str(self))


def lazy_gettext(text: str, **values: object) -> LazyString:
    """A text that is looked up where it is shown, in the language of whoever looks; as escaped there as any other."""
    return _Lazy(gettext, text, **values)


def lazy_pgettext(context: str, text: str, **values: object) -> LazyString:
    """As `lazy_gettext`, for a text that means something in its context."""
    return _Lazy(pgettext, context, text, **values)


class _Texts(Domain):  # type: ignore[misc]
    def get_translations(self) -> NullTranslations:
        # Asked for each text of a page: what is quick here tells.
        locale = get_locale()
        return catalog(locale.language if locale else SOURCE)


class _Catalogs(Babel):  # type: ignore[misc]
    @property
    def domain_instance(self) -> Domain:
        return _Texts()
