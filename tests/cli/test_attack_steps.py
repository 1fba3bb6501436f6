"""`chat attack --step`, by a script and by keys, between two real programs."""

import asyncio
import subprocess
import sys
from collections.abc import Iterable

import pexpect
import pytest
from programs import COMMAND, ENVIRONMENT, connect, serve, started

from plytalk.cli.attack_steps import WIDTH, StepPrompt, described_lines, times_of
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.spans import Span
from plytalk.lab.attacks.stepping import HeldLayer, HeldMessage

HELD = HeldMessage(Role.INITIATOR, "the client's message", (HeldLayer("message", b"noon", [Span("text", 0, 4, "noon")]),))


class Script:
    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = list(lines)

    async def command(self) -> str | None:
        return self.lines.pop(0) if self.lines else None


def decided(*lines: str, messages: int = 1) -> list[list[bytes]]:
    async def decide() -> list[list[bytes]]:
        prompt = StepPrompt(Script(lines))
        return [[one.layers[0].data for one in await prompt.decide(HELD)] for _ in range(messages)]

    return asyncio.run(decide())


@pytest.mark.parametrize(
    ("lines", "passing"),
    [
        (["c"], [b"noon"]),
        ([""], [b"noon"]),
        (["d"], []),
        (["r"], [b"noon"] * 2),
        (["r 3"], [b"noon"] * 3),
        (["r many", "d"], []),
        (["e text=midnight", "c"], [b"midnight"]),
        (["e 1=0xff", "e text=late", "r"], [b"late"] * 2),
        (["e text", "e nosuch=1", "?", "what", "c"], [b"noon"]),
        ([], [b"noon"]),
    ],
)
def test_each_command_does_what_it_says(lines: list[str], passing: list[bytes]) -> None:
    assert decided(*lines) == [passing]


def test_the_command_is_there_also_where_the_system_has_no_termios() -> None:
    program = "import sys; sys.modules['termios'] = None; import plytalk.cli.attack_command"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_go_on_and_the_end_of_input_ask_no_more() -> None:
    assert decided("d", "g", "d", messages=3) == [[], [b"noon"], [b"noon"]]
    assert decided("d", messages=3) == [[], [b"noon"], [b"noon"]]
    assert (times_of(""), times_of("0"), times_of("-1"), times_of("x")) == (2, 0, 0, None)


def test_what_is_shown_fits_80_columns_and_obeys_nobody() -> None:
    spans = [Span("text", 0, 300, "\x1b[2J" + "x" * 290), Span("rest", 300, 3)]
    lines = list(described_lines(HeldMessage(Role.INITIATOR, "a frame", (HeldLayer("m", b"\xff" * 303, spans),))))
    assert all("\x1b" not in line for line in lines)
    assert all(len(line) <= WIDTH for line in lines[-1:])
    assert "ffffff" in lines[-2]


@pytest.fixture
def home(tmp_path):
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


def test_a_script_edits_drops_and_repeats_what_passes_in_the_clear(home) -> None:
    plain = ("--profile", "demo01")
    with (
        serve(*plain, environment=home) as server,
        started(
            "attack", "--listen", "0", "--target", f"127.0.0.1:{server.port}", "--once", "--with", "eavesdrop", "--step", *plain,
            environment=home,
        ) as attacker,
    ):  # fmt: skip
        port = int(attacker.tells("listening on").partition(",")[0].rpartition(":")[2])
        with connect(port, *plain, environment=home) as client:
            client.say("at noon")
            attacker.tells("holding the client's frame 0")
            attacker.say("e text=at midnight")
            attacker.say("c")
            assert server.hear() == "[Peer]: at midnight"
            client.say("never")
            attacker.tells("holding the client's frame 1")
            attacker.say("d")
            client.say("again")
            attacker.tells("holding the client's frame 2")
            attacker.say("r")
            assert server.hear().startswith("[Peer]: again")
            attacker.say("g")
            client.say("exit")
            assert (client.status(), attacker.status()) == (0, 0)
    told = "\n".join(attacker.told)
    for line in ("changed the client's frame 0", "dropped the client's frame 1", "sent the client's frame 2 2 times"):
        assert line in told
    assert "verdict, server: not known" in told


def test_keys_do_the_same_to_the_handshakes_of_a_man_in_the_middle_and_to_what_it_reads(home) -> None:
    rsa = ("--profile", "secure-chat")
    with serve(*rsa, environment=home) as server:
        options = ["attack", "--listen", "0", "--target", f"127.0.0.1:{server.port}", "--once", "--with", "mitm", "--step", *rsa]
        attacker = pexpect.spawn(COMMAND[0], [*COMMAND[1:], *options], env=home, timeout=180, encoding="utf-8")
        try:
            attacker.expect(r"listening on 127\.0\.0\.1:(\d+)")
            with connect(int(attacker.match[1]), *rsa, environment=home) as client:
                held = set()
                for _ in range(4):
                    attacker.expect(r"holding the (\w+'s handshake frame \d to the \w+)")
                    held.add(attacker.match[1])
                    attacker.expect("help")
                    attacker.send("c")
                assert held == {
                    "attacker's handshake frame 0 to the client", "client's handshake frame 1 to the attacker",
                    "server's handshake frame 0 to the attacker", "attacker's handshake frame 1 to the server",
                }  # fmt: skip
                client.say("at noon")
                attacker.expect("holding the client's message")
                attacker.expect("help")
                attacker.send("e")
                attacker.expect("FIELD=VALUE: ")
                attacker.sendline("text=at midnight")
                attacker.expect("at midnight")
                attacker.expect("help")
                attacker.send("c")
                assert server.hear() == "Message Received: at midnight"
                client.say("never")
                attacker.expect("holding the client's message")
                attacker.expect("help")
                attacker.send("d")
                attacker.expect("dropped the client's message")
                client.say("exit")
                attacker.expect("holding the client's goodbye")
                attacker.expect("help")
                attacker.send("g")
                assert client.status() == 0
            attacker.expect(pexpect.EOF)
        finally:
            attacker.close(force=True)
    assert attacker.exitstatus == 0
