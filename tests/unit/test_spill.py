"""The spill: what was acknowledged is found again, whatever happened to the file, and room is really limited."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget_server.intake.spill import Spill, SpillFull

MIB = 1 << 20


class Stream:
    """Takes what is drained."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def __call__(self, envelopes: Sequence[bytes]) -> None:
        self.got += envelopes


def payloads(count: int, size: int = 300) -> list[bytes]:
    return [b'{"n":%d,"x":"%b"}' % (n, b"x" * size) for n in range(count)]


def drained(folder: Path) -> list[bytes]:
    """What a fresh process brings into the stream."""
    spill, stream = Spill(folder, MIB), Stream()
    spill.drain(stream)
    assert not spill.waiting()
    spill.close()
    return stream.got


def test_what_was_appended_is_drained_in_order_and_then_gone(tmp_path: Path) -> None:
    spill, stream = Spill(tmp_path, 10 * MIB), Stream()
    sent = payloads(5000)
    for start in range(0, 5000, 100):
        spill.append(sent[start : start + 100])
    assert spill.waiting()
    assert spill.drain(stream).events == 5000
    assert stream.got == sent
    assert not spill.waiting()
    assert spill.size() == 0
    spill.append([b'{"after":1}'])
    spill.drain(stream)
    assert stream.got[5000:] == [b'{"after":1}']


def test_a_crash_leaves_everything_for_the_next_start(tmp_path: Path) -> None:
    child = (
        "import os, sys; from pathlib import Path; from widget_server.intake.spill import Spill;"
        "Spill(Path(sys.argv[1]), 1 << 20).append([b'{\"a\":1}', b'{\"a\":2}']); os._exit(137)"
    )
    assert subprocess.run([sys.executable, "-c", child, str(tmp_path)], check=False).returncode == 137
    assert drained(tmp_path) == [b'{"a":1}', b'{"a":2}']


def test_a_dead_processs_file_is_adopted_and_a_live_ones_is_not(tmp_path: Path) -> None:
    first, second, third = (Spill(tmp_path, MIB) for _ in range(3))
    assert len({first.path, second.path, third.path}) == 3
    first.append([b'{"of":"first"}'])
    second.append([b'{"of":"second"}'])
    stream = Stream()
    third.drain(stream)
    assert stream.got == []
    first.close()
    third.drain(stream)
    assert stream.got == [b'{"of":"first"}']
    assert first.path.stat().st_size == 0
    second.drain(stream)
    assert stream.got[1:] == [b'{"of":"second"}']


def test_a_slot_is_taken_again(tmp_path: Path) -> None:
    first = Spill(tmp_path, MIB)
    first.close()
    assert Spill(tmp_path, MIB).path == first.path
    assert len(list(tmp_path.iterdir())) == 1


@given(cut=st.integers(1, 60))
def test_a_torn_tail_is_cut_and_the_rest_kept(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, MIB)
    spill.append([b'{"whole":1}', b'{"whole":2}'])
    whole = spill.path.stat().st_size
    spill.append([b'{"torn":"%b"}' % (b"x" * 60)])
    spill.close()
    os.truncate(spill.path, spill.path.stat().st_size - cut)
    assert whole < spill.path.stat().st_size
    again = Spill(folder, MIB)
    assert again.path.stat().st_size == whole
    again.append([b'{"later":3}'])
    again.close()
    assert drained(folder) == [b'{"whole":1}', b'{"whole":2}', b'{"later":3}']


@given(place=st.integers(0, 2000), byte=st.binary(min_size=1, max_size=20))
def test_damage_costs_no_more_than_the_frames_it_hit(
    tmp_path_factory: pytest.TempPathFactory, place: int, byte: bytes
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, MIB)
    sent = payloads(20, 100)
    spill.append(sent)
    spill.close()
    raw = bytearray(spill.path.read_bytes())
    place = min(place, len(raw) - len(byte))
    raw[place : place + len(byte)] = byte
    spill.path.write_bytes(bytes(raw))
    found = drained(folder)
    assert set(found) <= set(sent)
    assert len(found) >= 18


def test_zeros_at_the_end_are_no_frames(tmp_path: Path) -> None:
    """As some file systems leave them after a power cut."""
    spill = Spill(tmp_path, MIB)
    spill.append([b'{"a":1}'])
    spill.close()
    with spill.path.open("ab") as file:
        file.write(b"\0" * 5000)
    assert drained(tmp_path) == [b'{"a":1}']


def test_the_limit_counts_the_files_of_all_processes(tmp_path: Path) -> None:
    first, second = Spill(tmp_path, 10_000), Spill(tmp_path, 10_000)
    first.append(payloads(20, 380))
    with pytest.raises(SpillFull):
        second.append(payloads(10, 380))
    assert second.path.stat().st_size == 0
    stream = Stream()
    first.drain(stream)
    assert len(stream.got) == 20
    second.append(payloads(10, 380))


def test_a_full_disk_is_a_full_spill_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spill = Spill(tmp_path, MIB)
    spill.append([b'{"a":1}'])
    before = spill.path.read_bytes()
    real = os.pwrite
    wrote = []

    def full(fd: int, data: bytes, offset: int) -> int:
        if wrote:
            raise OSError(28, "No space left on device")
        wrote.append(real(fd, data[:7], offset))
        return wrote[0]

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(SpillFull, match="No space left"):
        spill.append([b'{"b":2}'])
    monkeypatch.undo()
    assert wrote == [7]
    assert spill.path.read_bytes() == before
    spill.append([b'{"c":3}'])
    stream = Stream()
    spill.drain(stream)
    assert stream.got == [b'{"a":1}', b'{"c":3}']


def test_every_append_is_synced_before_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    spill = Spill(tmp_path, MIB)
    name = "fdatasync" if hasattr(os, "fdatasync") else "fsync"
    write, sync = os.pwrite, getattr(os, name)
    monkeypatch.setattr(os, "pwrite", lambda *a: (calls.append("write"), write(*a))[1])
    monkeypatch.setattr(os, name, lambda fd: (calls.append("sync"), sync(fd))[1])
    spill.append([b'{"a":1}'])
    assert calls == ["write", "sync"]


def test_a_sync_that_fails_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spill = Spill(tmp_path, MIB)

    def fail(fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync" if hasattr(os, "fdatasync") else "fsync", fail)
    with pytest.raises(SpillFull):
        spill.append([b'{"a":1}'])
    assert spill.size() == 0


def _fails_after(count: int, stream: Stream) -> Callable[[Sequence[bytes]], None]:
    def append(envelopes: Sequence[bytes]) -> None:
        if len(stream.got) >= count:
            raise ConnectionError
        stream(envelopes)

    return append


def test_nothing_is_truncated_before_the_stream_has_it(tmp_path: Path) -> None:
    spill, stream = Spill(tmp_path, 10 * MIB), Stream()
    sent = payloads(4000)
    spill.append(sent)
    with pytest.raises(ConnectionError):
        spill.drain(_fails_after(1000, stream))
    assert 0 < len(stream.got) < 4000
    assert spill.waiting()
    assert spill.size() > 0
    spill.drain(stream)
    assert stream.got == sent
    assert spill.size() == 0


def test_what_comes_while_draining_is_drained_too(tmp_path: Path) -> None:
    spill, stream = Spill(tmp_path, MIB), Stream()
    spill.append([b'{"before":1}'])

    def append(envelopes: Sequence[bytes]) -> None:
        if not stream.got:
            spill.append([b'{"meanwhile":2}'])
        stream(envelopes)

    spill.drain(append)
    assert stream.got == [b'{"before":1}', b'{"meanwhile":2}']
    assert spill.size() == 0


def test_the_folder_and_its_files_are_for_their_owner_only(tmp_path: Path) -> None:
    spill = Spill(tmp_path / "new", MIB)
    assert spill.path.parent.stat().st_mode & 0o777 == 0o700
    assert spill.path.stat().st_mode & 0o777 == 0o600
