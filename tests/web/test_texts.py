"""The owner's pages say everything in every language: nothing is untranslated, nothing is said that can't be translated."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment
from jinja2.ext import i18n

from tests.texts import WEB, lacking, said, stored
from widget_server.web.dashboard._texts import LANGUAGES, SOURCE, catalog

TEMPLATES = sorted((WEB / "templates/dashboard").rglob("*.html"))
MODULES = sorted((WEB / "dashboard").glob("*.py"))
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
# In English on purpose: it is for those who build pages.
STYLE = "style.html"
_CALLS = {"_", "gettext", "ngettext", "pgettext", "lazy_gettext", "lazy_ngettext", "lazy_pgettext"}
_HOLDS = re.compile(r"%\([a-z_]+\)[sd]|%%")
# Words of whoever writes programs, signs, and names: the same in every language.
_SAME_EVERYWHERE = re.compile(r"^\W*(CSV|JSON|API|Atbalss|QR|TOTP|NPS|CES|CSAT|URL)?\W*$")


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_untranslated(language: str) -> None:
    known = stored(language)
    assert lacking(known) == []
    missing = [message.id for message in said() if message.id and known.get(message.id, message.context) is None]
    assert missing == [], "python -m tests.texts adds what is new"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_holds_what_its_source_holds(language: str) -> None:
    for message in stored(language):
        if not message.id:
            continue
        if isinstance(message.id, str):
            assert sorted(_HOLDS.findall(str(message.string))) == sorted(_HOLDS.findall(message.id)), message.id
        else:
            allowed = set(_HOLDS.findall(message.id[1]))
            assert all(set(_HOLDS.findall(form)) <= allowed for form in message.string), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_templates_say_has_no_tags(language: str) -> None:
    """Jinja takes what a template says for markup: a `<head>` in a translation would be gone."""
    known = stored(language)
    in_templates = [message for message in said() if message.id and any(where.startswith("templates") for where, _ in message.locations)]
    for message in in_templates:
        found = known.get(message.id if isinstance(message.id, str) else message.id[0], message.context)
        assert found is not None
        assert not re.search("[<>&]", str(found.string)), message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogs_are_read_as_they_are(language: str) -> None:
    assert catalog(language).gettext("Searches") not in ("", "Searches")


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.name != STYLE], ids=lambda path: str(path.relative_to(WEB / "templates/dashboard")))
def test_a_template_says_nothing_that_can_t_be_translated(path: Path) -> None:
    assert spoken(path.read_text()) == []


def test_what_can_t_be_translated_would_be_seen() -> None:
    assert spoken('<p>{{ _("Fine") }}</p><b>Planted words</b><img alt="Planted too">') == ["Planted words", "Planted too"]


def test_what_the_code_of_pages_says_is_found() -> None:
    """What is said inside an f-string is not."""
    known = {(message.context, message.id if isinstance(message.id, str) else message.id[0]) for message in said()}
    assert [(path.name, one) for path in MODULES for one in says(path.read_text()) if one not in known] == []


def test_what_code_says_is_seen_in_f_strings_too() -> None:
    assert set(says("""f"{gettext('Planted')}" + pgettext("a bed", "Planted")""")) == {(None, "Planted"), ("a bed", "Planted")}


def says(code: str) -> Iterator[tuple[str | None, str]]:
    """The texts that code asks a translation for, with their contexts."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if texts and "pgettext" in node.func.id:
                yield texts[0], texts[1]
            elif texts:
                yield None, texts[0]


def spoken(source: str) -> list[str]:
    """The literal words of a template: text between tags, and attributes that people read or hear."""
    tokens = Environment(extensions=[i18n]).lex(source)
    literal = "".join(value if kind == "data" else "\0" for _, kind, value in tokens)
    literal = re.sub(r"<!--.*?-->|<(script|style|svg|code|kbd|samp|pre)\b.*?</\1>", "", literal, flags=re.S)
    words = re.findall(r'\b(?:alt|title|placeholder|aria-label)="([^"\0]+)"', literal)
    between = re.sub(r"<[^>]*>", "\n", literal)
    said_between = [piece.strip() for line in between.split("\n") for piece in line.split("\0")]
    return [one for one in (*said_between, *words) if re.search(r"[^\W\d_]{2}", one) and not _SAME_EVERYWHERE.match(one) and '="' not in one]
