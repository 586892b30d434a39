"""What the app was started with, and how a request reaches it."""

from dataclasses import dataclass
from typing import Any

from flask import current_app

from widget_server.act.http import HttpClient
from widget_server.contract.settings import Settings
from widget_server.record.db import Database

_NAME = "atbalss"


@dataclass(frozen=True)
class State:
    """`redis` is a redis-py client: for readiness, the metrics, and what an owner has to say about an answer. `http` checks
    the URLs of endpoints."""

    settings: Settings
    database: Database
    redis: Any
    http: HttpClient

    def install(self, app: Any) -> None:
        app.extensions[_NAME] = self


def state() -> State:
    """The state of the running app."""
    found = current_app.extensions[_NAME]
    assert isinstance(found, State)
    return found
