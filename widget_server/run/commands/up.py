"""`atbalss up`."""

import sys
from dataclasses import replace

import click

from widget_server.contract.settings import Settings
from widget_server.run import up
from widget_server.run.house import HouseError, pass_settings
from widget_server.run.lock import Locked
from widget_server.run.valkey import ValkeyError
from widget_server.run.web import PortTaken


@click.command("up")
@click.option("--host", help="Address to listen on (ATBALSS_HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (ATBALSS_PORT; 8000).")
@pass_settings
def command(settings: Settings, host: str | None, port: int | None) -> None:
    """Run everything on this machine: own Valkey, web, worker, migrations.

    Prints a line that begins with "ready" once it really is. Ctrl-C or SIGTERM stops it cleanly.
    """
    settings = replace(settings, host=host or settings.host)
    if port is not None:
        settings = up.at_port(settings, port)
    try:
        sys.exit(up.run(settings, on_ready=lambda ready: click.echo(f"ready  {ready.base_url}")))
    except (Locked, PortTaken, ValkeyError) as error:
        raise HouseError(str(error)) from error
