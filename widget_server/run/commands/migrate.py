"""`atbalss migrate`."""

import click

from widget_server.contract.settings import Settings
from widget_server.record.db import Database
from widget_server.run.house import pass_settings


@click.command("migrate")
@pass_settings
def command(settings: Settings) -> None:
    """Bring the database's tables to the form this version needs."""
    database = Database(settings.database_url, settings.secret_key)
    try:
        database.migrate()
    finally:
        database.close()
    click.echo("The tables are up to date.")
