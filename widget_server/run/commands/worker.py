"""`atbalss worker`."""

import sys

import click

from widget_server.contract.settings import Settings
from widget_server.run import worker
from widget_server.run.house import pass_settings


@click.command("worker")
@pass_settings
def command(settings: Settings) -> None:
    """Run one worker (stream consumer, deliveries, clock), beside any number of others.

    SIGTERM stops it after the batch at hand.
    """
    sys.exit(worker.run(settings))
