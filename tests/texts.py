"""`python -m tests.texts`: brings the catalogs of the owner's pages up to date with what the pages say.

New texts are added untranslated, those that nobody uses any more are dropped. Prints how many each language lacks.
"""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from widget_server.web.dashboard._texts import CATALOGS, LANGUAGES, SOURCE

WEB = Path(__file__).parents[1] / "widget_server/web"
_HOW = [("dashboard/**.py", "python"), ("templates/dashboard/**.html", "jinja2")]
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "lazy_ngettext": (1, 2), "_l": None, "pgettext": ((1, "c"), 2), "lazy_pgettext": ((1, "c"), 2)}


def said() -> Catalog:
    """Every text of the pages, and where it stands."""
    found = Catalog(charset="utf-8", fuzzy=False)
    for name, line, message, comments, context in extract_from_dir(WEB, _HOW, keywords=_KEYWORDS, strip_comment_tags=True):
        found.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return found


def stored(language: str) -> Catalog:
    """The catalog of a language as it is; an empty one where there is none."""
    path = CATALOGS / f"{language}.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def lacking(catalog: Catalog) -> list[str]:
    """The texts without a translation; of those with plural forms, where one form lacks."""
    return [
        str(message.id) for message in catalog
        if message.id and not all(message.string if isinstance(message.string, list | tuple) else [message.string])
    ]  # fmt: skip


def update(language: str) -> Catalog:
    """Bring one catalog up to date and write it."""
    catalog = stored(language)
    catalog.update(said(), no_fuzzy_matching=True, keep_user_comments=False)
    catalog.obsolete.clear()
    CATALOGS.mkdir(exist_ok=True)
    with (CATALOGS / f"{language}.po").open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, no_location=True, omit_header=False)
    return catalog


def main() -> int:
    for language in LANGUAGES:
        if language != SOURCE:
            print(f"{language}: {len(lacking(update(language)))} untranslated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
