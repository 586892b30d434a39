"""The command `atbalss`. Each file in `commands` is one command; what a user can do about an error is said in a sentence."""

import os
import sys
from pathlib import Path

import click
import redis
from sqlalchemy.exc import DBAPIError

from widget_server.contract.registry import load_all
from widget_server.record.db import OtherTables


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of everything one machine keeps (ATBALSS_DATA_DIR; ./atbalss-data).",
)
@click.version_option(package_name="atbalss")
def atbalss(data_dir: Path | None) -> None:
    """Asks shoppers one short question at the right moment, and counts the answers."""


def group() -> click.Group:
    """The command with everything found in `commands`; a file name's underscores become dashes."""
    for name, command in load_all("widget_server.run.commands", "command").items():
        atbalss.add_command(command, command.name or name.strip("_").replace("_", "-"))
    return atbalss


def main() -> None:
    """Entry point. Every foreseeable failure is one sentence on stderr and exit 1."""
    try:
        group()(prog_name="atbalss")
    except redis.RedisError as error:
        _leave(f"Redis can't be used: {_first_line(error)}.")
    except OtherTables as error:
        _leave(str(error))
    except DBAPIError as error:
        _leave(f"The database can't be used: {_first_line(error.orig or error)}.")


def _leave(sentence: str) -> None:
    if os.environ.get("ATBALSS_LOG_LEVEL", "").lower() == "debug":
        raise  # noqa: PLE0704 - called while an exception is handled; a developer wants to see it all
    click.echo(f"Error: {sentence}", err=True)
    sys.exit(1)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
