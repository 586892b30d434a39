"""`atbalss shop add|list`."""

import json
from dataclasses import asdict
from zoneinfo import ZoneInfo

import click

from widget_server.contract.settings import Settings
from widget_server.record import shops
from widget_server.run import config
from widget_server.run.house import open_house, pass_settings


@click.group("shop")
def command() -> None:
    """Add and list shops."""


@command.command("add")
@click.argument("name")
@click.option(
    "--domain",
    "domains",
    multiple=True,
    required=True,
    help="Where its pages stand, such as shop.example; repeatable.",
)
@click.option(
    "--time-zone",
    default="UTC",
    show_default=True,
    help="Whose days and months its scores are told in, such as Europe/Riga.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def add(settings: Settings, name: str, domains: tuple[str, ...], time_zone: str, as_json: bool) -> None:
    """Add a shop with two questions: "found what you searched for?" and "how was the order?".

    The API key is shown now and never again; only its hash is kept.
    """
    _check_time_zone(time_zone)
    with open_house(settings, redis=False) as house, house.database.writing() as conn:
        try:
            made = shops.create(conn, name, list(domains), time_zone)
        except ValueError as error:
            raise click.ClickException(f"{error}.") from error
    if as_json:
        click.echo(json.dumps(asdict(made), ensure_ascii=False))
        return
    click.echo(f"Shop                {made.name}   (days as in {time_zone})")
    click.echo(f"Site key            {made.site_key}")
    click.echo(f"API key             {made.api_key}   (shown only now)")
    click.echo(f"Order token secret  {made.order_token_secret}   (for the shop's backend)")
    if settings.database_url.startswith("sqlite"):
        click.echo(f"Kept in             {settings.data_dir}   (`atbalss --data-dir {settings.data_dir} up` serves it)")
    click.echo("")
    click.echo("Put this into every page of the shop:")
    click.echo(f'<script async src="{settings.base_url}/widget.js" data-shop="{made.site_key}"></script>')
    if settings.base_url == config.default_base_url(settings.port):
        click.echo("This address is that of this machine alone; set ATBALSS_BASE_URL to the public one.")


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@pass_settings
def list_shops(settings: Settings, as_json: bool) -> None:
    """List the shops, without their secrets."""
    with open_house(settings, redis=False) as house, house.database.reading() as conn:
        found = shops.every(conn)
    rows = [
        {
            "id": s.id,
            "name": s.name,
            "site_key": s.site_key,
            "domains": list(s.domains),
            "time_zone": s.time_zone,
        }
        for s in found
        if s.id != shops.SAMPLE
    ]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['site_key']}  {row['name']}  {', '.join(row['domains'])}  {row['time_zone']}")


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise click.ClickException(f'There is no time zone "{name}"; an example is Europe/Riga.') from error
