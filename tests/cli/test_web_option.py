"""`--web` of `chat serve`: what the server says, what a browser gets, and what is refused."""

import http.client
import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from people import environment
from programs import Chat, chat, connect, started


def test_the_first_screen_says_what_to_open_and_a_terminal_joins_by_the_same_address(tmp_path: Path) -> None:
    arguments = ("--web", "127.0.0.1:0", "--keep", "--headless")
    with started("serve", *arguments, environment=environment(tmp_path / "server")) as server:
        url = server.tells("Open in a browser:  ").split()[-1]
        server.tells("On a terminal `chat connect` takes that address too")
        address, key = url.removeprefix("http://").split("/#")
        line = [f"ws://{address}/ws", "--peer", key]
        asking = http.client.HTTPConnection(address, timeout=180)
        asking.request("GET", "/")
        answer = asking.getresponse()
        assert answer.status == 200
        assert b"<title>plytalk</title>" in answer.read()
        for words in (line, [url]):
            with joined(tmp_path, words) as client:
                assert client.event("open")["key"] == key
        with joined(tmp_path, [url[:-43] + "A" * 43]) as refused:
            assert refused.status() == 5
        tell = [line for line in server.told if "did not get in" in line]
        assert tell == []


def joined(home: Path, line: list[str]) -> AbstractContextManager[Chat]:
    return started("connect", *line, "--name", "alice", "--ui", "jsonl", environment=environment(home / "alice"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--web", "0.0.0.0:0"], "Browsers trust a page from 0.0.0.0:0 only by TLS. Give --tls-cert FILE"),
        (["--web", "127.0.0.1:0", "--profile", "demo02"], "The page of --web speaks plytalk/1 alone."),
        (["--web", "127.0.0.1:0", "--cipher", "none"], "The page of --web speaks plytalk/1 alone."),
        (["--door", "web:127.0.0.1:0", "--profile", "demo01"], "The page of --web speaks plytalk/1 alone."),
        (["--web", "127.0.0.1:0", "--web-inspect"], "for stacks that keep nothing secret. Choose --profile demo01"),
        (["--web", "127.0.0.1:0", "--web-inspect", "--profile", "demo02"], "for stacks that keep nothing secret."),
        (["--profile", "demo01", "--web-inspect"], "--web-inspect shows conversations in the page of --web. Give --web"),
        (["--web", "127.0.0.1:x"], "'127.0.0.1:x' is not HOST or HOST:PORT."),
        (["--web", ""], "'web:' is not TRANSPORT, TRANSPORT:HOST"),
        (["--web", "127.0.0.1:0", "--trusted-proxy", "nginx"], "--trusted-proxy takes addresses, and 'nginx' is none."),
        (["--web", "127.0.0.1:0", "--tls-cert", "none.pem"], "Give --tls-cert FILE and --tls-key FILE."),
    ],
    ids=[
        "elsewhere without TLS",
        "a profile",
        "a cipher",
        "as a door",
        "secrets",
        "encrypted",
        "no page",
        "a bad port",
        "nothing",
        "a proxy's name",
        "half of TLS",
    ],
)
def test_what_cannot_be_served_is_refused_in_words(options: list[str], said: str, tmp_path: Path) -> None:
    run = chat("serve", "--headless", "--keep", *options, environment=environment(tmp_path))
    assert said in run.stderr
    assert run.returncode == 2


def test_the_inspector_does_not_take_the_place_of_a_trace(tmp_path: Path) -> None:
    arguments = ("--profile", "demo01", "--web", "127.0.0.1:0", "--web-inspect", "--trace", str(tmp_path / "trace"), "--keep")
    with started("serve", *arguments, environment=environment(tmp_path / "server")) as server:
        line = server.tells("The other side connects with:  ").split()[-4:]
        with started(*line, environment=environment(tmp_path / "client")) as client:
            client.say("in both")
            assert server.hear_words() == "in both"
        url = next(told for told in server.told if "Open in a browser" in told).split()[-1]
        asking = http.client.HTTPConnection(url.split("/")[2], timeout=180)
        asking.request("GET", "/frames/0/0")
        assert b"in both" in asking.getresponse().read()
    assert b"in both".hex().encode() in (tmp_path / "trace").read_bytes()


def test_behind_a_web_server_not_only_this_machine_can_come(tmp_path: Path) -> None:
    arguments = ("--web", "127.0.0.1:0", "--keep", "--headless", "--trusted-proxy", "127.0.0.1")
    with started("serve", *arguments, environment=environment(tmp_path / "server")) as server:
        server.tells("Through the web server in front it is https://ITS-NAME/")
        assert server.tells("may come in").startswith("Anyone who can reach it may come in")


def test_it_is_one_more_door_beside_others(tmp_path: Path) -> None:
    arguments = ("--web", "127.0.0.1:0", "--port", "0", "--keep", "--headless")
    with started("serve", *arguments, environment=environment(tmp_path / "server")) as server:
        both = server.tells("Listening on ")
        assert re.fullmatch(r"Listening on 127\.0\.0\.1:\d+ \(tcp\) and 127\.0\.0\.1:\d+ \(web\)\.", both)
        assert f":{port_of(both.removesuffix(' (web).'))} with web | " in server.tells("Listening on ")
        with connect(
            port_of(both.partition(" (tcp)")[0]), "--accept-new", "--ui", "jsonl", environment=environment(tmp_path / "bob")
        ) as client:
            assert client.event("you")


def port_of(line: str) -> int:
    return int(line.partition(" with ")[0].rpartition(":")[2])


def test_people_use_the_option_only_where_they_serve(tmp_path: Path) -> None:
    assert "No such option '--web'" in chat("connect", "127.0.0.1", "--web", "x:1", environment=environment(tmp_path)).stderr
