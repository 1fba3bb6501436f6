"""Every place where the program prints untrusted text: each sink takes hostile texts and gives what was printed."""

import asyncio
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from plytalk.cli.main import complain, main
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.events import Message, Sender, notify, now
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.ui import Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.establish import Establishment
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.plugins.uis.console import RECEIVED, Console
from plytalk.plugins.uis.jsonl import Jsonl
from plytalk.testing import stack_of
from tests.support.surroundings import handlers_kept
from tests.system.resources.strings import halves

Sink = Callable[[Sequence[str]], list[str]]
SINKS: dict[str, Sink] = {}


def sink(function: Sink) -> Sink:
    SINKS[(function.__doc__ or "").rstrip(".")] = function
    return function


@contextlib.contextmanager
def printed() -> Iterator[list[str]]:
    """What is printed within the block, line by line, once it is over."""
    lines: list[str] = []
    streams = [
        io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", newline="", write_through=True) for _ in range(2)
    ]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        yield lines
    for stream in streams:
        text = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        lines += text.removesuffix("\n").split("\n") if text else []


def command(*words: str) -> list[str]:
    """What `chat WORDS` prints, run here."""
    with patch.object(sys, "argv", ["chat", *words]), handlers_kept(), printed() as lines, contextlib.suppress(SystemExit):
        main()
    return lines


# -- what a peer says ---------------------------------------------------------------------------------------------------------


def told(profile: str, ui: type[Layer], texts: Sequence[str]) -> list[str]:
    """Texts said through the layers of a profile (their ciphers and all), shown by a UI; cut into bytes on the way."""
    return asyncio.run(_told(profile, ui, texts))


async def _told(profile: str, ui: type[Layer], texts: Sequence[str]) -> list[str]:
    registry = Registry()
    names = {**registry.profile(profile).layers, "transport": "memory"}
    chosen = {**choose_named(names, registry.layer), "auth": [], "ui": [ui]}
    with printed() as lines:
        here, there = memory_stream_pair(lambda data: [data[at : at + 7] for at in range(0, len(data), 7)])
        ends = [
            DirectChat(Connection(Stack.build(chosen), stream, role))
            for stream, role in ((here, Role.INITIATOR), (there, Role.RESPONDER))
        ]
        for end in ends:
            await prepare(end.stack.handshake, end.role, lambda prompt: "")
        await asyncio.gather(*(end.open() for end in ends))
        for end in ends:
            end.begin()
        hearer = Counting(ends[1].stack.ui)
        ends[1].heard_by(hearer)
        for text in texts:
            before = hearer.shown
            ends[0].say(text)
            async with asyncio.timeout(30):
                while hearer.shown == before and not ends[1].ending:  # noqa: ASYNC110
                    await asyncio.sleep(0)
        for end in ends:
            end.stream.close()
        await asyncio.sleep(0)
    return lines


class Counting:
    """Passes on to a UI what a conversation brings, and counts the messages."""

    def __init__(self, ui: Ui) -> None:
        self.shown, self._ui = 0, ui
        self.raw, self.notice = ui.raw, partial(notify, ui)

    def message(self, text: str) -> None:
        self.shown += 1
        self._ui.show(Message(id=self._ui.next_id(), time=now(), sender=Sender(), text=text))


def one_line_each(texts: Sequence[str], lines: list[str], begins: str) -> list[str]:
    """The lines, if there is one for each text and all begin alike. Raises AssertionError: a line was forged or lost."""
    assert len(lines) == len(texts), f"{len(texts)} messages in, {len(lines)} lines shown"
    assert all(line.startswith(begins) for line in lines), "a line has another sender"
    return lines


@sink
def console_messages(texts: Sequence[str]) -> list[str]:
    """console: messages of secure-chat."""
    return one_line_each(texts, told("secure-chat", Console, texts), RECEIVED)


@sink
def console_records(texts: Sequence[str]) -> list[str]:
    """console: messages of plytalk/1."""
    return one_line_each(texts, told("plytalk1", Console, texts), RECEIVED)


@sink
def console_halves(texts: Sequence[str]) -> list[str]:
    """console: escapes cut across two messages."""
    cut = [half for text in texts for half in halves(text)]
    return one_line_each(cut, told("secure-chat", Console, cut), RECEIVED)


@sink
def console_bytes(texts: Sequence[str]) -> list[str]:
    """console: bytes that are not UTF-8, such as 8-bit C1."""
    return asyncio.run(_raw(texts))


async def _raw(texts: Sequence[str]) -> list[str]:
    registry = Registry()
    names = {"framer": "typed", "handshake": "none", "cipher": "none", "messages": "text", "transport": "memory"}
    chosen = {**{kind: [registry.layer(kind, name)] for kind, name in names.items()}, "ui": [Console]}
    with printed() as lines:
        here, there = memory_stream_pair()
        session = DirectChat(Connection(Stack.build(chosen), there, Role.RESPONDER))
        await session.open()
        session.begin()
        for text in texts:
            data = text.encode("latin-1", "replace") + b"\xff\x9b2J\xc2"
            here.send(b"M" + len(data).to_bytes(4, "big") + data)
        for kind in range(256):  # types of frames that nobody expects
            here.send(bytes([kind]) + bytes(4))
        while there._waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        session.stream.close()
        here.close()
        await asyncio.sleep(0)
    assert sum(line.startswith(RECEIVED) for line in lines) == len(texts) + 1  # the frame of type M in between is a message
    return lines


@sink
def jsonl_messages(texts: Sequence[str]) -> list[str]:
    """jsonl: messages of secure-chat."""
    lines = told("secure-chat", Jsonl, texts)
    assert all(line.isascii() for line in lines)
    shown = [said["text"] for said in map(json.loads, lines) if not said["own"]]
    assert [text.encode(errors="replace").decode() for text in texts] == shown, "a message arrives changed"
    return lines


@sink
def errors(texts: Sequence[str]) -> list[str]:
    """error texts."""
    with printed() as lines:
        for text in texts:
            complain(Refused(f"The other side said {text}.", text).sentence)
            complain(f"There is no command {text}.")
    return lines


class Shows(Handshake):
    """Shows a key, and takes whatever comes of it."""

    name = "shows"
    gives = {Property.PEER_KEY}
    shows = frozenset(Role)

    async def initiate(self, wire: Any) -> SessionSecrets:
        await wire.ask(Identity("test", b"key"))
        return SessionSecrets()

    respond = initiate


def judged(ui: type[Layer], texts: Sequence[str]) -> list[str]:
    """What is shown of notices and questions of an authenticator that repeats what the other side said."""

    class Talkative(Authenticator):
        """Repeats."""

        name = "talkative"

        async def check(self, peer: Any) -> None:
            for text in texts:
                peer.say(f"It says {text}")
                with contextlib.suppress(Exception):
                    await peer.confirm(f"Do you know {text}?", text)

    async def judge() -> None:
        here, _ = memory_stream_pair()
        stack = stack_of(Shows, Talkative, ui)
        session = DirectChat(Connection(stack, here, Role.INITIATOR))
        opening = Establishment(stack, here, Role.INITIATOR, "here", session.limits, None)
        await opening.run()

    with printed() as lines, open(os.devnull) as nothing, patch.object(sys, "stdin", nothing):
        asyncio.run(judge())
    return lines


@sink
def console_notices(texts: Sequence[str]) -> list[str]:
    """console: notices of authenticators."""
    lines = judged(Console, texts)
    return one_line_each(texts, lines, "It says ")


@sink
def jsonl_notices(texts: Sequence[str]) -> list[str]:
    """jsonl: notices of authenticators."""
    lines = judged(Jsonl, texts)
    told = [json.loads(line)["text"] for line in lines]
    assert len(told) == len(texts)
    assert all(text.startswith("It says ") for text in told)
    return lines


# -- what lies in files -------------------------------------------------------------------------------------------------------


@sink
def known_hosts(texts: Sequence[str]) -> list[str]:
    """`chat keys list`: hosts and comments in known_hosts."""
    key = b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)
    line = f"ssh-ed25519 {base64.b64encode(key).decode()}"
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        good, bad = Path(folder) / "good", Path(folder) / "bad"
        one = [text.encode(errors="replace").replace(b"\n", b" ").decode() for text in texts]
        good.write_text("".join(f"host{number} {line} {text}\n" for number, text in enumerate(one)), newline="\n")
        lines += command("keys", "list", "--known-hosts", str(good))
        for text in one[:200]:
            bad.write_text(f"{text} {line} x\n", newline="\n")
            lines += command("keys", "list", "--known-hosts", str(bad))
            lines += command("keys", "list", "--json", "--known-hosts", str(bad))
    return [line.replace(folder, "FOLDER") for line in lines]


@contextlib.contextmanager
def recorded(texts: Sequence[str]) -> Iterator[Path]:
    """A trace in which peers said these texts, and in which fields and frames are made of them."""
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "talk.trace"
        events = [{"plytalk_trace": 1}]
        for number, text in enumerate(texts):
            said = text.encode(errors="replace").decode()
            for name in ("session", "messages:out") if number % 2 else ("handshake:out", "framer:out"):
                raw, spans = said.encode(), [[said, 0, len(said.encode()), said, said]] if said else []
                event = {"time": number, "name": name, "what": said, "data": {said: said}, "raw": raw.hex(), "spans": spans}
                events.append(event)
        trace.write_text("".join(json.dumps(event) + "\n" for event in events))
        yield trace


@sink
def traces(texts: Sequence[str]) -> list[str]:
    """`chat inspect`: a trace, as text and as JSON."""
    with recorded(texts) as trace:
        lines = command("inspect", str(trace)) + command("inspect", str(trace), "--json")
    assert len(lines) > 2 * len(texts), f"the trace is not shown: {lines[:2]}"
    return lines


PLUGIN = """
from plytalk import Cipher, Option, hookimpl

TEXT = {text!r}

class Evil(Cipher):
    name = "evil{number}"
    __doc__ = caution = TEXT
    options = [Option("evil-{number}", TEXT, str, None, TEXT)]

    def __init__(self, secrets, role, **options):
        print(TEXT)

    def seal(self, plaintext):
        return plaintext

    open = seal

@hookimpl
def layers():
    return [Evil]
"""


@sink
def plugins(texts: Sequence[str]) -> list[str]:
    """`chat plugins`, `chat explain` and `--help`: what plugins say of themselves."""
    lines = []
    with tempfile.TemporaryDirectory() as folder, patch.object(sys, "path", [folder, *sys.path]):
        info = Path(folder) / "evil-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: evil\nVersion: 1{texts[0].splitlines()[0]}\n", errors="replace"
        )
        entries = []
        for number, text in enumerate(texts):  # each in its own module, so that each is judged on its own
            module = f"evil_{os.getpid()}_{number}"
            entries.append(f"cipher-evil{number} = {module}")
            (Path(folder) / f"{module}.py").write_text(PLUGIN.format(text=text, number=number))
        (info / "entry_points.txt").write_text("[plytalk]\n" + "\n".join(entries) + "\n")
        lines += command("plugins") + command("plugins", "--json")
        for number in range(0, len(texts), max(1, len(texts) // 6)):
            lines += command("explain", "--profile", "demo01", "--cipher", f"evil{number}")
            lines += command("connect", "--profile", "demo01", "--cipher", f"evil{number}", "--help")
    for name in [name for name in sys.modules if name.startswith(f"evil_{os.getpid()}_")]:
        del sys.modules[name]
    assert len(lines) > len(texts), f"the plugins are not listed: {lines[:3]}"
    return lines


@sink
def stories(texts: Sequence[str]) -> list[str]:
    """`chat lab --why` and `chat attack`: what an attacker tells."""
    from plytalk.cli.attack_command import report
    from plytalk.cli.lab_story import story
    from plytalk.core.contracts.attack import Outcome, Target
    from plytalk.lab.attacks.matrix import Cell

    with printed() as lines:
        cell = Cell("evil", "evil", 0, Outcome.HELD, Outcome.HELD, None, tuple(texts), Target.OTHER)
        print("\n".join(story(cell)))
        for text in texts:
            report("evil", text)
    return one_line_each([*texts, *texts, ""], lines[1:] + lines[:1], "") if lines else []
