"""Inside one process: what an object shows of itself, what can be pickled, what a trace hears, and which keys outlive their use.

Every secret of a conversation is written down as it is made (private keys, pre-shared key, chaining keys, keys); the conversation
is then walked from its sessions through everything that they lead to.
"""

import asyncio
import copy
import os
import pickle
import sys
import types
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from canary import Canaries
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from heap import referents
from msgspec.structs import replace
from stacks import Memo

from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose
from plytalk.plugins.noise import engine, primitives
from plytalk.trust.identity import create

# What leads to the whole process and not only to the conversation.
ELSEWHERE = (types.ModuleType, type, types.BuiltinFunctionType, types.FrameType)


class Made:
    """All secrets, as they are made: kept by name, and never looked into by the walk."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.canaries = Canaries()
        self.raw: dict[str, bytes] = {}
        self._wrap(patch, primitives.DH, "generate_keypair", lambda made: {"private": made.private.private_bytes_raw()})
        self._wrap(patch, primitives.KEM, "generate_keypair", lambda made: {"kem private": made.private.private_bytes_raw()})
        self._wrap(patch, primitives.DH, "dh", lambda made: {"dh": made})
        self._wrap(patch, primitives.KEM, "encapsulate", lambda made: {"kem": made[1]})
        self._wrap(patch, primitives.Hash, "hkdf", lambda made: {f"hkdf {at}": bytes(each) for at, each in enumerate(made)})

    def _wrap(self, patch: pytest.MonkeyPatch, owner: type, name: str, secrets_in: Any) -> None:
        original = getattr(owner, name)

        def wrapped(this: Any, *arguments: Any) -> Any:
            made = original(this, *arguments)
            for what, secret in secrets_in(made).items():
                self.add(f"{what} {len(self.raw)}", secret)
            return made

        patch.setattr(owner, name, wrapped)

    def add(self, name: str, secret: bytes) -> None:
        self.raw[name] = secret
        self.canaries.add(name, secret)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    return Made(monkeypatch)


@dataclass
class Talk:
    """An open conversation: both sessions, both ends, and what the trace has heard."""

    sessions: list[DirectChat]
    ends: list[Any]
    events: list[TraceEvent]

    @property
    def roots(self) -> list[Any]:
        return [*self.sessions, *self.ends]


class Hears:
    """The hooks of this process: they keep the sessions that open."""

    def __init__(self) -> None:
        self.opened: asyncio.Queue[DirectChat] = asyncio.Queue()

    @hookimpl
    def session_opened(self, session: DirectChat) -> None:
        self.opened.put_nowait(session)


def stack(home: Path, name: str, psk: Path, auths: list[str]) -> tuple[Stack, Memo]:
    host, memo = Registry(), Memo()
    names = {kind: [layer] for kind, layer in host.profile("plytalk1").layers.items()}
    chosen = choose({**names, "auth": auths}, {}, host.layer)
    options = {"identity": home / name, "psk_file": psk, "known_hosts": home / "known_hosts", "accept_new": True}
    return replace(Stack.build(chosen, options), ui=memo), memo


class Asks(list[TraceEvent]):
    """A trace that asks for keys."""

    secrets = True
    __call__ = list.append

    def __bool__(self) -> bool:
        return True


@asynccontextmanager
async def talking(home: Path, made: Made, secrets: bool = False) -> AsyncIterator[Talk]:
    """A client and a server over TCP with identities, known_hosts and a pre-shared key; something has been said both ways."""
    for name in ("client", "server"):
        made.add(f"identity of the {name}", create(home / name)._key.private_bytes_raw())
    key, psk = os.urandom(32), home / "psk"
    made.add("psk", key)
    await asyncio.to_thread(psk.write_text, key.hex())
    psk.chmod(0o600)
    hears, manager = Hears(), Registry().manager
    manager.register(hears)
    events: list[TraceEvent] = Asks() if secrets else []
    at_server, hearing = stack(home, "server", psk, ["psk"])
    at_client, there = stack(home, "client", psk, ["psk", "known-hosts"])
    hear = events if isinstance(events, Asks) else events.append
    server, client = (End(each, manager.hook, trace=hear) for End, each in ((Server, at_server), (Client, at_client)))
    tasks = [asyncio.create_task(server.run("127.0.0.1", 0))]
    try:
        port = int((await hearing.address).rpartition(":")[2])
        tasks.append(asyncio.create_task(client.run("127.0.0.1", port)))
        sessions = [await hears.opened.get(), await hears.opened.get()]
        for session in sessions:
            session.say("hello")
        assert [await hearing.messages.get(), await there.messages.get()] == ["hello", "hello"]
        yield Talk(sessions, [server, client], events)
        sessions[0].exit()
    finally:
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


def reachable(roots: list[Any], except_for: list[Any]) -> Iterator[Any]:
    """Every object that these lead to, but for modules, classes, and the test's own records."""
    seen = {id(each.__dict__) for each in list(sys.modules.values()) if hasattr(each, "__dict__")}
    seen |= {id(each) for each in except_for}
    left = list(roots)
    while left:
        each = left.pop()
        if id(each) in seen or isinstance(each, ELSEWHERE):
            continue
        seen.add(id(each))
        yield each
        left += referents(each)


def ours(each: Any) -> bool:
    return type(each).__module__.startswith("plytalk")


async def test_nothing_in_reach_of_a_conversation_shows_a_secret(tmp_path: Path, made: Made) -> None:
    async with talking(tmp_path, made) as talk:
        shown = {type(each).__name__: None for each in reachable(talk.roots, [made, made.raw]) if ours(each)}
        assert {
            "DirectChat",
            "Stack",
            "NoiseTransport",
            "CipherState",
            "Plytalk1",
            "OwnIdentity",
            "Psk",
            "LayerFactory",
            "Server",
        } <= set(shown)
        for each in reachable(talk.roots, [made, made.raw]):
            if ours(each):
                assert made.canaries.within(f"{each!r} {each}") == set(), type(each)


async def test_what_can_be_pickled_or_copied_holds_no_secret(tmp_path: Path, made: Made) -> None:
    refused = set()
    async with talking(tmp_path, made) as talk:
        for each in list(reachable(talk.roots, [made, made.raw])):
            if not ours(each):
                continue
            for write in (pickle.dumps, copy.copy):
                try:
                    written = write(each)
                except Exception:
                    refused.add(type(each).__name__)
                    continue
                text = written if isinstance(written, bytes) else repr(vars(written) if hasattr(written, "__dict__") else written)
                assert made.canaries.within(text) == set(), (write.__name__, type(each))
    assert {"CipherState", "OwnIdentity"} <= refused


async def test_a_trace_hears_of_no_secret(tmp_path: Path, made: Made) -> None:
    async with talking(tmp_path, made) as talk:
        pass
    assert {"framer", "cipher", "messages", "session"} <= {event.layer for event in talk.events}
    assert any(event.data.startswith(b"\x01\x00\x05hello") for event in talk.events)  # it does hear of what was said
    for event in talk.events:
        shown = f"{event.layer} {event.what} {dict(event.fields)}"
        assert made.canaries.within(event.data) | made.canaries.within(shown) == set()


async def test_a_trace_that_asks_for_keys_hears_of_the_two_and_of_no_other_secret(tmp_path: Path, made: Made) -> None:
    """The keys of the two directions are the last that are derived; at each side, both are told."""
    async with talking(tmp_path, made, secrets=True) as talk:
        pass
    told = [(event.what, event.data) for event in talk.events if event.layer == "keys"]
    assert sorted(name for name, _ in told) == ["client key", "client key", "server key", "server key"]
    assert len(set(told)) == 2
    names = {name for name, secret in made.raw.items() if secret in {key for _, key in told}}
    others = [name for name in made.raw if name.startswith(("identity", "private", "kem", "dh", "psk"))]
    assert all(name.startswith("hkdf") for name in names)
    for event in talk.events:
        found = made.canaries.within(event.data) | made.canaries.within(f"{event.what} {dict(event.fields)} {event.spans}")
        if event.layer == "schedule":  # what only this conversation was derived from
            assert not {name for name in found if name.startswith(("identity", "private", "psk"))}, event.what
            continue
        assert found <= names, event.what
        assert not found & set(others)


async def test_keys_do_not_outlive_their_use(tmp_path: Path, made: Made) -> None:
    """Nothing that a handshake made is left, but for the static keys and what the AEADs hold, which show nothing of it."""
    async with talking(tmp_path, made) as talk:
        for each in reachable(talk.roots, [made, made.raw, made.canaries]):
            if isinstance(each, bytes | bytearray | str):
                assert made.canaries.within(each) == set(), type(each)
        assert private_keys(talk, made) == statics(talk)
        assert len(made.raw) > 30


def statics(talk: Talk) -> set[bytes]:
    return {end.stack.handshake._prover.current().pair.private.private_bytes_raw() for end in talk.ends}


def private_keys(talk: Talk, made: Made) -> set[bytes]:
    kinds = (X25519PrivateKey, mlkem.MLKEM768PrivateKey)
    return {each.private_bytes_raw() for each in reachable(talk.roots, [made, made.raw]) if isinstance(each, kinds)}


# -- the controls: each of these looks would find something ----------------------------------------------------------------


class Careless:
    """What a layer must not be: its key is a plain attribute, and its dataclass shows it."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def __repr__(self) -> str:
        return f"Careless(key={self.key!r})"


Careless.__module__ = "plytalk.plugins.careless"


async def test_a_careless_layer_is_caught(tmp_path: Path, made: Made) -> None:
    async with talking(tmp_path, made) as talk:
        careless = Careless(made.raw["psk"])
        talk.sessions[0].stack.handshake.kept = careless
        found = [each for each in reachable(talk.roots, [made, made.raw]) if ours(each) and made.canaries.within(repr(each))]
        assert found == [careless]
        kept = [
            each for each in reachable(talk.roots, [made, made.raw]) if isinstance(each, bytes) and made.canaries.within(each)
        ]
        assert kept == [made.raw["psk"]]


@pytest.mark.parametrize("token", ["e", "e1"])
async def test_an_ephemeral_key_that_is_kept_is_caught(
    token: str, tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Any] = []
    original = engine.HandshakeState.split

    def split(this: Any, *arguments: Any) -> Any:
        kept.append(this._own.get(token))
        return original(this, *arguments)

    monkeypatch.setattr(engine.HandshakeState, "split", split)
    async with talking(tmp_path, made) as talk:
        talk.sessions[0].stack.handshake.kept = kept
        more = private_keys(talk, made) - statics(talk)
        assert more == {pair.private.private_bytes_raw() for pair in kept if pair}
        assert more
