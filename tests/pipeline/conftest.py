"""A web process that many tests share: each has a shop of its own on it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.shopfront import Live, Shopfront, make_shop
from tests.servers import ValkeyServer


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, valkey: ValkeyServer) -> Iterator[Live]:
    """The web process of this test process, with limits that its tests don't reach."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(sqlite_template, folder / "atbalss.db")
    made = Live(folder / "data", f"sqlite:///{folder / 'atbalss.db'}", valkey.url, network_rate="1000000")
    yield made
    made.stop()


@pytest.fixture
def front(live: Live) -> Shopfront:
    """A new shop on the shared web process."""
    return Shopfront(live, make_shop(live.database_url))
