"""`atbalss counters rebuild`."""

import click

from widget_server.act.verify import rebuild
from widget_server.contract.settings import Settings
from widget_server.contract.times import zone
from widget_server.run.house import find_shop, open_house, pass_settings


@click.group("counters")
def command() -> None:
    """The counters that every score is read from."""


def _zone(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        try:
            zone(name)
        except ValueError as error:
            raise click.BadParameter(f"{error}.") from error
    return name


@command.command("rebuild")
@click.option("--shop", help="Only this shop (its site key).")
@click.option("--time-zone", callback=_zone, help="Cut days by this time zone from now on (with --shop).")
@pass_settings
def rebuild_counters(settings: Settings, shop: str | None, time_zone: str | None) -> None:
    """Make the counters anew from answers and log, each shop in one transaction."""
    if time_zone is not None and shop is None:
        raise click.UsageError("--time-zone needs --shop.")
    with open_house(settings, redis=False) as house:
        if shop is not None:
            with house.database.reading() as conn:
                shop = find_shop(conn, shop).id
        done = rebuild(house.database, shop, time_zone)
    click.echo(f"Counters of {done} shop{'' if done == 1 else 's'} made anew.")
