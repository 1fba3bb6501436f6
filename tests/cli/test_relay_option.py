"""`--relay` of `chat send`: a file goes through a relay, by a number and a code. For `chat serve` see test_relay_command.py."""

from pathlib import Path

from programs import chat, home, started


def test_a_file_goes_through_a_relay(tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(bytes(range(256)) * 2000)
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        with started("send", str(tmp_path / "film"), "--relay", address, environment=home(tmp_path, "a")) as sender:
            line, code = sender.hear().split(), sender.hear()
            assert line[:2] == ["chat", "receive"]
            name, at, where = line[2].partition("@")
            assert (name.isdigit(), at, where) == (True, "@", address)
            into = ("--into", str(tmp_path / "in"), "--yes", "--quiet")
            run = chat("receive", line[2], *into, typed=f"{code}\n", environment=home(tmp_path, "b"))
            assert run.returncode == 0, run.stderr
            assert sender.status() == 0
    assert (tmp_path / "in" / "film").read_bytes() == (tmp_path / "film").read_bytes()
