"""A connection of the attacker's: it does what the stack's layers do, with the secrets that the attacker has."""

import asyncio
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import WrongSecret
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attacker_connection import StackConnection
from plytalk.lab.attacks.scenario import ATTACKER, scenarios

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER


@pytest.mark.parametrize(("who", "agrees"), [("server", True), (ATTACKER, False)])
def test_it_answers_authenticators_with_the_secret_that_it_has(who: str, agrees: bool, tmp_path: Path) -> None:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == "plytalk1 --psk-file FILE"]

    async def meet() -> None:
        stacks = {CLIENT: scenario.stack("client", tmp_path), SERVER: scenario.stack(who, tmp_path)}
        for role, stack in stacks.items():
            await prepare(stack.handshake, role, lambda prompt: "")
        streams = memory_stream_pair()
        client, server = (
            StackConnection(stack, stream, role) for (role, stack), stream in zip(stacks.items(), streams, strict=True)
        )
        opening = asyncio.create_task(client.open())
        if agrees:
            await asyncio.gather(server.open(), opening)
            client.say("hello")
            assert await server.hear() == ["hello"]
        else:
            with pytest.raises(WrongSecret):
                await server.open()
            streams[1].finish()
            with pytest.raises(WrongSecret, match="hung up"):
                await opening

    clock.run(meet())
