"""`--proxy`: on the command line, in the environment and in the config file, of commands that take layers and of `chat audit`."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from people import environment
from programs import chat, complaint, connect, nobody_there, serve
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
