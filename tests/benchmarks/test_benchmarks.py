"""Every benchmark runs and gives every figure. How fast anything is, no test says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import cuts, file_storage, files, goals, measure, report, script, stream, suite, tracing  # noqa: E402
from benchmarks.handshakes import certificate  # noqa: E402
from benchmarks.rooms.generator import Ran, receiver  # noqa: E402
from benchmarks.rooms.peers import Unable  # noqa: E402
from plytalk.core.pipeline.connection import Connection  # noqa: E402
from plytalk.plugins.files.hash_tree import KNOWN  # noqa: E402

TITLES = (
    *("One way", "Round trip", "Connection set-up", "Start-up", "Pipeline alone"),
    *("Handshakes in one process", "Handshakes over TCP", "Records", "Messages of 64 B that share records"),
    *("A stream of a file's size", "Tracing", "Goals"),
)
TINY = measure.Amount(
    **{"rounds": 1, "sent": (20, 20, 5), "echoes": 5, "handshakes": 1, "alone": 20, "repeats": 1, "records": 16},
    **{"together": 200, "stream": 50, "members": (10,), "joins": 3, "turn": 0.02},
)


@pytest.fixture(scope="module")
def figures():
    return suite.everything(TINY, tuple(suite.MEASUREMENTS))


def positive(value):
    return all(map(positive, value.values())) if isinstance(value, dict) else value > 0


def test_one_way_has_messages_and_megabytes_a_second_of_both_programs(figures):
    for profile in "demo01", "demo02", "secure-chat":
        for size in "64", "256", "16384":
            one = figures["one way"][profile][size]
            assert set(one) >= {"ours messages/s", "plain messages/s", "ours MB/s", "plain MB/s", "ours to plain"}
            assert positive(one)
            assert one["ours MB/s"] == pytest.approx(one["ours messages/s"] * int(size) / 1e6)


def test_round_trip_has_both_kinds_of_plain_program(figures):
    for profile in "demo01", "demo02", "secure-chat":
        one = figures["round trip"][profile]
        assert set(one) >= {"ours us", "plain us", "relay us", "ours to plain", "ours to relay"}
        assert positive(one)


def test_set_up_is_measured_for_each_profile(figures):
    assert set(figures["set-up"]) == {"demo01", "demo02", "secure-chat"}
    assert all(set(one) >= {"ours ms", "plain ms", "ours to plain"} and positive(one) for one in figures["set-up"].values())


def test_start_up_is_measured_against_bare_python(figures):
    assert set(figures["start-up"]) == {"python -c pass ms", "chat --help ms", "difference ms"}
    assert figures["start-up"]["chat --help ms"] > 0


def test_tracing_is_measured_off_and_on(figures):
    for one in figures["tracing"].values():
        assert set(one) == {"out", "in"}
        assert positive(one)


def test_a_message_passes_the_same_code_whether_there_is_tracing_in_the_source_or_not():
    without = tracing.connection_without()
    for name in ("send", "flush", "_receive"):
        assert getattr(without, name).__code__.co_code == getattr(Connection, name).__code__.co_code, name
    assert without.open.__code__.co_code != Connection.open.__code__.co_code


def test_the_pipeline_alone_is_measured_whole_and_by_layer(figures):
    for one in figures["alone"].values():
        assert set(one) == {"out us", "in us", "layers us"}
        assert {"cipher.seal", "cipher.open", "messages.pack", "messages.unpack", "sanitiser"} < set(one["layers us"])
        assert positive(one)


def test_handshakes_are_counted_at_the_server_and_at_both_sides_beside_the_others(figures):
    hybrid = {f"Noise_XXhfs_25519+MLKEM768_{cipher}_SHA256" for cipher in ("AESGCM", "ChaChaPoly")}
    alone, over_tcp = figures["handshakes"], figures["handshakes over TCP"]
    assert set(alone) == {"XX", "noiseprotocol", "noiseprotocol, key reused", "RSA-2048, a fresh key"} | hybrid
    assert set(over_tcp) == {"XX", "noiseprotocol", "asyncio TLS 1.3", "a connection alone"} | hybrid
    assert positive(alone)
    assert positive(over_tcp)
    for one in (*alone.values(), *over_tcp.values()):
        assert one["server/s"] > one["both/s"]
        assert "to noiseprotocol" in one
    assert over_tcp["asyncio TLS 1.3"]["to asyncio TLS 1.3"] == 1


def test_records_are_measured_beside_the_bare_ciphers(figures):
    for cipher in "AESGCM", "ChaChaPoly":
        for size in "64", "256", "16384":
            one = figures["records"][cipher][size]
            assert set(one["out"]) == set(one["in"])
            assert set(one["out"]) >= {"layers us", "cipher us", "bare us", "best us", "of bare"}
            assert positive(one)


def test_messages_that_share_records_come_from_process_to_process(figures):
    for one in figures["records together"].values():
        assert set(one) == {"messages/s", "messages a processor second", "best", "sender us", "receiver us"}
        assert positive(one)


def test_a_stream_is_measured_beside_the_faster_socat(figures):
    one = figures["stream"]
    assert positive(one)
    for kind in stream.KINDS:
        assert set(one[kind]) >= {"MB/s", "sender busy", "receiver busy"}
    needs_socat()
    assert set(one) == {*stream.KINDS, *stream.SOCAT}
    theirs = max(one[name]["MB/s"] for name in stream.SOCAT)
    for kind in stream.KINDS:
        assert one[kind]["to socat"] == pytest.approx(one[kind]["MB/s"] / theirs)


@pytest.mark.parametrize("options", stream.SOCAT.values())
def test_all_bytes_come_through_socat(options, tmp_path):
    needs_socat()
    into = tmp_path / "came"
    into.touch()
    (seconds,) = stream.socat(certificate(str(tmp_path)), 1_000_003, *options, into=str(into))
    assert seconds > 0
    assert into.read_bytes() == bytes(1_000_003)


def test_a_socat_that_fails_gives_no_figure(tmp_path):
    needs_socat()
    with pytest.raises(RuntimeError, match=r"socat ended with 1"):
        stream.socat(tmp_path / "nothing.pem", 1000)


def needs_socat():
    if stream.MISSING:
        pytest.skip(stream.MISSING)


@pytest.fixture(scope="module")
def rows(figures):
    if not sys.platform.startswith("linux"):
        pytest.skip("rooms need Linux: epoll and /proc")
    try:
        receiver()
    except Unable as reason:
        pytest.skip(str(reason))
    return figures["goals"]


def test_each_goal_has_a_row_with_what_was_measured_or_why_not(rows):
    for name, one in rows.items():
        measured_here = "100 members" not in name and "1,000 members" not in name  # in rooms of ten
        if one["measured"] is None:
            assert one["why"]
            assert not measured_here or "is left out; to have it: apt install" in one["why"] or "socat" in name, name
        else:
            assert one["measured"] > 0 or "beyond a handshake" in name, name


def test_the_goals_are_measured_beside_what_they_are_relative_to(rows):
    first = [name.partition(",")[0] for name in rows]
    counts = {"typed + aesgcm alone": 2, "typed + aesgcm from chat to chat": 2}
    loops = len(measure.OURS)  # with uvloop, where that is installed
    counts |= {"one way": 7 * loops, "round trip": 3 * loops, "fan-out": 7, "memory": 2, "stream": 2}
    assert {name: first.count(name) for name in counts} == counts
    assert "joins into a room, by server CPU, to asyncio TLS 1.3 connections" in rows
    assert rows["a join, server CPU beyond a handshake over TCP"]["unit"] == " µs"
    assert rows["memory, one idle member of 10"]["measured"] > 1


def ran(seconds):
    return [Ran(deliveries=990, seconds=seconds, server=0.5, busy=0.25, p50=0.001, p99=0.002, others=0.0)]


def test_a_room_is_relative_to_the_fastest_server_with_tls():
    all_ran = {"plytalk/1": ran(1.0), "redis": ran(0.5), "redis TLS": ran(2.0), "ncat TLS": ran(1.5)}
    one = goals.fan_out(all_ran, goals.FASTEST, 1.15, [])
    assert one["measured"] == 1.5
    assert one["why"] == "server 50%, generator 25%; by server CPU 1.00 (ncat TLS was the fastest)"
    assert goals.fan_out(all_ran, goals.REDIS, 1.0, [])["measured"] == 0.5


def test_a_row_whose_peer_is_absent_says_what_to_install():
    note = "redis TLS is left out; to have it: apt install redis-server"
    one = goals.fan_out({"plytalk/1": ran(1.0)}, goals.REDIS_TLS, 1.0, ["nats is left out", note])
    assert one["measured"] is None
    assert report.goals({"a room": one}).splitlines()[-1] == f"| a room | not measured | ≥ 1 |  | {note} |"


def test_a_goal_is_reached_from_its_own_side():
    rows = {
        "faster": goals.at_least(2.0, goal=2.0, why="both"),
        "slower": goals.at_least(1.99, goal=2.0, why="both"),
        "small": goals.at_most(10.0, goal=10, why="", unit=" KiB"),
        "large": goals.at_most(10.01, goal=10, why="", unit=" KiB"),
    }
    table = report.goals(rows).splitlines()[-4:]
    assert table[0] == "| faster | 2.00 | ≥ 2 | yes | both |"
    assert table[1] == "| slower | 1.99 | ≥ 2 | **no** | both |"
    assert table[2] == "| small | 10.00 KiB | ≤ 10 KiB | yes |  |"
    assert table[3] == "| large | 10.01 KiB | ≤ 10 KiB | **no** |  |"


def test_a_run_without_names_leaves_out_what_takes_the_others_figures_again():
    assert suite.usual() == [name for name in suite.MEASUREMENTS if name != "goals"]


def test_a_burst_is_what_standard_input_brings_at_once():
    bursts = script.bursts(64, 2500)
    assert [len(burst) for burst in bursts] == [1008, 1008, 484]
    assert {len(line) for burst in bursts for line in burst} == {64}


def test_the_tables_go_between_the_markers_and_nothing_else_changes(figures, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(report.README.read_text())
    monkeypatch.setattr(report, "README", readme)
    report.write(figures)
    once = readme.read_text()
    report.write(figures)
    assert readme.read_text() == once
    before, tables = once.split(report.BEGIN)
    assert before == (ROOT / "benchmarks" / "README.md").read_text().split(report.BEGIN)[0]
    for title in TITLES:
        assert f"### {title}" in tables


def test_a_table_can_be_written_by_itself(figures, tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(report.README.read_text())
    monkeypatch.setattr(report, "README", readme)
    report.write(figures)
    before = readme.read_text()
    changed = {"python -c pass ms": 1.0, "chat --help ms": 12345.0, "difference ms": 12344.0}
    report.write({"rounds": 7, "python": "3.11", "cores": 2, "commit": "abc1234", "date": "2026-01-02", "start-up": changed})
    after = readme.read_text()
    assert after.count("### ") == before.count("### ")
    different = [line for line in after.splitlines() if line not in before.splitlines()]
    how = "7 rounds, Python 3.11, 2 cores, commit abc1234, 2026-01-02: `./run python -m benchmarks --rounds 7 start-up`."
    assert different == [how, "| 1 | 12345 | 12344 | ≤ 60 | **no** |"]


def test_the_readme_shows_figures_and_the_command_that_makes_them():
    text = report.README.read_text()
    assert "./run python -m benchmarks --write" in text
    for title in TITLES:
        assert f"### {title}" in text, f"run: ./run python -m benchmarks --write (no table {title!r})"


def test_the_command_measures_what_it_is_asked_for_and_prints_json():
    command = [sys.executable, "-m", "benchmarks", "start-up", "--rounds", "1", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(printed.stdout)) == {"rounds", "python", "cores", "commit", "date", "start-up"}


def test_the_command_refuses_what_it_does_not_know():
    command = [sys.executable, "-m", "benchmarks", "nonsense"]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "nothing called 'nonsense'" in refused.stderr


def test_a_file_is_transferred_and_measured(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(bytes(1 << 20))
    figures = files.plytalk_once(tmp_path, tmp_path / "film")
    assert figures["seconds"] > 0
    assert figures["cpu"] > 0
    assert (tmp_path / "into" / "0" / "film").read_bytes() == bytes(1 << 20)
    assert files.certificate(tmp_path).exists()


def test_what_storing_a_file_costs_is_measured(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(bytes(1 << 20))
    for algorithm in KNOWN:
        assert min(file_storage.transfer(tmp_path / "film", tmp_path, algorithm)) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["film"]
    assert positive(file_storage.hashing(1 << 16, 1 << 20))


def test_cuts_and_kills_leave_the_same_file_and_little_is_sent_twice(capsys: pytest.CaptureFixture[str]) -> None:
    cuts.main(["--mebibytes", "30", "--cuts", "3", "--kills", "2"])
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("30 MiB, 3 cuts and 2 kills: the same file after ")
    *_, most, _, _, _ = second.split()
    assert second.startswith("sent twice for each of 6 parts: ")
    assert int(most) <= 1024  # a window and a chunk, proofs, the handshake, and the heads of records
