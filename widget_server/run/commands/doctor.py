"""`atbalss doctor`."""

import json
import os
import sys
from dataclasses import asdict

import click

from widget_server.contract.settings import Settings
from widget_server.run import doctor
from widget_server.run.house import pass_settings

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def command(settings: Settings, as_json: bool) -> None:
    """Check settings, Redis, database, disk, proxies and clocks, and say what to do. Exit 1 when there is a problem."""
    found = doctor.examine(settings, os.environ)
    bad = any(finding.level == "problem" for finding in found)
    if as_json:
        click.echo(json.dumps({"ok": not bad, "findings": [asdict(finding) for finding in found]}))
    else:
        for finding in found:
            level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
            click.echo(f"{level} {finding.check:<18} {finding.message}")
            if finding.remedy:
                click.echo(f"{'':<28}-> {finding.remedy}")
    sys.exit(1 if bad else 0)
