"""`chat relay`, and a server and a client that meet there: real programs, real sockets."""

import os
import re
import signal
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import COMMAND, Chat, chat, complaint, home, started
from relaying import relaying


@contextmanager
def relay(listen: str = "127.0.0.1:0", *options: str) -> Iterator[str]:
    with started("relay", "--listen", listen, *options) as running:
        yield running.tells("Relaying at ").split()[2].rstrip(".")


def invitation(server: Chat) -> list[str]:
    """What the other side types, without `chat`."""
    return server.tells("The other side connects with:").partition(":  ")[2].split()[1:]


def test_two_meet_by_the_name_of_a_key_which_is_checked(tmp_path: Path) -> None:
    with relay() as address, started("serve", "--relay", address, environment=home(tmp_path, "a")) as server:
        line = invitation(server)
        assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}@127\.0\.0\.1:\d+", line[1])
        assert line[2:] == []
        with started(*line, "--name", "bob", environment=home(tmp_path, "b")) as client:
            client.say("through the relay")
            assert server.hear_words() == "through the relay"
            server.say("and back")
            assert client.hear_words() == "and back"
            client.end_input()
            assert client.status() == 0


def test_two_meet_at_a_relay_that_is_reached_by_websocket(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0") as relaying:
        _, _, tcp, _, by_web, *_ = relaying.tells("Relaying at ").split()
        web = by_web.rstrip(".")
        assert web.startswith("ws://127.0.0.1:")
        with started("serve", "--keep", "--relay", web, environment=home(tmp_path, "a")) as server:
            line = invitation(server)
            assert line[1].endswith(f"@{web}")
            with started(*line, "--name", "bob", environment=home(tmp_path, "b")) as client:
                client.say("through the web")
                assert server.hear_words() == "through the web"
                client.end_input()
                assert client.status() == 0
            by_tcp = line[1].replace(web, tcp)
            with started("connect", by_tcp, "--name", "bob", environment=home(tmp_path, "b")) as client:
                client.say("from tcp to the web")
                assert server.hear_words() == "from tcp to the web"
                client.end_input()
                assert client.status() == 0
    run = chat("relay", "--trusted-proxy", "127.0.0.1")
    assert complaint(run) == "--trusted-proxy needs --ws, where web servers connect."


@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX systems")
def test_the_list_of_keys_is_read_again_at_a_signal_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    listed = tmp_path / "listed"
    listed.write_text("")
    owner = home(tmp_path, "a")
    with started("relay", "--listen", "127.0.0.1:0", "--allow", str(listed)) as relaying:
        address = relaying.tells("Relaying at ").split()[2].rstrip(".")
        refused = chat("serve", "--relay", address, environment=owner)
        assert (refused.returncode, "does not admit this key" in refused.stderr) == (3, True)
        [line] = re.findall("ssh-ed25519 [A-Za-z0-9+/]+", chat("keys", "show", environment=owner).stdout)
        for content, said in ((f"{line} alice\n", "Keys that may hold a name here, by "), ("no key\n", "Nothing was changed.")):
            listed.write_text(content)
            relaying.process.send_signal(signal.SIGHUP)
            relaying.tells(said)
            with started("serve", "--relay", address, environment=owner) as server:
                assert address in server.tells("The other side connects with:")


def test_without_a_list_that_signal_changes_nothing() -> None:
    with started("relay", "--listen", "127.0.0.1:0") as relaying:
        relaying.tells("Relaying at ")
        relaying.process.send_signal(signal.SIGHUP)
        relaying.tells("There is no --allow file to read again. Nothing was changed.")


def comes_and_says_hello(line: Sequence[str], code: str, server: Chat, folder: Path) -> None:
    """The other side types the server's command, and the code."""
    with started(*line, "--name", "bob", environment=home(folder, "b")) as client:
        client.say(code)
        client.say("hello")
        assert server.hear_words() == "hello"
        client.end_input()
        assert client.status() == 0


def test_two_meet_by_a_number_and_a_code(tmp_path: Path) -> None:
    with relay() as address, started("serve", "--relay", address, "--code", environment=home(tmp_path, "a")) as server:
        code = server.tells("The one-time code is").split()[4].rstrip(".")
        line = invitation(server)
        assert re.fullmatch(r"\d+@127\.0\.0\.1:\d+", line[1])
        comes_and_says_hello(line, code, server, tmp_path)


def test_a_number_outlives_the_relay_and_where_others_took_it_the_new_line_is_told(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0") as first:
        address = first.tells("Relaying at ").split()[2].rstrip(".")
        with started("serve", "--relay", address, "--code", environment=home(tmp_path, "a")) as server:
            code = server.tells("The one-time code is").split()[4].rstrip(".")
            number = invitation(server)[1].partition("@")[0]
            first.process.terminate()
            server.tells(f"The relay {address} is out of reach, and nobody can come in through it. Trying again.")
            with relay(address):
                assert server.tells("is there again") == f"The relay {address} is there again."
            server.tells("is out of reach")
            with relaying(port=int(address.rpartition(":")[2]), taken=number):
                told = server.tells("is there again")
                line = invitation(server)
                assert (
                    told
                    == f"The relay {address} is there again, and gives {line[1].partition('@')[0]}: others hold {number} now."
                )
                comes_and_says_hello(line, code, server, tmp_path)


def test_it_says_how_much_it_does_and_not_for_whom(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0") as running:
        address = running.tells("Relaying at ").split()[2].rstrip(".")
        page = running.tells("Figures for Prometheus at").split()[4].rstrip(".")
        with started("serve", "--relay", address, environment=home(tmp_path, "a")) as server:
            line = invitation(server)
            with started(*line, "--name", "bob", environment=home(tmp_path, "b")) as client:
                client.say("hello")
                assert server.hear_words() == "hello"
                figures = urllib.request.urlopen(page, timeout=180).read().decode()
                client.end_input()
                assert client.status() == 0
        assert "plytalk_relay_names_held 1\n" in figures
        assert "plytalk_relay_pairs 1\n" in figures
        assert "process_open_fds" in figures
        running.process.terminate()
        assert running.status() == 0
        assert re.fullmatch(r"Conversations relayed: 1 \([0-9.]+ k?B\)\. Refused: 0\.", running.told[-1])
        key = line[1].partition("@")[0]
        everything = figures + "\n".join(running.told)
        assert [secret for secret in (key, "bob", "hello") if secret in everything] == []
        assert everything.count("127.0.0.1") == len([address, page])


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_too_few_open_files_are_told() -> None:
    few = ("sh", "-c", 'ulimit -n 300 && exec "$0" "$@"', *COMMAND)
    with started("relay", "--listen", "127.0.0.1:0", command=few) as running:
        assert running.tells("The system lets") == (
            "The system lets a program open 300 files here; a full relay needs 2,400. Raise it with `ulimit -n`."
        )


def test_a_server_with_another_key_is_refused_by_its_name(tmp_path: Path) -> None:
    """A relay that hands a caller to another server: it gives the name of one key, and another key answers."""
    with relay() as address, started("serve", "--relay", address, "--code", environment=home(tmp_path, "a")) as server:
        number = invitation(server)[1].partition("@")[0]
        other = "SHA256:" + "A" * 43
        run = chat("connect", f"{number}@{address}", "--peer", other, environment=home(tmp_path, "b"))
        assert run.returncode in (4, 5, 6)


def test_nobody_there_ends_with_3(tmp_path: Path) -> None:
    with relay() as address:
        run = chat("connect", f"412@{address}", "--accept-new", environment=home(tmp_path, "b"))
        assert run.returncode == 3
        assert "knows nobody of that name" in run.stderr


def test_only_keys_on_the_list_may_hold(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with relay("127.0.0.1:0", "--allow", str(tmp_path / "keys")) as address:
        run = chat("serve", "--relay", address, environment=home(tmp_path, "a"))
        assert run.returncode == 3
        assert "does not admit this key" in run.stderr


def test_a_relay_for_elsewhere_asks_for_its_name() -> None:
    with started("relay", "--listen", "0.0.0.0:0") as running:
        running.tells("Without --name, servers on other machines cannot hold the name of a key here")


@pytest.mark.parametrize("written", ["bob@relay.example.org", "SHA256:short@relay.example.org"])
def test_other_names_are_no_addresses(written: str) -> None:
    run = chat("connect", written)
    assert run.returncode == 2
    assert "an address has no user name" in complaint(run)
