"""A layer that breaks its contract is named, with its distribution, file, line, and what the contract asks: never another."""

import re
from pathlib import Path

import programs
import pytest
from programs import ENVIRONMENT, importing
from strangers import plant, server_with

from plytalk.cli.scaffold import contents

BROKEN_PLUGIN = 7

LAYERS = {
    "framer": """
from collections.abc import Iterator
from plytalk import Framer, Property, hookimpl

class Bad(Framer):
    name = "bad"
    gives = {Property.BOUNDARIES}

    def __init__(self):
        self.held = b""

    def encode(self, kind, payload):
        return kind + len(payload).to_bytes(4, "big") + payload

    def feed(self, data):
        self.held += bytes(data)

    def frames(self):
        while len(self.held) >= 5 and len(self.held) >= (end := 5 + int.from_bytes(self.held[1:5], "big")):
            frame, self.held = self.held[:end], self.held[end:]
            yield frame[:1], frame[5:]

    @property
    def unfinished(self):
        return len(self.held)

@hookimpl
def layers():
    return [Bad]
""",
    "handshake": """
from plytalk import Handshake, Property, SessionSecrets, hookimpl

class Bad(Handshake):
    name = "bad"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS}

    async def initiate(self, io):
        await io.send(b"H", b"hello")
        await io.receive(b"H", limit=5)
        return SessionSecrets.shared(bytes(32))

    respond = initiate

@hookimpl
def layers():
    return [Bad]
""",
    "cipher": """
from plytalk import Cipher, hookimpl

class Bad(Cipher):
    name = "bad"

    def __init__(self, secrets, role):
        self.keys = {}

    def seal(self, plaintext):
        return plaintext

    def open(self, sealed):
        return sealed

@hookimpl
def layers():
    return [Bad]
""",
    "messages": """
from plytalk import Messages, hookimpl

class Bad(Messages):
    name = "bad"

    def pack(self, items):
        return [item.encode() if isinstance(item, str) else b"exit" for item in items]

    def unpack(self, plaintext):
        return [plaintext.decode()]

@hookimpl
def layers():
    return [Bad]
""",
}
PLAIN = {"handshake": "none", "framer": "typed", "cipher": "none", "messages": "text"}
RSA = {"handshake": "rsa", "cipher": "aesgcm"}
TALK = 'async def initiate(self, io):\n        await io.send(b"H", b"hello")\n        await io.receive(b"H", limit=5)\n'
# What is changed in a layer that works, the layer's own fault as its user reads it, and the line at fault.
FAULTS = {
    "signature": (
        "framer", "def encode(self, kind, payload)", "def encode(self, payload)", {},
        "takes (self, payload); the contract asks for encode(self, kind: bytes, payload: bytes) -> bytes.",
        "def encode",
    ),
    "not async": (
        "handshake", TALK, TALK.replace("async ", "").replace("await ", ""), {},
        "is not `async`; the contract asks for initiate(self, io: HandshakeIO) -> SessionSecrets.",
        "def initiate",
    ),
    "frames gives a list": (
        "framer", "yield frame[:1], frame[5:]", "return [(frame[:1], frame[5:])]", RSA,
        "The framer `bad` returns ",
        "def frames",
    ),
    "frames gives payloads": (
        "framer", "yield frame[:1], frame[5:]", "yield frame[5:]", RSA,
        "The framer `bad` returns a value of type bytes from `frames`.",
        "def frames",
    ),
    "frames gives payloads, and there is no handshake": (
        "framer", "yield frame[:1], frame[5:]", "yield frame[5:]", {},
        "The framer `bad` returns a value of type bytes from `frames`.",
        "def frames",
    ),
    "feed raises": (
        "framer", "self.held += bytes(data)", "self.held += bytes(data) + None", RSA,
        "The framer `bad` raised TypeError.",
        "+ None",
    ),
    "handshake gives nothing": (
        "handshake", "return SessionSecrets.shared(bytes(32))", "SessionSecrets.shared(bytes(32))", {},
        "The handshake `bad` returns nothing from `initiate`.",
        "async def initiate",
    ),
    "handshake sends no bytes": (
        "handshake", 'b"hello")', '"hello")', {},
        "The handshake `bad` raised TypeError.",
        "await io.send",
    ),
    "constructor": (
        "cipher", "self.keys = {}", "self.key = {}['key']", {},
        "The cipher `bad` cannot be made: it raised KeyError.",
        "self.key = ",
    ),
    "seal": (
        "cipher", "        return plaintext", "        return None", {},
        "The cipher `bad` returns nothing from `seal`.",
        "def seal",
    ),
    "pack gives text": (
        "messages", "item.encode()", "item", {},
        "The messages `bad` returns a value of type str from `pack`.",
        "def pack",
    ),
    "pack gives nothing": (
        "messages", "return [item.encode()", "[item.encode()", {},
        "The messages `bad` returns nothing from `pack`.",
        "def pack",
    ),
    "unpack gives bytes": (
        "messages", "[plaintext.decode()]", "[plaintext]", {},
        "The messages `bad` returns a value of type bytes from `unpack`.",
        "def unpack",
    ),
}  # fmt: skip


def conversation(environment: dict[str, str], stack: dict[str, str]) -> tuple[set[int], list[str]]:
    """Two ends of that stack; how they ended, and all that both told."""
    options = [word for kind, name in stack.items() for word in (f"--{kind}", name)]
    with programs.started("serve", "--port", "0", *options, environment=environment) as server:
        try:
            port = int(server.tells("Listening on ").partition(" with ")[0].rpartition(":")[2])
        except AssertionError:
            return {server.status()}, server.told
        with programs.connect(port, *options, environment=environment) as client:
            client.say("hello")
            client.end_input()
            server.end_input()
            ended = client.status()
            if ended == BROKEN_PLUGIN:
                server.process.terminate()  # it may have heard nothing, and waits for the next client
            return {ended, server.status()}, [*client.told, *server.told]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_layer_at_fault_is_named_with_its_place_and_what_its_contract_asks(tmp_path: Path, fault: str) -> None:
    kind, working, broken, others, words, line = FAULTS[fault]
    assert working in LAYERS[kind]
    text = LAYERS[kind].replace(working, broken)
    plant(tmp_path, f"plytalk-{kind}-bad", {f"{kind}-bad": text})
    ended, told = conversation(ENVIRONMENT | importing(tmp_path), {**PLAIN, **others, kind: "bad"})
    assert BROKEN_PLUGIN in ended, told
    said = next((one for one in told if words in one), None)
    assert said, told
    number = next(number for number, one in enumerate(text.splitlines(), 1) if line in one)
    assert re.search(rf"plytalk_{kind}_bad_{kind}_bad\.py:{number}\b", said), (said, number)
    assert f"plytalk-{kind}-bad 1.0" in said
    if "cannot be made" not in said and "raised" not in said:
        assert "contract asks for" in said


@pytest.mark.parametrize("kind", LAYERS)
def test_the_same_layers_without_their_faults_work(tmp_path: Path, kind: str) -> None:
    plant(tmp_path, f"plytalk-{kind}-bad", {f"{kind}-bad": LAYERS[kind]})
    ended, told = conversation(ENVIRONMENT | importing(tmp_path), {**PLAIN, kind: "bad"})
    assert ended == {0}, told


HEADER = '    header = Struct("<I")\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            "def frames(self):\n        for kind, payload in super().frames():\n            yield kind, payload[1:]\n",
            "The framer `mine` of plytalk-framer-mine 1.0 does not keep its contract: Frames do not survive",
        ),
        (
            "def encode(self, payload):\n        return payload\n",
            "the contract asks for encode(self, kind: bytes, payload: bytes)",
        ),
    ],
    ids=["use", "signature"],
)
def test_check_uses_the_layers_and_says_where_they_are(tmp_path: Path, more: str, said: str) -> None:
    text = contents("framer", "mine")["plytalk_framer_mine.py"]
    assert HEADER in text
    for name, layer, status in (("fine", text, 0), ("wrong", text.replace(HEADER, f"{HEADER}\n    {more}"), 7)):
        (site := tmp_path / name).mkdir()
        plant(site, "plytalk-framer-mine", {"framer-mine": layer})
        run = programs.chat("plugins", "--check", environment=ENVIRONMENT | importing(site))
        assert run.returncode == status, run.stdout
    assert said in run.stdout
    assert re.search(r"plytalk_framer_mine_framer_mine\.py:\d+\.", run.stdout)


COMMAND = """
import sys
from plytalk import Command, Feature, hookimpl

def leave(call):
    sys.exit("Goodbye.")
"""


@pytest.mark.parametrize("error", ["SystemExit", "KeyboardInterrupt", "GeneratorExit"])
def test_what_would_end_the_program_ends_one_conversation_and_the_server_goes_on(tmp_path: Path, error: str) -> None:
    text = LAYERS["cipher"].replace("return sealed", f'return sealed if b"end" not in sealed else self.end({error})')
    text = text.replace("    def seal(", "    def end(self, error):\n        raise error\n\n    def seal(")
    plant(tmp_path, "plytalk-cipher-bad", {"cipher-bad": text})
    environment = ENVIRONMENT | importing(tmp_path)
    options = [word for kind, name in {**PLAIN, "cipher": "bad"}.items() for word in (f"--{kind}", name)]
    with programs.started("serve", "--port", "0", "--keep", *options, environment=environment) as server:
        port = int(server.tells("Listening on ").partition(" with ")[0].rpartition(":")[2])
        for line in ("end", "hello"):
            with programs.connect(port, *options, environment=environment) as client:
                client.say(line)
                client.end_input()
                client.status()
        assert server.hear() == "Message Received: hello"
        said = server.tells(f"The cipher `bad` raised {error}; the conversation ends here.")
        line = text.splitlines().index("        raise error") + 1
        assert f"plytalk_cipher_bad_cipher_bad.py:{line} of plytalk-cipher-bad 1.0. The contract asks for open(self, " in said


def test_a_command_that_ends_the_program_fails_for_its_sender_alone(tmp_path: Path) -> None:
    with server_with("leave", COMMAND, tmp_path) as (server, port):
        with programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client:
            client.say("/leave")
            assert "/leave of bad failed." in client.tells("/leave of bad")
            client.say("/who")
            client.tells(", SHA256:")
        line = COMMAND.splitlines().index('    sys.exit("Goodbye.")') + 1
        assert f"feature_bad_feature_bad.py:{line} of plytalk-feature-bad 1.0." in server.tells("/leave of bad raised SystemExit")


LATER = """
import asyncio
import sys
from plytalk import Command, Feature, hookimpl

tasks = []

def first():
    {}['key']

async def then():
    await asyncio.sleep(0)
    sys.exit()

def leave(call):
    loop = asyncio.get_running_loop()
    loop.call_soon(first)
    tasks.append(loop.create_task(then()))
"""


def test_what_a_plugin_raises_in_a_task_or_a_callback_is_told_with_its_line(tmp_path: Path) -> None:
    with (
        server_with("leave", LATER, tmp_path) as (server, port),
        programs.connect(port, "--accept-new", environment=programs.home(tmp_path, "client")) as client,
    ):
        client.say("/leave")
        for line, error in (("    {}['key']", "KeyError"), ("    sys.exit()", "SystemExit")):
            said = server.tells(f"The plugin `feature-bad` of plytalk-feature-bad 1.0 raised {error}. See ")
            assert f"feature_bad_feature_bad.py:{LATER.splitlines().index(line) + 1}." in said
