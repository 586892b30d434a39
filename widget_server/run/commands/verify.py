"""`atbalss verify`: recount everything and compare."""

import json
from itertools import islice

import click

from widget_server.act.verify import verify
from widget_server.contract.settings import Settings
from widget_server.run.house import find_shop, open_house, pass_settings

_SHOWN = 100


@click.command("verify")
@click.option("--shop", help="Only this shop (its site key).")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@pass_settings
def command(settings: Settings, shop: str | None, as_json: bool) -> None:
    """Recount all answers and searches and compare with the counters, and what rules owe with points and coupons.

    Runs beside writers. Exit 1 on a difference, naming each row (the first 100 of them).
    """
    with open_house(settings, redis=False) as house:
        if shop is not None:
            with house.database.reading() as conn:
                shop = find_shop(conn, shop).id
        found = list(islice(verify(house.database, shop), _SHOWN + 1))
    if as_json:
        rows = [
            {"shop": d.shop, "row": d.row, "stored": d.stored, "counted": d.counted} for d in found[:_SHOWN]
        ]
        click.echo(json.dumps({"differences": rows, "more": len(found) > _SHOWN}))
    else:
        for one in found[:_SHOWN]:
            click.echo(f"{one.shop}: {one.row}: stored {one.stored}, counted {one.counted}")
        more = " and more" if len(found) > _SHOWN else ""
        click.echo(f"{min(len(found), _SHOWN)}{more} differences" if found else "No difference.")
    if found:
        raise SystemExit(1)
