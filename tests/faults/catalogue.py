"""The faults of the standing system, by name. Each strikes once, ends, and says whether work was pending in that moment.

Proof that it was: entries in the stream or in a consumer's hands, messages due, or (where a connection is harmed) the
very piece that was harmed, which held an append, an acknowledgement or a commit.
"""

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import psutil
import psycopg
import redis

from tests.faults.proxy import MODES
from tests.faults.receiving import CUTS, LOSES_REPLY, REFUSES, Receiver
from tests.faults.standing import Standing, kill
from tests.integrations.shop_server import FAULTS as SHOP_FAULTS
from tests.integrations.shop_server import FINE, ShopServer
from widget_server.intake.stream import FIELD, GROUP, STREAM

_NOBODY = "nobody-0-0"
# Of the ways to harm a connection: what was asked for happened, but nobody hears of it; and it is gone.
_WORST = ("cut after the request, reply lost", "connection reset")
# Seconds that an answer is late: longer than a web process waits for Valkey.
_LATE = 1.2
# What is no envelope, or one that can't be applied. None comes twice: what was set aside once is not kept again.
_POISON = (
    "no JSON %d", "\x00 %d", "[%d]", '{"shop": %d}', '{"shop": "sh_none", "event": {"type": "never.heard", "id": "%d", "at": 1}}',
    '{"shop": "sh_none", "event": {"type": "search.performed", "id": "%d", "at": 1}, "received": 1, "source": "browser"}',
)  # fmt: skip


@dataclass(frozen=True)
class Strike:
    """What a fault gets: the system, the receiver of its shop's webhooks, the shop that gets its coupons and points, and the number of the run."""

    house: Standing
    receiver: Receiver
    receiving: ShopServer
    number: int


@dataclass(frozen=True)
class Fault:
    """`strike` returns whether work was pending. `why_not` says why it can't be had here, or nothing. `is_kin`: another way of
    a fault that is struck in full, for which fewer runs are enough."""

    name: str
    strike: Callable[[Strike], bool]
    why_not: Callable[[Standing], str] = lambda _: ""
    is_kin: bool = False


def catalogue(database: str) -> list[Fault]:
    """Every fault of a system on "sqlite" or "postgres"."""
    on_one = _ON_POSTGRES if database == "postgres" else _ON_SQLITE
    return [*_KILLED, *_FROZEN, *_LINKS, *_VALKEY, *_AMONG_ENTRIES, *_FULL, *_RECEIVER, *on_one]


# --- killed ---


def _consumer(strike: Strike) -> bool:
    return strike.house.strike_consumer()


def _worker(strike: Strike) -> bool:
    struck = strike.house.entries_wait()
    strike.house.kill_worker(strike.number % 2)
    return struck


def _web(strike: Strike) -> bool:
    struck = strike.house.entries_wait()
    strike.house.kill_web(strike.number % 2)
    return struck


def _sender(strike: Strike) -> bool:
    victim = strike.house.child("deliver")
    struck = strike.house.messages_wait()
    kill(victim)
    return struck


def _clock(strike: Strike) -> bool:
    victim = strike.house.child("clock")
    struck = strike.house.messages_wait()
    kill(victim)
    return struck


def _valkey(strike: Strike) -> bool:
    struck = strike.house.entries_wait()
    strike.house.kill_valkey(away=0.05 + 0.02 * strike.number)
    return struck


def _valkey_rewriting(strike: Strike) -> bool:
    with strike.house.client() as client, suppress(redis.RedisError):
        client.bgrewriteaof()
    return _valkey(strike)


def _web_with_spill(strike: Strike) -> bool:
    """What it spilled is adopted by another, or by itself when it is back."""
    house = strike.house
    house.valkey.kill()
    deadline = time.monotonic() + 3
    while not house.spilled() and time.monotonic() < deadline:
        time.sleep(0.005)
    struck = bool(house.spilled())
    house.programs[f"web{strike.number % 2}"].kill()
    house.valkey.start()
    house.start_web(strike.number % 2)
    house.wait_for_web(strike.number % 2)
    return struck


def _politely(what: str) -> Callable[[Strike], bool]:
    """SIGTERM, as at every deployment."""

    def strike_it(strike: Strike) -> bool:
        house, n = strike.house, strike.number % 2
        struck = house.entries_wait()
        house.programs[f"{what}{n}"].process.send_signal(signal.SIGTERM)
        house.programs[f"{what}{n}"].process.wait(40)
        if what == "web":
            house.start_web(n)
            house.wait_for_web(n)
        else:
            house.start_worker(n)
        return struck

    return strike_it


_KILLED = [
    Fault("consumer killed with entries in hand", _consumer),
    Fault("worker killed, all its parts", _worker),
    Fault("web process killed", _web),
    Fault("sender killed, messages due", _sender),
    Fault("clock killed, messages due", _clock),
    Fault("Valkey killed", _valkey),
    Fault("Valkey killed while it rewrites its file", _valkey_rewriting, is_kin=True),
    Fault("web process killed with events in its spill", _web_with_spill, is_kin=True),
    Fault("web process deployed anew (SIGTERM)", _politely("web")),
    Fault("worker deployed anew (SIGTERM)", _politely("worker")),
]

# --- stopped for a while ---


def _consumer_frozen(strike: Strike) -> bool:
    """Longer than its heartbeat lives, so that another does its work before it wakes up."""
    pid, holds = strike.house.stop_hands()
    time.sleep(1.8)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    return holds


def _frozen(whom: Callable[[Strike], list[psutil.Process]], seconds: float, messages: bool = False) -> Callable[[Strike], bool]:
    def strike_it(strike: Strike) -> bool:
        victims = whom(strike)
        struck = strike.house.messages_wait() if messages else strike.house.entries_wait()
        with strike.house.stopped(victims):
            time.sleep(seconds)
        return struck

    return strike_it


_FROZEN = [
    Fault("consumer frozen until another did its work", _consumer_frozen),
    Fault("web process frozen", _frozen(lambda strike: strike.house.of_web(strike.number % 2), 0.8), is_kin=True),
    Fault("sender frozen, messages due", _frozen(lambda strike: [strike.house.child("deliver")], 0.8, messages=True), is_kin=True),
    Fault("Valkey frozen", _frozen(lambda strike: [strike.house.pid_of_valkey()], 1.2)),
]

# --- connections harmed on their way ---


def _harmed(route: str, mode: str, match: bytes) -> Callable[[Strike], bool]:
    """And a while until whoever waited has noticed."""

    def strike_it(strike: Strike) -> bool:
        struck = strike.house.proxy.harm(route, mode, match, seconds=_LATE)
        time.sleep(_LATE if mode in ("answer late", "silent drop") else 0.1)
        return struck

    return strike_it


_LINKS = [
    *(Fault(f"web to Valkey: {mode}", _harmed("web-valkey", mode, b"XADD"), is_kin=mode not in _WORST) for mode in MODES),
    *(Fault(f"worker to Valkey: {mode}", _harmed("worker-valkey", mode, b"XACK"), is_kin=mode not in _WORST) for mode in MODES),
]

# --- what Valkey can do ---


def _while_entries_wait(act: Callable[[redis.Redis], object], seconds: float = 0.0) -> Callable[[Strike], bool]:
    def strike_it(strike: Strike) -> bool:
        with strike.house.client() as client:
            struck = strike.house.entries_wait()
            act(client)
            time.sleep(seconds)
        return struck

    return strike_it


def _out_of_memory(strike: Strike) -> bool:
    with strike.house.client() as client:
        struck = strike.house.entries_wait()
        client.config_set("maxmemory", 1)
        time.sleep(0.8)
        client.config_set("maxmemory", "256mb")
    return struck


def _cut_all(client: redis.Redis) -> None:
    client.client_kill_filter(_type="normal", skipme=True)


def _forget_jobs(strike: Strike) -> bool:
    struck = strike.house.messages_wait()
    with strike.house.client() as client:
        for key in client.scan_iter("rq:*", count=1000):
            client.delete(key)
    return struck


def _no_descriptors(strike: Strike) -> bool:
    """All connections to Valkey are cut, and for a while nothing new can be opened."""
    house = strike.house
    victim = house.of_web(strike.number % 2)[-1]
    soft, hard = victim.rlimit(resource.RLIMIT_NOFILE)
    struck = house.entries_wait()
    victim.rlimit(resource.RLIMIT_NOFILE, (8, hard))
    try:
        with house.client() as client:
            _cut_all(client)
        time.sleep(0.8)
    finally:
        victim.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return struck


_VALKEY = [
    Fault("Valkey out of memory", _out_of_memory),
    Fault("Valkey cuts every connection", _while_entries_wait(_cut_all)),
    Fault("Valkey takes no writes for a second", _while_entries_wait(lambda client: client.execute_command("CLIENT", "PAUSE", "1000", "WRITE"), 1.0), is_kin=True),
    Fault("Valkey forgets its scripts and is asked anew", _while_entries_wait(lambda client: client.script_flush()), is_kin=True),
    Fault("consumer group destroyed", _while_entries_wait(lambda client: client.xgroup_destroy(STREAM, GROUP))),
    Fault("all jobs forgotten, messages due", _forget_jobs),
    Fault("no file descriptor left in a web process", _no_descriptors, is_kin=True),
]

# --- among the entries ---


def _handed_to_nobody(client: redis.Redis) -> None:
    """As if a consumer had read them and died; the one that has them works on them all the same."""
    names = [entry[0] for entry in client.xrange(STREAM, count=100)]
    if names:
        client.xclaim(STREAM, GROUP, _NOBODY, 0, names, force=True)


def _doubled(client: redis.Redis) -> None:
    """As after a lost reply."""
    entries = client.xrange(STREAM, count=100)
    for _, fields in entries:
        client.xadd(STREAM, fields)


def _poisoned(strike: Strike) -> bool:
    house = strike.house
    with house.client() as client:
        struck = house.entries_wait()
        client.xadd(STREAM, {FIELD: _POISON[house.aside % len(_POISON)] % house.aside})
    house.aside += 1
    return struck


_AMONG_ENTRIES = [
    Fault("entries in hand handed to another as well", _while_entries_wait(_handed_to_nobody)),
    Fault("waiting entries appended twice", _while_entries_wait(_doubled)),
    Fault("poison among the entries", _poisoned),
]

# --- full disks ---


def _no_disk(name: str) -> Callable[[Standing], str]:
    return lambda house: house.disks[name].why_not


def _valkey_disk_full(strike: Strike) -> bool:
    """With `appendfsync always` it ends itself; whoever supervises it starts it until there is room."""
    house = strike.house
    assert house.valkey.process is not None
    struck = house.entries_wait()
    with house.disks["valkey"].full():
        deadline = time.monotonic() + 3
        while house.valkey.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        fell = house.valkey.process.poll() is not None
    if fell:
        house.valkey.start()
    return struck and fell


def _spill_disk_full(strike: Strike) -> bool:
    """Valkey is away too: nothing can be kept, so nothing may be acknowledged."""
    house = strike.house
    struck = house.entries_wait()
    with house.disks["spill"].full():
        house.valkey.kill()
        time.sleep(0.7)
    house.valkey.start()
    return struck


def _database_disk_full(strike: Strike) -> bool:
    """Until a worker says that it couldn't write."""
    house = strike.house
    before = house.noticed("database_away")
    with house.disks["database"].full():
        deadline = time.monotonic() + 6
        while house.noticed("database_away") == before and time.monotonic() < deadline:
            time.sleep(0.05)
        struck = house.noticed("database_away") > before
    if house.postgres is not None:
        house.mend_postgres()
    return struck


_FULL = [
    Fault("disk of Valkey full", _valkey_disk_full, _no_disk("valkey")),
    Fault("disk of the spill full, Valkey away", _spill_disk_full, _no_disk("spill")),
    Fault("disk of the database full", _database_disk_full, _no_disk("database")),
]

# --- receivers ---


def _receiver(bad: str) -> Callable[[Strike], bool]:
    def strike_it(strike: Strike) -> bool:
        before = strike.receiver.misbehaved
        strike.house.time_passes()
        strike.receiver.bad = bad
        deadline = time.monotonic() + 4
        while strike.receiver.misbehaved == before and time.monotonic() < deadline:
            time.sleep(0.005)
        strike.receiver.bad = ""
        return strike.receiver.misbehaved > before

    return strike_it


def _receiving(bad: str) -> Callable[[Strike], bool]:
    """One message that grants something comes to no good end."""

    def strike_it(strike: Strike) -> bool:
        strike.house.time_passes()
        left = [bad]
        strike.receiving.choose = lambda method, _: left.pop() if left and method == "POST" else FINE
        deadline = time.monotonic() + 5
        while left and time.monotonic() < deadline:
            time.sleep(0.005)
        strike.receiving.choose = lambda *_: FINE
        return not left

    return strike_it


_RECEIVER = [
    *(Fault(f"receiver {bad}", _receiver(bad), is_kin=bad != LOSES_REPLY) for bad in (REFUSES, LOSES_REPLY, CUTS)),
    *(Fault(f"receiving shop, a grant: {bad}", _receiving(bad), is_kin=not bad.endswith("after")) for bad in SHOP_FAULTS),
]

# --- the database ---


def _postgres_killed(strike: Strike) -> bool:
    house = strike.house
    assert house.postgres is not None
    struck = house.entries_wait()
    house.postgres.kill()
    time.sleep(0.1)
    house.postgres.start()
    return struck


@contextmanager
def _superuser(house: Standing) -> Iterator["psycopg.Connection"]:
    with psycopg.connect(house.database_url, autocommit=True) as conn:
        yield conn


def _backends(function: str) -> Callable[[Strike], bool]:
    """Until one was hit that was about to write or wrote."""

    def strike_it(strike: Strike) -> bool:
        deadline = time.monotonic() + 4
        with _superuser(strike.house) as conn:
            while time.monotonic() < deadline:
                hit = conn.execute(
                    f"SELECT {function}(pid) FROM pg_stat_activity WHERE application_name = 'atbalss'"
                    " AND backend_xid IS NOT NULL AND state <> 'idle'"
                ).fetchall()
                if hit:
                    return True
        return False

    return strike_it


def _table_locked(strike: Strike) -> bool:
    with psycopg.connect(strike.house.database_url) as conn:
        struck = strike.house.entries_wait()
        conn.execute("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        time.sleep(1.2)
    return struck


def _no_connection_left(strike: Strike) -> bool:
    """Every one that there is is taken, those of the program too."""
    with ExitStack() as stack:
        first = stack.enter_context(_superuser(strike.house))
        struck = strike.house.entries_wait()
        _crowd(stack, strike.house)
        first.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'atbalss'")
        _crowd(stack, strike.house)
        time.sleep(0.8)
    return struck


def _crowd(stack: ExitStack, house: Standing) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(_superuser(house))


_ON_POSTGRES = [
    Fault("PostgreSQL killed", _postgres_killed),
    Fault("PostgreSQL frozen", _frozen(lambda strike: strike.house.of_postgres(), 1.2)),
    Fault("PostgreSQL ends sessions that write", _backends("pg_terminate_backend")),
    Fault("PostgreSQL cancels statements that write", _backends("pg_cancel_backend"), is_kin=True),
    Fault("table of events locked by another", _table_locked, is_kin=True),
    Fault("no connection to PostgreSQL left", _no_connection_left, is_kin=True),
    *(Fault(f"worker to PostgreSQL, at COMMIT: {mode}", _harmed("worker-database", mode, b"COMMIT"), is_kin=mode not in _WORST) for mode in MODES),
]


def _locked(seconds: float) -> Callable[[Strike], bool]:
    def strike_it(strike: Strike) -> bool:
        with strike.house.querying() as run:
            struck = strike.house.entries_wait()
            run("BEGIN IMMEDIATE")
            time.sleep(seconds)
        return struck

    return strike_it


def _beside(statement: str) -> Callable[[Strike], bool]:
    def strike_it(strike: Strike) -> bool:
        with strike.house.querying() as run:
            struck = strike.house.entries_wait()
            run(statement)
        return struck

    return strike_it


_ON_SQLITE = [
    Fault("database locked by another", _locked(1.2)),
    Fault("database vacuumed under load", _beside("VACUUM")),
    Fault("write-ahead log cut back under load", _beside("PRAGMA wal_checkpoint(TRUNCATE)")),
]
