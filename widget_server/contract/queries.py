"""When are two search queries the same? Evened out for grouping only; what was typed is kept and shown."""

import re
import unicodedata
from functools import lru_cache

_SPACES = re.compile(r"\s+")
# Letters that Unicode does not decompose, though people type them with and without the stroke.
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"})
# Part of a PostgreSQL key, which may have 2,704 bytes in all: a key of 500 characters, or one whose letters come
# apart, would not fit. Nobody tells longer queries apart.
LONGEST = 200
# й is a letter of its own, not и with an accent (ё is written е every day, so that one is folded).
_KEPT = {"и\u0306": "й"}


@lru_cache(maxsize=16_384)
def query_key(query: str) -> str:
    """The query under which `query` is grouped: Unicode form, case and spaces evened out, diacritics folded.

    >>> query_key("  KRĒSLS\\u00a0 zaļš ")
    'kresls zals'
    """
    return folded(query)[:LONGEST].rstrip()


def folded(text: str) -> str:
    """A text of any length, evened out as queries are."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    for pair, letter in _KEPT.items():
        decomposed = decomposed.replace(pair, letter)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).translate(_STROKES)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", bare)).strip()
