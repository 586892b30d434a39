"""Starved of room and of patience: the spill at its limit, and hundreds of bodies that never end."""

import os
import signal
import socket
import threading
import time

from tests.faults import Outcome
from tests.faults.houses import Apart
from tests.faults.invariants import inspect
from tests.faults.sending import Client, Ledger
from tests.servers import wait_for

_LIMIT = 64 * 1024


def spill_full() -> Outcome:
    """Valkey is gone and the spill is full: 503 with Retry-After; what was acknowledged arrives all the same."""
    with Apart(spill_limit=str(_LIMIT)) as house:
        ledger, shop = Ledger(), house.add_shop()
        clients = [Client(ledger, shop, house.ports, rate=60, number=n) for n in range(4)]
        for client in clients:
            client.start()
        wait_for(lambda: len(ledger.acknowledged) > 50, "nothing is acknowledged")
        house.valkey.kill()
        wait_for(lambda: ledger.statuses()[503] > 30, "the spill is never full")
        spilled = sum(path.stat().st_size for path in house.folder.glob("*/spill/*.spill"))
        acknowledged = len(ledger.acknowledged)
        house.valkey.start()
        back = time.monotonic()
        wait_for(lambda: len(ledger.acknowledged) > acknowledged + 50, "nothing is accepted again", seconds=60)
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        took = time.monotonic() - back
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
    finding.problems += problems
    if spilled > _LIMIT:
        finding.problems.append(f"{spilled} bytes are more than the limit of {_LIMIT}")
    refused = ledger.statuses()[503]
    outcome = Outcome("spill at its limit, Valkey gone", 1, 1 if refused else 0, finding, took)
    outcome.notes.append(f"{spilled} of {_LIMIT} bytes used; {refused} requests 503, each with Retry-After: {not ledger.no_retry_after}")
    return outcome


def half_sent(seconds: float, sockets: int = 600) -> Outcome:
    """Bodies of which one half is sent and the rest never comes; the others must not notice."""
    with Apart() as house:
        ledger, shop = Ledger(), house.add_shop()
        clients = [Client(ledger, shop, house.ports, rate=25, number=n) for n in range(8)]
        for client in clients:
            client.start()
        wait_for(lambda: len(ledger.acknowledged) > 50, "nothing is acknowledged")
        began = time.monotonic()
        time.sleep(seconds / 2)
        holding = _Holding(house.ports[0], shop.site_key, sockets)
        holding.start()
        wait_for(lambda: holding.open >= sockets, "the sockets can't be opened")
        held = time.monotonic()
        time.sleep(seconds)
        still, let_go = holding.open, time.monotonic()
        holding.stop.set()
        holding.join(20)
        time.sleep(seconds / 2)
        ended = time.monotonic()
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
    finding.problems += problems
    if set(ledger.statuses()) != {202}:
        finding.problems.append(f"not only 202: {dict(ledger.statuses())}")
    before, during, after = ledger.p99(began, held), ledger.p99(held, let_go), ledger.p99(let_go, ended)
    outcome = Outcome(f"{sockets} half-sent bodies for {seconds:.0f} s", 1, 1 if still >= 0.95 * sockets else 0, finding, 0.0)
    # Below a hundredth of a second the machine's own unrest is larger than the difference.
    if during > max(2 * before, 2 * after, 10):
        outcome.slow.append("p99 more than doubles")
    outcome.notes.append(f"p99 {during:.1f} ms, before {before:.1f} ms, after {after:.1f} ms; {still} open at the end, {holding.told} told 408 meanwhile")
    return outcome


class _Holding(threading.Thread):
    """Keeps so many connections open with half a body each; one that the server ends is opened again."""

    def __init__(self, port: int, site_key: str, wanted: int) -> None:
        super().__init__(daemon=True)
        self._address = ("127.0.0.1", port)
        head = f"POST /v1/shops/{site_key}/answers HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\n"
        self._half = head.encode() + b'{"sent_at": "2026-11-22T10:00:00Z", "events": [' + b" " * 200
        self._wanted = wanted
        self._sockets: list[socket.socket] = []
        self.told = 0
        self.stop = threading.Event()

    @property
    def open(self) -> int:
        return len(self._sockets)

    def run(self) -> None:
        while not self.stop.is_set():
            while len(self._sockets) < self._wanted and not self.stop.is_set():
                sock = socket.create_connection(self._address, timeout=10)
                sock.sendall(self._half)
                sock.setblocking(False)
                self._sockets.append(sock)
            self._sockets = [sock for sock in self._sockets if not self._ended(sock)]
            self.stop.wait(0.2)
        for sock in self._sockets:
            sock.close()

    def _ended(self, sock: socket.socket) -> bool:
        try:
            said = sock.recv(4096)
        except BlockingIOError:
            return False
        except OSError:
            said = b""
        self.told += said.startswith(b"HTTP/1.1 408")
        sock.close()
        return True


def frozen_consumer(seconds: float) -> Outcome:
    """A consumer that is stopped in the middle of a batch and wakes up after another has done its work."""
    with Apart(workers=2) as house:
        ledger, shop = Ledger(), house.add_shop()
        clients = [Client(ledger, shop, house.ports, rate=60, number=n) for n in range(4)]
        for client in clients:
            client.start()
        wait_for(lambda: len(ledger.acknowledged) > 50, "nothing is acknowledged")
        times = struck = 0
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            pid, holds = house.stop_hands()
            times += 1
            struck += holds
            time.sleep(2.5)
            os.kill(pid, signal.SIGCONT)
        last = time.monotonic()
        for client in clients:
            client.stop.set()
        for client in clients:
            client.join(20)
        wait_for(house.done, "entries remain", seconds=60)
        took = time.monotonic() - last
        problems = house.end()
        finding = inspect(house.database_url, shop.id, ledger)
    finding.problems += problems
    return Outcome("consumer frozen 2.5 s with entries in hand", times, struck, finding, took)
