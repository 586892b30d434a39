"""Run by Alembic; the connection comes from `Database.migrate`."""

import importlib
import pkgutil

from alembic import context

import widget_server.record
from widget_server.record.db import metadata

for module in pkgutil.iter_modules(widget_server.record.__path__):
    if module.name != "migrations":
        importlib.import_module(f"widget_server.record.{module.name}")

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
