"""The benchmark of rooms counts what happened, and notices what should not happen. How fast anything is, no test says."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

pytest.importorskip("noise", reason="needs noiseprotocol: pip install noiseprotocol")

from benchmarks.rooms import report  # noqa: E402
from benchmarks.rooms.generator import receiver, room  # noqa: E402
from benchmarks.rooms.measure import Amount, chosen, measure  # noqa: E402
from benchmarks.rooms.ours import OURS  # noqa: E402
from benchmarks.rooms.peers import PEERS, Peer, Unable  # noqa: E402

SHORT = 0.02
HUB = """
import asyncio, sys
members, heard = [], 0

async def member(reader, writer):
    global heard
    members.append(writer)
    writer.write(b"welcome\\n")
    async for line in reader:
        heard += 1
        for each in members:
            each.writelines(damaged(heard, line))

def damaged(heard, line):
    {}
    return [line]

async def main():
    await (await asyncio.start_server(member, "127.0.0.1", int(sys.argv[1]))).serve_forever()

asyncio.run(main())
"""
"""A hub that does something wrong to one message."""


@pytest.fixture(scope="module", autouse=True)
def compiled():
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux: epoll and /proc")
    try:
        receiver()
    except Unable as reason:
        pytest.skip(str(reason))


def named(name):
    (peer,) = (peer for peer in PEERS if peer.name == name)
    if peer.missing:
        pytest.skip(peer.missing)
    return peer


def damaging(what):
    how = HUB.format(what)
    return Peer("a hub", "import asyncio", lambda place: [sys.executable, "-c", how, str(place.port)], "", "welcome\n")


@pytest.mark.parametrize("name", [peer.name for peer in (OURS, *PEERS)])
def test_ten_members_get_every_message_once_and_in_order(name):
    peer = OURS if name == OURS.name else named(name)
    with room(peer, 10) as one:
        for size, flight in ((64, 1), (256, 64)):
            ran = one.run(size, flight, SHORT)
            assert ran.deliveries > 0
            assert ran.deliveries % 9 == 0
            assert 0 < ran.p50 <= ran.p99
            assert ran.server > 0
            assert 0 < ran.busy <= 1
        assert one.joined.members == 10
        assert one.joined.full >= one.joined.bare > 0
        assert one.joined.cpu > 0


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("if heard == 3: return []", id="lost"),
        pytest.param("if heard == 3: return [line, line]", id="twice"),
        pytest.param("if heard == 3: return [line.replace(b'.', b',', 1)]", id="changed"),
        pytest.param("if heard == 3: return [line[:-2] + line[-1:]]", id="shortened"),
        pytest.param("if heard == 3: [each.close() for each in members]", id="closed"),
    ],
)
def test_what_goes_wrong_at_a_server_ends_its_benchmark(damage, capfd):
    with room(damaging(damage), 3) as one, pytest.raises(Unable, match="gave up on a hub"):
        one.run(64, 64, SHORT)
    assert "ember" in capfd.readouterr().err


def test_a_hub_that_does_nothing_wrong_is_measured():
    with room(damaging("pass"), 3) as one:
        assert one.run(64, 64, SHORT).deliveries > 0


def test_a_server_that_does_not_start_is_told_with_what_it_said():
    peer = Peer("a hub", "import asyncio", lambda place: [sys.executable, "-c", "raise SystemExit('no luck')"], "", "")
    with pytest.raises(Unable, match=r"a hub did not start:\nno luck"), room(peer, 3):
        pass


def test_an_absent_server_is_left_out_with_what_to_install():
    figures = measure([Peer("a server", "no-such-server", list, "", "")], Amount(members=(2,), rounds=1))
    assert figures.notes == ["a server is left out; to have it: apt install no-such-server"]
    assert figures.ran == {(2, size, flight): {} for size in (64, 256) for flight in (1, 64)}


def test_a_name_that_is_none_is_refused():
    with pytest.raises(Unable, match="There is no server 'irc'; there is: plytalk/1, redis TLS"):
        chosen(["irc"])


def test_no_process_stays_when_measuring_fails():
    with contextlib.suppress(KeyboardInterrupt), room(named("asyncio"), 3) as one:
        raise KeyboardInterrupt
    assert one.server.returncode is not None


@pytest.fixture(scope="module")
def tables():
    amount = Amount(members=(3,), sizes=(64,), flights=(1, 64), rounds=2, seconds=SHORT, joins=0)
    return report.tables(measure([named("asyncio"), named("asyncio TLS")], amount), amount)


def test_the_tables_have_every_case_memory_and_joins(tables):
    for title in "3 members, 64 B, one in flight", "3 members, 64 B, 64 in flight", "Memory at rest", "Joins":
        assert tables.count(f"### {title}\n") == 1
    assert tables.count("\n| asyncio TLS |") == 4


def test_the_tables_go_between_the_markers_and_nothing_else_changes(tables, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(report.README.read_text())
    monkeypatch.setattr(report, "README", readme)
    report.write(tables)
    once = readme.read_text()
    report.write(tables)
    assert readme.read_text() == once
    assert tables in once
    parts, whole = once.split(report.BEGIN), (ROOT / "benchmarks" / "rooms" / "README.md").read_text()
    assert parts[0] == whole.split(report.BEGIN)[0]
    assert once.split(report.END)[1] == whole.split(report.END)[1]


def test_the_command_prints_the_tables():
    options = ["--only", "asyncio", "--members", "3", "--sizes", "64", "--flight", "1", "--rounds", "1", "--joins", "0"]
    command = [sys.executable, "-m", "benchmarks.rooms", *options, "--seconds", str(SHORT)]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "### 3 members, 64 B, one in flight" in printed


def test_the_command_refuses_what_it_does_not_know():
    command = [sys.executable, "-m", "benchmarks.rooms", "--only", "nonsense"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "no server 'nonsense'" in refused.stderr
