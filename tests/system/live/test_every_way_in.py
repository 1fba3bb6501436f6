"""One room, and four ways into it at once: a relay, a browser, Tor and ssh. All hear the same in the same order."""

import contextlib
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browser
from page_user import PageUser
from people import environment
from programs import Chat, started
from ssh_guests import HAS_SSH_CLIENT, NEEDS_SSH_CLIENT, ssh_command
from tor_network import needs_tor, tor_network
from web_servers import free_port

pytestmark = [needs_tor, pytest.mark.skipif(not HAS_SSH_CLIENT, reason=NEEDS_SSH_CLIENT)]

BEHIND_TOR = ("--forwarder", "127.0.0.1", "--proxy-line")
CIRCUITS = "HiddenServiceExportCircuitID haproxy\n"


@contextlib.contextmanager
def member(folder: Path, name: str, address: str, **variables: str) -> Iterator[Chat]:
    """Somebody who runs `chat connect ADDRESS`, and sees events."""
    words = ("connect", address, "--accept-new", "--name", name, "--ui", "jsonl")
    with started(*words, environment={**environment(folder / name), **variables}) as one:
        one.event("you")
        yield one


@contextlib.contextmanager
def by_ssh(port: int, name: str) -> Iterator["subprocess.Popen[str]"]:
    """Somebody who has ssh alone."""
    words = ssh_command(port, name)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as guest:
        try:
            yield guest
        finally:
            guest.kill()


def say(one: Chat, text: str) -> None:
    one.say(json.dumps({"type": "message", "text": text}))


def next_message(one: Chat) -> tuple[str, str, tuple[str, ...], bool]:
    """The next message: who said it, what, with which marks, and whether the sender has a key."""
    said = one.event("message")
    sender = said["sender"]
    return sender["name"], said["text"], tuple(sender["marks"]), sender["key"] is not None


def test_people_by_a_relay_a_browser_tor_and_ssh_hear_each_other_and_are_shown_as_what_they_are(tmp_path: Path) -> None:
    port = free_port()
    with contextlib.ExitStack() as running:
        tor = running.enter_context(tor_network(tmp_path / "tor", port, CIRCUITS))
        relay = running.enter_context(started("relay", "--listen", "127.0.0.1:0"))
        at = relay.tells("Relaying at ").split()[2].rstrip(".")
        doors = ("--relay", at, "--web", "127.0.0.1:0", "--door", "ssh:127.0.0.1:0", "--door", f"tcp:127.0.0.1:{port}")
        serving = ("serve", "--keep", "--headless", *doors, *BEHIND_TOR)
        server = running.enter_context(started(*serving, environment=environment(tmp_path / "server")))
        name = re.search(r"(SHA256:\S{43})@", server.tells("The other side connects with:  chat connect SHA256:"))
        assert name is not None
        url = server.tells("Open in a browser:  ").split()[-1]
        ssh_port = re.search(r"ssh -p (\d+)", server.tells("Guests connect with:"))
        assert ssh_port is not None

        rita = running.enter_context(member(tmp_path, "rita", f"{name[1]}@{at}"))
        through = f"socks5h://127.0.0.1:{tor.socks}"
        tim = running.enter_context(member(tmp_path, "tim", f"{tor.onion}:80", PLYTALK_PROXY=through))
        page = PageUser(running.enter_context(browser()), url)
        page.join(name="wendy", answer="")
        page.sees("You are wendy in lobby.")
        sam = running.enter_context(by_ssh(int(ssh_port[1]), "sam"))
        assert sam.stdin is not None
        assert sam.stdout is not None
        page.sees("sam is here")

        said = [("rita", "by the relay", (), True), ("tim", "through Tor", (), True), ("wendy", "from a browser", (), True)]
        said += [("sam", "over ssh", ("ssh guest", "not authenticated"), False)]
        say(rita, said[0][1])
        page.sees(said[0][1])
        say(tim, said[1][1])
        page.sees(said[1][1])
        page.say(said[2][1])
        page.sees(said[2][1])
        sam.stdin.write(said[3][1] + "\n")
        shown = page.sees(said[3][1])
        assert [next_message(rita) for _ in said] == said
        assert [next_message(tim) for _ in said] == said
        assert "ssh guest, not authenticated" in shown
        others = [f"{one[0]}: {one[1]}\n" for one in said[:3]]
        assert [line for line in (sam.stdout.readline() for _ in range(4)) if line[0] != "*"] == others
