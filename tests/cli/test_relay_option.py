"""`--relay`: a file goes by a number and a code, and the relay of the config file is used (see test_relay_command.py)."""

import re
import shlex
from pathlib import Path

import pytest
from certificates import Authority
from programs import chat, complaint, home, started
from web_servers import NGINX, nginx


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


def configured(folder: Path, name: str, relay: str) -> dict[str, str]:
    """The surroundings of a user whose config file names a relay."""
    (folder / name / "plytalk").mkdir(parents=True)
    (folder / name / "plytalk" / "config.toml").write_text(f'relay = "{relay}"\n')
    return home(folder, name)


def test_the_relay_of_the_config_file_is_used_on_both_sides(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        alice, bob = (configured(tmp_path, name, address) for name in ("alice", "bob"))
        with started("serve", "--relay", "--relay-number", environment=alice) as server:
            number = server.tells("The other side connects with:").partition("chat connect ")[2].partition("@")[0]
            with started("connect", f"{number}@", "--accept-new", "--name", "bob", environment=bob) as client:
                client.say("by a name that was told once")
                assert server.hear_words() == "by a name that was told once"


def test_one_that_is_named_goes_before_it(tmp_path: Path) -> None:
    alice = configured(tmp_path, "alice", "nowhere.example.org")
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        with started("serve", "--relay", address, environment=alice) as server:
            assert f"@{address}" in server.tells("The other side connects with:")


def test_a_trace_of_a_server_begins_with_what_it_says_to_the_relay(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        trace = tmp_path / "trace"
        words = ("serve", "--relay", address, "--relay-number", "--trace", str(trace), "--headless")
        with started(*words, environment=home(tmp_path, "a")) as server:
            place = server.tells("Listening on ").split()[2]
            server.process.terminate()
            server.status()
    run = chat("inspect", str(trace), "--text", environment=home(tmp_path, "a"))
    assert f"{place}  -> plyrelay/1 hold" in run.stdout
    assert f"{place}  <- plyrelay/1 name" in run.stdout


@pytest.mark.parametrize(
    ("options", "by_number"),
    [
        (("--profile", "demo01"), True),
        (("--profile", "demo02"), True),
        (("--profile", "secure-chat"), True),
        (("--identity", "key"), False),
        (("--relay-key", "key"), False),
    ],
    ids=["plaintext", "no key", "another chat's key", "another identity", "a key for the relay"],
)
def test_the_line_that_is_shown_connects_whatever_key_the_server_has(options: tuple[str, ...], by_number: bool, tmp_path) -> None:
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        own = [str(tmp_path / word) if word == "key" else word for word in options]
        with started("serve", "--relay", address, *own, environment=home(tmp_path, "alice")) as server:
            line = shlex.split(server.tells("The other side connects with:").partition("chat connect ")[2])
            assert line[0].partition("@")[0].isdigit() is by_number
            with started("connect", *line, environment=home(tmp_path, "bob")) as client:
                client.say("by the line that was shown")
                assert server.hear_words() == "by the line that was shown"
                client.end_input()
                assert client.status() == 0


def test_a_name_at_a_relay_that_is_not_the_key_of_the_server_is_refused(tmp_path: Path) -> None:
    words = ("--relay", "127.0.0.1:1", "--relay-key", str(tmp_path / "other"), "--identity", "one")
    run = chat("serve", *words, environment=home(tmp_path, "a"), folder=tmp_path)
    assert run.returncode == 2
    assert "The key of --relay-key is not the one that this server shows" in complaint(run)


@pytest.mark.parametrize("options", [("--code",), ("--profile", "demo02")], ids=["code", "no key"])
def test_where_only_listed_keys_may_hold_a_number_is_held_with_any_of_these(options: tuple[str, ...], tmp_path: Path) -> None:
    key, listed, own = tmp_path / "key", tmp_path / "listed", home(tmp_path, "a")
    made = chat("keys", "new", "--identity", str(key), environment=own)
    assert made.returncode == 0, made.stderr
    shown = chat("keys", "show", "--identity", str(key), environment=own).stdout
    listed.write_text(next(line for line in shown.splitlines() if line.startswith("ssh-ed25519")) + " alice\n")
    with started("relay", "--listen", "127.0.0.1:0", "--allow", str(listed)) as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        run = chat("serve", "--relay", address, *options, environment=own)
        assert (run.returncode, "Give --relay-key FILE" in run.stderr) == (3, True)
        with started("serve", "--relay", address, *options, "--relay-key", str(key), environment=own) as server:
            assert re.search(rf"chat connect \d+@{address}", server.tells("The other side connects with:"))


@pytest.mark.skipif(not NGINX, reason="needs nginx")
def test_a_relay_with_a_certificate_of_another_ca_is_used_by_all_commands(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = ("--tls-ca", str(authority.file), "--tls-name", "localhost")
    (tmp_path / "film").write_bytes(bytes(range(256)) * 2000)
    into = ("--into", str(tmp_path / "in"), "--yes", "--quiet")
    with started("relay", "--listen", "127.0.0.1:0", "--ws", "127.0.0.1:0") as relay:
        behind = int(relay.tells("Relaying at ").rpartition("ws://127.0.0.1:")[2].split(".")[0])
        with nginx(tmp_path / "nginx", behind, tls=authority.signs("relay")) as port:
            address = f"wss://127.0.0.1:{port}"
            for words in (("serve", "--relay", address), ("connect", f"412@{address}")):
                run = chat(*words, environment=home(tmp_path, "a"))
                assert (run.returncode, "--tls-ca and --tls-name say" in run.stderr) == (4, True)
            with started("send", str(tmp_path / "film"), "--relay", address, *trust, environment=home(tmp_path, "a")) as sender:
                line, code = shlex.split(sender.hear()), sender.hear()
                run = chat(*line[1:], *trust, *into, typed=f"{code}\n", environment=home(tmp_path, "b"))
                assert run.returncode == 0, run.stderr
            with started("serve", "--relay", address, *trust, environment=home(tmp_path, "a")) as server:
                line = shlex.split(server.tells("The other side connects with:").partition("chat ")[2])
                with started(*line, *trust, "--name", "bob", environment=home(tmp_path, "b")) as client:
                    client.say("behind a certificate")
                    assert server.hear_words() == "behind a certificate"
                    audit = chat("audit", line[1], *trust, environment=home(tmp_path, "b"))
                    assert "speaks plytalk1" in audit.stdout, audit.stderr
    assert (tmp_path / "in" / "film").read_bytes() == (tmp_path / "film").read_bytes()


@pytest.mark.parametrize("scheme", ["", "ws://"])
@pytest.mark.parametrize("command", [("serve", "--relay", ""), ("send", "film", "--relay", ""), ("connect", "412@"),
                                     ("receive", "412@"), ("audit", "412@")], ids=lambda words: words[0])  # fmt: skip
def test_options_for_tls_are_refused_for_a_relay_without_it(command: tuple[str, ...], scheme: str, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"film")
    relay = f"{scheme}127.0.0.1:1"
    words = (*command[:-1], f"{command[-1]}{relay}")
    for option in ("--tls-ca", "--tls-name"):
        run = chat(*words, option, "localhost", environment=home(tmp_path, "a"), folder=tmp_path)
        assert run.returncode == 2, run.stderr
        assert f"The relay {relay} is reached without TLS; --tls-ca and --tls-name are for wss:// relays." in complaint(run)


def test_options_for_tls_in_a_config_file_have_no_effect_on_a_relay_without_it(tmp_path: Path) -> None:
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        alice = configured(tmp_path, "alice", address)
        with (tmp_path / "alice" / "plytalk" / "config.toml").open("a") as file:
            file.write('[options]\ntls-ca = "ca.pem"\ntls-name = "chat.example.org"\n')
        with started("serve", "--relay", environment=alice) as server:
            assert f"@{address}" in server.tells("The other side connects with:")


@pytest.mark.parametrize("command", [("serve", "--relay"), ("connect", "412@")])
def test_without_one_it_is_asked_for(command: tuple[str, ...], tmp_path: Path) -> None:
    run = chat(*command, environment=home(tmp_path, "a"))
    assert run.returncode == 2
    assert "No relay is named here, and none in the config file." in complaint(run)


@pytest.mark.parametrize("relay", ["", "a b", "host:99999", "wss://"])
def test_what_is_no_address_is_refused_when_the_file_is_read(relay: str, tmp_path: Path) -> None:
    run = chat("serve", "--relay", environment=configured(tmp_path, "a", relay))
    assert run.returncode == 2
    assert "'relay' is not the address of one" in complaint(run)
