"""`atbalss setaside list|replay`: events that failed alone."""

import json

import click

from widget_server.contract.settings import Settings
from widget_server.contract.times import format_time
from widget_server.intake.stream import append_sync
from widget_server.record import setaside
from widget_server.run.house import open_house, pass_settings


@click.group("setaside")
def command() -> None:
    """Events that failed alone; nothing of them is lost."""


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs; with envelopes and tracebacks.")
@pass_settings
def list_(settings: Settings, as_json: bool) -> None:
    """What is set aside, oldest first."""
    with open_house(settings, redis=False) as house, house.database.reading() as conn:
        found = setaside.every(conn)
    if as_json:
        rows = [
            {"id": one.id, "at": format_time(one.at), "error": one.error, "traceback": one.traceback,
             "envelope": one.envelope.decode()}
            for one in found
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.id}  {format_time(one.at)}  {one.error}")
    click.echo(f"{len(found)} set aside." if found else "Nothing is set aside.")


@command.command("replay")
@click.argument("ids", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are set aside.")
@pass_settings
def replay(settings: Settings, ids: tuple[str, ...], everything: bool) -> None:
    """Put events back into the stream. One that fails again is set aside again."""
    if bool(ids) == everything:
        raise click.UsageError("Give the ids to replay, or --all.")
    with open_house(settings) as house:
        with house.database.reading() as conn:
            found = setaside.every(conn, limit=10_000) if everything else setaside.load(conn, ids)
        unknown = set(ids) - {one.id for one in found}
        if unknown:
            raise click.ClickException(f"Not set aside: {', '.join(sorted(unknown))}.")
        with house.database.writing() as conn:
            # Appended before the deletion is committed: a crash in between replays twice, which changes nothing, and
            # a worker that sets one aside again waits for the deletion instead of having it deleted.
            setaside.remove(conn, [one.id for one in found])
            append_sync(house.redis, [one.envelope for one in found], settings.stream_limit)
    click.echo(f"{len(found)} put back into the stream.")
