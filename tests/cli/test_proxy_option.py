"""`--proxy`: on the command line, in the environment and in the config file, of commands that take layers and of `chat audit`."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from people import environment
from programs import chat, complaint, connect, importing, nobody_there, serve
from proxy_servers import PASSWORD, USER, needs_proxies, proxy

CODE = "7-orbit-velvet\n"  # which `chat receive` asks for
COMMANDS = (("connect", "localhost"), ("audit", "localhost"), ("receive", "localhost"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(command: tuple[str, ...], tmp_path: Path) -> None:
    run = chat(*command, "--proxy", f"http://{USER}:{PASSWORD}@127.0.0.1:1", environment=environment(tmp_path / "alice"))
    assert run.returncode == 2
    assert "--proxy has a password in it" in complaint(run)
    assert "PLYTALK_PROXY" in complaint(run)
    assert PASSWORD not in run.stdout + run.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_it_is_taken_from_the_environment_then_from_the_config_file(command: tuple[str, ...], tmp_path: Path) -> None:
    home = environment(tmp_path / "alice")
    file = tmp_path / "config.toml"
    with nobody_there() as first, nobody_there() as second, nobody_there() as third:
        file.write_text(f'[options]\nproxy = "http://127.0.0.1:{first}"\n')
        configured = {**home, "PLYTALK_CONFIG": str(file)}
        run = chat(*command, environment=configured, typed=CODE)
        assert f"127.0.0.1:{first}" in run.stderr
        assert run.returncode == 3
        given = {**configured, "PLYTALK_PROXY": f"http://{USER}:{PASSWORD}@127.0.0.1:{second}"}
        assert f"127.0.0.1:{second}" in chat(*command, environment=given, typed=CODE).stderr
        typed = (*command, "--proxy", f"http://127.0.0.1:{third}")
        assert f"127.0.0.1:{third}" in chat(*typed, environment=given, typed=CODE).stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_config_file_with_a_password_must_be_private(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[options]\nproxy = "http://{USER}:{PASSWORD}@127.0.0.1:1"\n')
    configured = {**environment(tmp_path / "alice"), "PLYTALK_CONFIG": str(file)}
    file.chmod(0o644)
    run = chat(*command, environment=configured)
    assert (run.returncode, PASSWORD in run.stderr) == (2, False)
    assert f"The config file has a password in it. {file} is a secret that other users can read" in complaint(run)
    file.chmod(0o600)
    assert chat(*command, environment=configured, typed=CODE).returncode == 3


def test_the_environment_is_for_both_ends_and_the_command_line_is_not(tmp_path: Path) -> None:
    ours = {**environment(tmp_path / "bob"), "PLYTALK_PROXY": "http://127.0.0.1:1"}
    with serve("--keep", "--headless", environment=ours) as server, connect(server.port, environment=ours) as client:
        assert "The proxy cannot be used" in client.tells("proxy")
    run = chat("serve", "--proxy", "http://127.0.0.1:1", environment=environment(tmp_path / "bob"))
    assert complaint(run).startswith("--proxy is for `chat connect`.")


WATCH = """
import sys
sys.modules["uvloop"] = None  # it looks names up where no audit hook sees it
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        with open({file!r}, "a") as file:
            print(event, arguments[-2] if event == "socket.sendto" else arguments[0], file=file)
sys.addaudithook(watch)
"""
DIALLING = {
    "connect": ("connect", "TARGET:1"),
    "local": ("connect", "target.local:1"),
    "audit": ("audit", "TARGET:1"),
    "receive": ("receive", "TARGET:1"),
    "send": ("send", "FILE", "--to", "TARGET:1", "--accept-new"),
    "ws": ("connect", "ws://TARGET:1/"),
    "wss": ("connect", "wss://TARGET:1/"),
    "tls": ("connect", "TARGET:1", "--transport", "tls"),
    "a relay": ("connect", "412@TARGET:1", "--code"),
    "a relay by wss": ("connect", "412@wss://TARGET:1", "--code"),
    "serve": ("serve", "--relay", "TARGET:1"),
    "serve by wss": ("serve", "--relay", "wss://TARGET:1"),
}
"""Everything that connects to something."""


def looked_up(arguments: tuple[str, ...], tmp_path: Path, url: str, target: str) -> tuple[int, set[str]]:
    """What a command looks up that goes through a proxy, or through none."""
    file, folder = tmp_path / "looked-up", tmp_path / "watched"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH.format(file=str(file)))
    (tmp_path / "FILE").write_text("a file")
    surroundings = {**environment(tmp_path / "alice"), **importing(folder), **({"PLYTALK_PROXY": url} if url else {})}
    words = [word.replace("TARGET", target) for word in arguments]
    run = chat(*words, environment=surroundings, typed=CODE, folder=tmp_path)
    return run.returncode, set(file.read_text().splitlines()) if file.exists() else set()


@needs_proxies
@pytest.mark.parametrize("scheme", ["socks5h", "http"])
@pytest.mark.parametrize("arguments", DIALLING.values(), ids=list(DIALLING))
def test_no_command_looks_up_the_name_of_the_server(arguments: tuple[str, ...], scheme: str, tmp_path: Path) -> None:
    with proxy(scheme, tmp_path) as url:
        code, found = looked_up(arguments, tmp_path, url, "target.invalid")
    assert code == 3
    assert found <= {"socket.getaddrinfo 127.0.0.1"}, "the proxy's address alone"


def test_a_look_up_would_be_noticed(tmp_path: Path) -> None:
    code, found = looked_up(DIALLING["connect"], tmp_path, "", "target.invalid")
    assert (code, found) == (3, {"socket.getaddrinfo target.invalid"})


@needs_proxies
@pytest.mark.parametrize("scheme", ["socks5h", "http"])
def test_people_talk_through_a_proxy_with_a_password(scheme: str, tmp_path: Path) -> None:
    with (
        proxy(scheme, tmp_path, password=True) as url,
        serve("--keep", "--headless", environment=environment(tmp_path / "server")) as server,
    ):
        through = {**environment(tmp_path / "alice"), "PLYTALK_PROXY": url}
        traced = ("--trace", str(tmp_path / "trace"))
        run = chat("connect", f"localhost:{server.port}", "--accept-new", *traced, typed="hello\n", environment=through)
        assert run.returncode == 0, run.stderr
        assert "You said exit." in run.stderr
        assert PASSWORD not in run.stdout + run.stderr
        secret = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        trace = (tmp_path / "trace").read_text()
        assert secret.encode().hex() not in trace
        assert secret not in trace
        assert ("CONNECT localhost" in trace) is (scheme == "http")
        seen = json.loads(chat("audit", "--json", f"localhost:{server.port}", environment=through).stdout)
        assert seen["profile"] == "plytalk1"
