"""Bytes that are sent many times, packed once: each visitor gets them in the smallest form the browser takes."""

import gzip
from dataclasses import dataclass

import brotli


@dataclass(frozen=True, slots=True)
class Packed:
    """The same content as it is, gzipped, and in brotli (which browsers take over https only)."""

    plain: bytes
    gzip: bytes
    br: bytes

    def best(self, accept_encoding: str) -> tuple[str, bytes]:
        """The name of the content coding, "" for none, and the bytes in it: the fewest of those that are accepted."""
        taken = _taken(accept_encoding)
        forms = [("br", self.br), ("gzip", self.gzip), ("", self.plain)]
        return min((form for form in forms if form[0] in taken), key=lambda form: len(form[1]))


def pack(plain: bytes) -> Packed:
    """`plain` in all its forms, as small as they get."""
    return Packed(plain, gzip.compress(plain, 9, mtime=0), brotli.compress(plain, mode=brotli.MODE_TEXT, quality=11))


def _taken(accept_encoding: str) -> set[str]:
    """The codings that are accepted (RFC 9110, section 12.5.3), and none at all."""
    found = {""}
    for part in accept_encoding.split(","):
        name, _, parameters = part.partition(";")
        weight = parameters.strip().lower().removeprefix("q=")
        if weight.strip("0.") or not weight:
            found.add(name.strip().lower())
    return found
