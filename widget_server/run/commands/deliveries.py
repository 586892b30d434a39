"""`atbalss deliveries list|replay`: what was told to the outside, and telling it again."""

import json
import time
from dataclasses import asdict
from textwrap import indent
from typing import Any

import click
from sqlalchemy import Connection

from widget_server.act import deliver
from widget_server.contract.settings import Settings
from widget_server.contract.times import format_time, parse_time
from widget_server.record import outbox
from widget_server.record.outbox import Attempt, Delivery, Wanted
from widget_server.run.house import find_shop, open_house, pass_settings

_shop = click.option("--shop", "site_key", metavar="pk_...", help="Only of this shop.")


@click.group("deliveries")
def command() -> None:
    """Webhooks that were sent, wait or failed."""


@command.command("list")
@_shop
@click.option("--state", type=click.Choice(outbox.STATES), help="due waits, dead has failed for good.")
@click.option("--id", "delivery", metavar="msg_...", help="One delivery, with every attempt.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@pass_settings
def list_(
    settings: Settings,
    site_key: str | None,
    state: str | None,
    delivery: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Newest first."""
    with open_house(settings, redis=False) as house, house.database.reading() as conn:
        found = outbox.deliveries(
            conn, shop=_shop_id(conn, site_key), state=state, delivery=delivery, limit=limit
        )
        tries = {one.id: outbox.attempts(conn, one.id) for one in found} if delivery or as_json else {}
    if as_json:
        click.echo(json.dumps([_json(one, tries[one.id]) for one in found], ensure_ascii=False))
        return
    for one in found:
        click.echo(f"{one.id}  {format_time(one.created)}  {one.type:<18} {_state(one)}")
        for each in tries.get(one.id, ()):
            click.echo(
                f"    {format_time(each.at)}  {each.took:>6} ms  {each.error or f'answered {each.status}'}"
            )
            if delivery:
                click.echo(indent(_harmless(f"{each.request}\n{each.excerpt}".rstrip()), "      "))
    click.echo(f"{len(found)} deliveries." if found else "No deliveries.")


def _time(_context: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    found = None if value is None else parse_time(value)
    if value is not None and found is None:
        raise click.BadParameter("write a time like 2026-11-22T10:00:00Z.")
    return found


@command.command("replay")
@click.argument("named", metavar="[msg_...]", required=False)
@_shop
@click.option("--id", "delivery", metavar="msg_...", help="This one, also when it was taken before.")
@click.option("--all-failed", is_flag=True, help="All that have failed for good.")
@click.option("--endpoint", metavar="ep_...", help="Only those to this endpoint.")
@click.option("--from", "since", metavar="TIME", callback=_time, help="Those made at this time or later.")
@click.option("--to", "until", metavar="TIME", callback=_time, help="Those made before this time.")
@click.option("--done", is_flag=True, help="With --from: webhooks that were taken, instead of those that failed.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def replay(
    settings: Settings,
    named: str | None,
    site_key: str | None,
    delivery: str | None,
    all_failed: bool,
    endpoint: str | None,
    since: int | None,
    until: int | None,
    done: bool,
    as_json: bool,
) -> None:
    """Send again, with the same webhook-id and body, by the next running worker.

    An endpoint that was disabled because it failed is opened again.
    """
    if [named is not None, delivery is not None, all_failed, since is not None].count(True) != 1:
        raise click.UsageError("Give the id of one delivery, --all-failed, or --from a time.")
    delivery = delivery or named
    if (done or until is not None) and since is None:
        raise click.UsageError("--to and --done go with --from.")
    with open_house(settings, redis=False) as house:
        with house.database.reading() as conn:
            shop = _shop_id(conn, site_key)
        wanted = Wanted(shop, delivery, endpoint, since, until, done)
        again = deliver.replay_all(house.database.writing, time.time_ns() // 1_000_000, wanted)
        if delivery is not None and not again.count:
            with house.database.reading() as conn:
                raise click.ClickException(_why_not(conn, shop, delivery))
    if as_json:
        click.echo(json.dumps({"replayed": again.count, "left_out": [asdict(each) for each in again.left_out]}))
        return
    click.echo(f"{again.count} will be sent again.")
    for each in again.left_out:
        click.echo(f"{each.count} left out, because each {each.why}.")


def _shop_id(conn: Connection, site_key: str | None) -> str | None:
    if site_key is None:
        return None
    return find_shop(conn, site_key).id


def _why_not(conn: Connection, shop: str | None, delivery: str) -> str:
    found = outbox.deliveries(conn, shop=shop, delivery=delivery, limit=1)
    return f"{delivery}: {deliver.why_not(conn, found[0])}" if found else f"There is no delivery {delivery}."


def _harmless(text: str) -> str:
    """What strangers answered, without what could steer a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


def _state(one: Delivery) -> str:
    tried = f"after {one.attempts} attempt{'' if one.attempts == 1 else 's'}"
    if one.state == "due":
        when = format_time(one.next_at or 0)
        return f"due {when}, {tried}" + (f": {one.last_error}" if one.last_error else "")
    return f"{one.state} {tried}" + (f": {one.last_error}" if one.last_error else "")


def _json(one: Delivery, tries: list[Attempt]) -> dict[str, Any]:
    told = asdict(one)
    for name in ("created", "next_at", "ended"):
        told[name] = None if told[name] is None else format_time(told[name])
    told["tries"] = [asdict(each) | {"at": format_time(each.at)} for each in tries]
    return told
