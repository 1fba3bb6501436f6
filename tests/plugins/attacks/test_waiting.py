"""An attack that keeps a server waiting succeeds if the server still waits."""

import asyncio

import pytest
from intercepting import between

from plytalk.core.bases.attacking import wait_at_most
from plytalk.core.contracts.attack import Interceptor
from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.run import AttackRecord
from plytalk.plugins.attacks.waiting import Holding


class Waits(Holding):
    """Keeps the server waiting for three seconds."""

    name = "waits"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        await wait_at_most(3, over)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_server_that_waits_is_held_and_one_that_hangs_up_is_not(hangs_up: bool) -> None:
    async def hold() -> bool:
        attack = Waits()
        interceptor, ends = between(attack)
        await interceptor.start()
        if hangs_up:
            ends[Role.RESPONDER].stream.finish()
        await ends[Role.INITIATOR].over.wait()
        await attack.finish(interceptor)
        return attack.succeeded(AttackRecord({}, interceptor))

    assert clock.run(hold()) is not hangs_up
