"""`atbalss web`."""

import sys
from dataclasses import replace

import click

from widget_server.contract.settings import Settings
from widget_server.run import up, web
from widget_server.run.house import HouseError, pass_settings


@click.command("web")
@click.option("--host", help="Address to listen on (ATBALSS_HOST; 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (ATBALSS_PORT; 8000).")
@pass_settings
def command(settings: Settings, host: str | None, port: int | None) -> None:
    """Run one web process, beside any number of others on the same database and Redis.

    SIGTERM stops it after the requests in flight.
    """
    settings = replace(settings, host=host or settings.host)
    try:
        with web.listen(settings.host, settings.port if port is None else port) as sock:
            settings = up.at_port(settings, sock.getsockname()[1])
            sys.exit(web.run(settings, sock))
    except web.PortTaken as error:
        raise HouseError(str(error)) from error
