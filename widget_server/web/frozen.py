"""The first version of the snippet, frozen for ever: what `make release-snippet` copies out of the build.

`static/frozen/v1/` holds the loader, every chunk it names and `manifest.json` in the form of the build's own, its
`integrity` naming each file's SHA-384 as `<script integrity>` wants it (https://www.w3.org/TR/SRI/). Pages that carry
that hash accept these bytes and no others, and the loader asks for these chunks as long as pages have it; so nothing in
the folder may ever change, which `damage` watches.
"""

import base64
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import orjson

_STATIC = Path(__file__).parent / "static"
BUILT = _STATIC / "widget"
FOLDER = _STATIC / "frozen" / "v1"
MANIFEST = "manifest.json"


class CannotRelease(Exception):
    """Why there is nothing to freeze, in one sentence."""


def release(build: Path, folder: Path) -> dict[str, str]:
    """Freeze `build` in `folder`: all of it or nothing. Returns the hash of each file. Raises CannotRelease."""
    if folder.exists():
        raise CannotRelease(f"{folder} is there already, and what is frozen stays as it is.")
    try:
        manifest = orjson.loads((build / MANIFEST).read_bytes())
        names = [manifest["loader"], *manifest["chunks"].values()]
        files = {name: (build / name).read_bytes() for name in names}
    except FileNotFoundError as error:
        raise CannotRelease(f"{error.filename} is missing; build the snippet first.") from error
    hashes = {name: sri(content) for name, content in files.items()}
    for name, told in manifest.get("integrity", {}).items():
        if hashes.get(name) != told:
            raise CannotRelease(f"{build / name} is not what was built; build the snippet again.")
    frozen = {"loader": manifest["loader"], "chunks": manifest["chunks"], "integrity": hashes}
    half = folder.with_name(f"{folder.name}.{os.getpid()}")
    half.mkdir(parents=True)
    try:
        for name, content in files.items():
            (half / name).write_bytes(content)
        (half / MANIFEST).write_bytes(orjson.dumps(frozen, option=orjson.OPT_INDENT_2) + b"\n")
        half.rename(folder)
    except OSError:
        shutil.rmtree(half)
        raise
    return hashes


def damage(folder: Path) -> list[str]:
    """What is no longer as it was frozen, a sentence for each file; nothing where nothing is frozen yet."""
    if not folder.exists():
        return []
    try:
        hashes: dict[str, str] = _manifest(folder)["integrity"]
    except FileNotFoundError:
        return [f"{MANIFEST} is missing."]
    there = {path.name: path for path in folder.iterdir() if path.name != MANIFEST}
    found = [f"{name} is missing." for name in hashes if name not in there]
    for name, path in there.items():
        if name not in hashes:
            found.append(f"{name} was not frozen with the others.")
        elif sri(path.read_bytes()) != hashes[name]:
            found.append(f"{name} was changed.")
    return sorted(found)


def integrity(folder: Path) -> str | None:
    """The hash for `<script integrity>` of the frozen loader; None where nothing is frozen yet."""
    try:
        manifest = _manifest(folder)
    except FileNotFoundError:
        return None
    found: str = manifest["integrity"][manifest["loader"]]
    return found


def sri(content: bytes) -> str:
    """`sha384-...`, as the attribute `integrity` has it."""
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def main() -> int:
    """Freeze the build that is there."""
    try:
        hashes = release(BUILT, FOLDER)
    except CannotRelease as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{len(hashes)} files are frozen in {FOLDER}; commit them. The loader: {integrity(FOLDER)}\n")
    return 0


def _manifest(folder: Path) -> Any:
    return orjson.loads((folder / MANIFEST).read_bytes())


if __name__ == "__main__":
    sys.exit(main())
