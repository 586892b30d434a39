"""`atbalss import`: customers, orders, items and ratings from CSV files, through the same stream as everything else."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click
import redis
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from widget_server.act.consume import Consumer
from widget_server.contract.settings import Settings
from widget_server.contract.shop import Shop
from widget_server.intake.columns import KINDS, BadColumns, check_map
from widget_server.intake.csvfile import CannotRead
from widget_server.intake.imports import FileImport, place_of
from widget_server.intake.stream import GROUP, STREAM, StreamFull, append_sync
from widget_server.record import setaside
from widget_server.run.house import House, find_shop, open_house, pass_settings

# An import keeps at most about so many events ahead of the workers: answers from shoppers queue behind it.
_AHEAD = 4000
_PAUSE = 0.02
_PATIENCE = 60.0  # s that Redis may be away
_AWAY_PAUSE = 0.5
_LIVE_MS = 5000  # a consumer that reads asks Redis several times a second
_REASONS = 50

Names = Mapping[str, Mapping[str, str | None]]
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.option("--shop", "site_key", required=True, metavar="pk_...", help="The shop's site key.")
@click.option("--customers", type=_file, help="CSV of customers.")
@click.option("--orders", type=_file, help="CSV of orders.")
@click.option("--items", type=_file, help="CSV of the lines of orders.")
@click.option("--ratings", type=_file, help="CSV of ratings of orders.")
@click.option(
    "--map", "map_file", type=_file, help="JSON that says what the columns are called in your files."
)
@click.option("--no-wait", is_flag=True, help="Return when everything is stored, before it is counted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@pass_settings
def command(
    settings: Settings, site_key: str, customers: Path | None, orders: Path | None, items: Path | None, ratings: Path | None,
    map_file: Path | None, no_wait: bool, as_json: bool,
) -> None:  # fmt: skip
    """Read customers, orders, items and ratings from CSV files.

    Ratings become verified answers to the question order-rating. A row that was imported before changes nothing; one
    that says something else now edits what it said. Rows that can't be taken are refused one by one and told with the
    reason; exit 1 only when no row at all could be taken.

    \b
    Columns, the needed ones first (others of the file are left out):
      customers customer_id; email, birthday, language, segments
      orders    order_id, placed_at; customer_id, status, delivered_at, currency, total
      items     order_id, product_id; line, name, category, quantity, price
      ratings   review_id or order_id, score, answered_at; comment, product_id, language
    Name yours with --map: {"ratings": {"order_id": "Order Number", "comment": null}}
    """
    paths = {
        name: path
        for name, path in (("customers", customers), ("orders", orders), ("items", items), ("ratings", ratings))
        if path is not None
    }
    if not paths:
        raise click.UsageError("Give at least one of --customers, --orders, --items and --ratings.")
    names = _names(map_file)
    began = time.monotonic()
    with open_house(settings) as house, ExitStack() as stack:
        shop = _shop(house, site_key)
        files = _open(stack, shop, settings, paths, names)
        before = _set_aside(house)
        events = _run(house, files, not no_wait)
        aside = _set_aside(house) - before
    told = {
        "shop": site_key,
        "files": [_told(file) for file in files],
        "events": events,
        "counted": not no_wait,
        "set_aside": aside,
        "seconds": round(time.monotonic() - began, 3),
    }
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else _text(told))
    if any(file.tally.refused for file in files) and not any(file.tally.accepted for file in files):
        raise SystemExit(1)


def _names(map_file: Path | None) -> Names:
    if map_file is None:
        return {}
    try:
        return check_map(json.loads(map_file.read_text(encoding="utf-8-sig")))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{map_file} is no JSON that can be read: {error}.") from error
    except BadColumns as error:
        raise click.ClickException(f"{map_file}: {error}.") from error


def _shop(house: House, site_key: str) -> Shop:
    with house.database.reading() as conn:
        return find_shop(conn, site_key)


def _open(
    stack: ExitStack, shop: Shop, settings: Settings, paths: Mapping[str, Path], names: Names
) -> list[FileImport]:
    """All files, orders first, so that ratings find their products; nothing is sent unless each has its columns."""
    started = int(time.time() * 1000)
    try:
        place = place_of(shop)
        return [
            stack.enter_context(FileImport(kind, paths[kind], place, started, names.get(kind)))
            for kind in KINDS
            if kind in paths
        ]
    except CannotRead as error:
        raise click.ClickException(str(error)) from error


def _run(house: House, files: Sequence[FileImport], wait: bool) -> int:
    """Send everything; returns how many events."""
    feed = Feed(house)
    events = 0
    if wait:
        # What an earlier import has left in the stream decides which rows are corrections.
        feed.finish()
    with _progress(files) as advance:
        for file in files:
            try:
                for envelopes in file.batches(house.database):
                    feed.put(envelopes)
                    events += len(envelopes)
                    advance(file)
            except CannotRead as error:
                raise click.ClickException(str(error)) from error
        if wait:
            feed.finish()
    return events


class Feed:
    """Appends with back-pressure, and counts here what nobody else counts."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._redis = house.redis
        self._limit = min(_AHEAD, house.settings.stream_limit)
        self._away_since = 0.0

    def put(self, envelopes: Sequence[bytes]) -> None:
        """Append as soon as there is room. Sending twice, after an error, is harmless."""
        while envelopes:
            with self._patience():
                try:
                    append_sync(self._redis, envelopes, self._limit)
                    return
                except StreamFull:
                    self._make_room()

    def finish(self) -> None:
        """Return when all that is in the stream now is counted."""
        last: bytes | None = None
        while True:
            with self._patience():
                if last is None:
                    last = self._last()
                if not self._redis.xrange(STREAM, "-", last, count=1):
                    return
                self._make_room()

    def _last(self) -> bytes:
        try:
            found: Any = self._redis.xinfo_stream(STREAM)
        except redis.ResponseError as error:
            if "no such key" not in str(error):
                raise
            return b"0-1"  # there is no stream yet
        return bytes(found["last-generated-id"])

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """A Redis that is away is waited for; the caller tries again."""
        try:
            yield
            self._away_since = 0.0
        except redis.RedisError as error:
            now = time.monotonic()
            self._away_since = self._away_since or now
            if now - self._away_since > _PATIENCE:
                said = f"Redis can't be used ({error}); import the same files again to go on."
                raise click.ClickException(said) from error
            time.sleep(_AWAY_PAUSE)

    def _make_room(self) -> None:
        if self._house.alone or not self._anybody_counts():
            Consumer(self._redis, self._house.database).drain()
        time.sleep(_PAUSE)

    def _anybody_counts(self) -> bool:
        try:
            found: Any = self._redis.xinfo_consumers(STREAM, GROUP)
        except redis.ResponseError:
            return False
        return any(int(consumer["idle"]) < _LIVE_MS for consumer in found)


def _set_aside(house: House) -> int:
    with house.database.reading() as conn:
        return setaside.count(conn)


@contextmanager
def _progress(files: Sequence[FileImport]) -> Iterator[Callable[[FileImport], None]]:
    """A bar for each file on a terminal; elsewhere a line on stderr now and then."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as bars:
        tasks = {file.path: bars.add_task(file.kind.name, total=max(file.size, 1), rows=0) for file in files}
        yield lambda file: bars.update(
            tasks[file.path], completed=max(file.position, 1), rows=file.tally.rows
        )


class _Lines:
    """Progress where nobody watches: at most one line in ten seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 10

    def __call__(self, file: FileImport) -> None:
        if time.monotonic() > self._next:
            self._next = time.monotonic() + 10
            share = file.position / max(file.size, 1)
            click.echo(f"{file.kind.name}: {file.tally.rows} rows, {share:.0%}", err=True)


def _told(file: FileImport) -> dict[str, Any]:
    tally = file.tally
    return {
        "kind": file.kind.name,
        "file": str(file.path),
        "rows": tally.rows,
        "new": tally.new,
        "corrected": tally.corrected,
        "unchanged": tally.unchanged,
        "repeated": tally.repeated,
        "refused": tally.refused,
        "unused_columns": file.unused,
        "refusals": [{"row": r.row, "line": r.line, "errors": dict(r.errors)} for r in tally.refusals],
        "reasons": [
            {"column": column, "message": sentence, "rows": n}
            for (column, sentence), n in tally.reasons.most_common(_REASONS)
        ],
    }


def _text(told: Mapping[str, Any]) -> str:
    lines: list[str] = []
    for file in told["files"]:
        parts = [
            f"{file[name]} {name}" for name in ("new", "corrected", "unchanged", "repeated") if file[name]
        ]
        lines.append(
            f"{file['kind']}: {file['rows']} rows"
            + "".join(f", {p}" for p in parts)
            + f", {file['refused']} refused"
        )
        if file["unused_columns"]:
            lines.append(f"  columns left out: {', '.join(file['unused_columns'])}")
        lines.extend(_refusals(file))
    done = "counted" if told["counted"] else "stored"
    rate = told["events"] / max(told["seconds"], 0.001)
    lines.append(f"{told['events']} events {done} in {told['seconds']:.1f} s ({rate:.0f} a second).")
    if told["set_aside"] > 0:
        lines.append(f"{told['set_aside']} events were set aside meanwhile; see `atbalss setaside list`.")
    return "\n".join(lines)


def _refusals(file: Mapping[str, Any]) -> Iterator[str]:
    for refusal in file["refusals"]:
        where = f"row {refusal['row']}" + (
            f" (line {refusal['line']})" if refusal["line"] != refusal["row"] else ""
        )
        for column, sentence in refusal["errors"].items():
            yield f"  refused {where}" + ("" if column == "row" else f", {column}") + f": {sentence}"
    if file["refused"] > len(file["refusals"]):
        yield f"  ... and {file['refused'] - len(file['refusals'])} more. By reason:"
        for reason in file["reasons"]:
            yield f"  {reason['rows']} x {reason['column']}: {reason['message']}"
