"""Live, over TCP, in both roles, against js-libp2p's Noise: XX with an identity payload and a prologue, bare and as plytalk/1."""

import asyncio
import contextlib
import json
import shutil
from pathlib import Path

import pytest

from live.meeting import CLOSE, MESSAGE, calling, items, plaintext, serving, stack
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.peers import Role
from plytalk.trust.identity import identity_key

FOLDER = Path(__file__).parent / "libp2p"
PROLOGUE = "both of us know this"

pytestmark = [
    pytest.mark.skipif(not shutil.which("node"), reason="needs node (version 20 or newer)"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").is_dir(), reason="needs @chainsafe/libp2p-noise: npm ci in tests/system/live/libp2p"
    ),
]


class Libp2p:
    """js-libp2p in its own process."""

    def __init__(self, process):
        self.process = process

    async def tells(self, event):
        line = await self.process.stdout.readline()
        told = json.loads(line) if line else {"event": "nothing more"}
        assert told["event"] == event, told
        return told

    def order(self, **order):
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    def send(self, *what):
        self.order(send=plaintext(*what).hex())

    async def hears(self):
        """The items of the next record."""
        return items(bytes.fromhex((await self.tells("record"))["data"]))


@contextlib.asynccontextmanager
async def libp2p(role, **options):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", "peer.mjs", json.dumps({"role": role.value, **options}), cwd=FOLDER, stdin=pipe, stdout=pipe
    )
    try:
        yield Libp2p(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def meeting(role, handshake, prologue=PROLOGUE, **options):
    """Our end in this role, and libp2p's in the other."""
    bare = handshake == "noise"
    ours_stack = stack(handshake=handshake, **({"prologue": PROLOGUE} if bare else {"suite": "classical"}))
    options |= {"prologue": prologue.encode().hex()} if bare else {"plytalk": True}
    if role is Role.RESPONDER:
        async with serving(ours_stack) as ours, libp2p(role.other, port=ours.port, **options) as theirs:
            yield ours, theirs
    else:
        async with contextlib.AsyncExitStack() as open_things:
            theirs = await open_things.enter_async_context(libp2p(role.other, **options))
            port = (await theirs.tells("listening"))["port"]
            yield await open_things.enter_async_context(calling(ours_stack, port)), theirs


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("handshake", ["noise", "plytalk1"])
async def test_a_conversation(handshake, role):
    async with meeting(role, handshake) as (ours, theirs):
        shown = await theirs.tells("open")
        answers = handshake == "plytalk1"
        if answers and role is Role.INITIATOR:
            theirs.send()  # lets our client in
        elif answers:
            assert await theirs.hears() == []
        await ours.ui.until(open=True)
        assert ours.session.identity.key == identity_key(bytes.fromhex(shown["own"])).blob
        assert ours.session.stack.handshake.identity.key == identity_key(bytes.fromhex(shown["peer"])).blob
        theirs.send((MESSAGE, "Grüße".encode()), (MESSAGE, b"from elsewhere"))
        assert await ours.hears(2) == ["Grüße", "from elsewhere"]
        ours.session.say("你好")
        assert await theirs.hears() == [(MESSAGE, "你好".encode())]
        if role is Role.INITIATOR:
            theirs.send((CLOSE, b"\0" + (1 + answers).to_bytes(8, "big")))
            assert (await ours.task).by is EndedBy.THEM
        else:
            ours.session.exit()
            assert await theirs.hears() == [(CLOSE, b"\0" + (1 + answers).to_bytes(8, "big"))]
            theirs.order(end=True)
            assert (await ours.task).by is EndedBy.US


@pytest.mark.parametrize("role", Role)
async def test_another_prologue_is_refused(role):
    async with meeting(role, "noise", prologue="they know another") as (ours, theirs):
        if role is Role.INITIATOR:
            assert "message 2 does not decrypt" in await ours.refuses()
        else:  # our message B does not decrypt there
            assert "stage 1 validation fail" in (await theirs.tells("failed"))["why"]
            assert "closed the connection during the handshake" in await ours.refuses()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("handshake", ["noise", "plytalk1"])
async def test_a_forged_identity_is_refused(handshake, role):
    async with meeting(role, handshake, forge=True) as (ours, _):
        assert "it is forged" in await ours.refuses()
