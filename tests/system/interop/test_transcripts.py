"""Recorded conversations of the three existing chats, replayed: we say theirs byte for byte, and hear what they say."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from stacks import stack_of

from plytalk.core.bases.aead import RandomNonceCipher
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.plugins.handshakes import rsa

TRANSCRIPTS = Path(__file__).parent.parent / "peers" / "transcripts"
PROFILE = {"demo01": "demo01", "demo02": "demo02", "secure_chat": "secure-chat"}


class Recorded:
    """One transcript, and the dice of our side loaded with what was thrown then."""

    def __init__(self, chat, role, monkeypatch, folder):
        recorded = json.loads((TRANSCRIPTS / f"{chat}.json").read_text(encoding="utf-8"))
        self.entries, self.secrets = recorded["transcript"], recorded["secrets"]
        self.options = {}
        nonces = [bytes.fromhex(entry["nonce"]) for entry in self.entries if entry["from"] == role and "nonce" in entry]
        thrown = iter(nonces)
        monkeypatch.setattr(RandomNonceCipher, "_draw", lambda cipher: cipher._nonces.append(next(thrown)))
        if self.secrets and role == "server":
            self.options["rsa_key"] = folder / "rsa.pem"
            self.options["rsa_key"].touch(0o600)
            self.options["rsa_key"].write_text(self.secrets["rsa_private_key"])
        elif self.secrets:
            key, sealed = bytes.fromhex(self.secrets["session_key"]), bytes.fromhex(self.secrets["sealed_session_key"])
            read = rsa.read_public_key

            def encrypt(data, padding):
                assert data == key
                return sealed

            monkeypatch.setattr(rsa, "os", SimpleNamespace(urandom=lambda count: key[:count]))
            monkeypatch.setattr(
                rsa, "read_public_key", lambda text: SimpleNamespace(encrypt=encrypt, public_bytes=read(text).public_bytes)
            )


class HandshakeIO:
    """The other end of the stream, in bytes."""

    def __init__(self, stream):
        self.stream, self.heard, self.more = stream, b"", asyncio.Event()
        stream.deliver_to(self.receive, lambda error: None)

    def receive(self, data):
        self.heard += bytes(data)
        self.more.set()

    async def hear(self, count):
        while len(self.heard) < count:
            self.more.clear()
            await self.more.wait()
        data, self.heard = self.heard[:count], self.heard[count:]
        return data


async def replay(chat, role, recorded, cut):
    stack, memo = stack_of(PROFILE[chat], **recorded.options)
    ours, theirs = memory_stream_pair(cut)
    io = HandshakeIO(theirs)
    session = DirectChat(Connection(stack, ours, Role(role)))
    entries = iter(recorded.entries)
    if recorded.secrets:
        opening = asyncio.create_task(session.open())
        for entry in (next(entries), next(entries)):
            data = bytes.fromhex(entry["bytes"])
            if entry["from"] == role:
                assert await io.hear(len(data)) == data
            else:
                theirs.send(data)
        await opening
    else:
        await session.open()
    session.begin()
    for entry in entries:
        data = bytes.fromhex(entry["bytes"])
        if entry["from"] == role:
            session.say(entry["typed"])
            assert await io.hear(len(data)) == data
        else:
            theirs.send(data)
            if entry["means"] == "message":
                heard = await memo.messages.get()
                while chat == "demo01" and len(heard) < len(entry["text"]):
                    heard += await memo.messages.get()
                assert heard == entry["text"]
    last = recorded.entries[-1]["from"]
    theirs.finish()
    assert (await session.over()).by is (EndedBy.US if last == role else EndedBy.THEM)
    assert io.heard == b""
    assert memo.notices == []


@pytest.mark.parametrize("cut", [None, lambda data: [data[i : i + 1] for i in range(len(data))]], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("role", ["server", "client"])
@pytest.mark.parametrize("chat", PROFILE)
def test_a_transcript_replays(chat, role, cut, monkeypatch, tmp_path):
    asyncio.run(asyncio.wait_for(replay(chat, role, Recorded(chat, role, monkeypatch, tmp_path), cut), 180))
