"""`atbalss member add|reset|list`."""

import json
import time
from datetime import UTC, datetime

import click
from email_validator import EmailNotValidError, validate_email

from widget_server.contract.settings import Settings
from widget_server.record import accounts, invitations, members
from widget_server.record.members import ROLES
from widget_server.run import config
from widget_server.run.house import find_shop, open_house, pass_settings
from widget_server.web.dashboard._texts import LANGUAGES


@click.group("member")
def command() -> None:
    """Let people into the owner's pages of a shop."""


@command.command("add")
@click.argument("email")
@click.option("--shop", "named", required=True, help="The shop's site key, pk_...")
@click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True)
@click.option("--name", default="", help="What they are called; they can say it themselves.")
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="Of their pages; without it, that of their browser.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def add(settings: Settings, email: str, named: str, role: members.Role, name: str, language: str | None, as_json: bool) -> None:
    """Make a one-time link by which EMAIL becomes a member of the shop.

    Who opens it chooses a password, or signs in where EMAIL has an account already. It is shown now and never again, and
    is good for 7 days.
    """
    email = _checked(email)
    with open_house(settings, redis=False) as house, house.database.writing() as conn:
        shop = find_shop(conn, named)
        account = accounts.by_email(conn, email)
        if account is not None and members.role_of(conn, shop.id, account.id) is not None:
            raise click.ClickException(f"{email} is a member of {shop.name} already.")
        made, token = invitations.create(
            conn, email, _now(), shop=shop.id, role=role, language=language or "", name=name
        )
    said = {"email": email, "shop": shop.id, "role": role}
    _tell(settings, said, token, made.expires, f"{email}, {role} of {shop.name}", as_json)


@command.command("reset")
@click.argument("email")
@click.option("--two-factor-off", is_flag=True, help="Also forget the phone that gives the codes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def reset(settings: Settings, email: str, two_factor_off: bool, as_json: bool) -> None:
    """Make a one-time link by which EMAIL chooses a new password.

    It is shown now and never again, and is good for 24 hours. The old password works until it is used; then everything
    that was signed in with it is signed out.
    """
    with open_house(settings, redis=False) as house, house.database.writing() as conn:
        account = accounts.by_email(conn, email)
        if account is None:
            raise click.ClickException(f"Nobody signs in as {email}; see `atbalss member list`.")
        if two_factor_off:
            accounts.turn_totp_off(conn, account.id)
        made, token = invitations.create(conn, account.email, _now())
    _tell(settings, {"email": account.email}, token, made.expires, f"{account.email}, a new password", as_json)


@command.command("list")
@click.option("--shop", "named", required=True, help="The shop's site key, pk_...")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for programs.")
@pass_settings
def list_members(settings: Settings, named: str, as_json: bool) -> None:
    """List who may come into a shop."""
    with open_house(settings, redis=False) as house, house.database.reading() as conn:
        found = members.of_shop(conn, find_shop(conn, named).id)
    rows = [{"email": m.email, "name": m.name, "role": m.role, "two_factor": m.has_totp} for m in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for member in found:
        click.echo(f"{member.email}  {member.name}  {member.role}{'  two-factor' if member.has_totp else ''}")


def _checked(email: str) -> str:
    try:
        return accounts.folded(validate_email(email, check_deliverability=False).normalized)
    except EmailNotValidError as error:
        raise click.ClickException(f"{email} is no e-mail address: {error}") from error


def _tell(settings: Settings, said: dict[str, str], token: str, expires: int, whom: str, as_json: bool) -> None:
    link = f"{settings.base_url}/app/invitations/{token}"
    until = datetime.fromtimestamp(expires / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if as_json:
        click.echo(json.dumps({**said, "link": link, "expires": until}, ensure_ascii=False))
        return
    click.echo(f"For    {whom}")
    click.echo(f"Link   {link}")
    click.echo(f"       shown only now, good once, until {until}")
    if settings.base_url == config.default_base_url(settings.port):
        click.echo("This address is that of this machine alone; set ATBALSS_BASE_URL to the public one.")


def _now() -> int:
    return time.time_ns() // 1_000_000
