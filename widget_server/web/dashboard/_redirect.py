"""The way back after the sign-in: a path of our own pages, and nothing else."""

import re
from urllib.parse import quote

from flask import request

# What a browser can't take for another place: below /app, of plain characters, without dots as a segment.
_CHARACTER = r"(?:[A-Za-z0-9_~!$'()*+,;=:@.-]|%(?!2[EeFf]|5[Cc]|[01])[0-9A-Fa-f]{2})"
_PATH = re.compile(rf"/app(?:/(?!\.){_CHARACTER}+)*/?", re.ASCII)
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*", re.ASCII)
_MOST = 1000
_NEVER = ("/app/sign-in", "/app/sign-out")
START = "/app"


def safe(target: str | None) -> str:
    """`target` where it is one of our pages, else the first page."""
    path, _, query = (target or "").partition("?")
    if len(target or "") > _MOST or not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
        return START
    if path.startswith(_NEVER):
        return START
    return f"{path}?{query}" if query else path


def back_here() -> str | None:
    """What brings whoever signs in back to this request; None where that is no page to look at."""
    if request.method != "GET" or request.path == START:
        return None
    path, query = quote(request.path), request.query_string.decode("latin-1")
    here = safe(f"{path}?{query}" if query else path)
    return None if here == START else here
