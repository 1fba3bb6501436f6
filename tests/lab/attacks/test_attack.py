"""What an attack may rely on: its prediction, its random numbers, and that nothing it begins outlives it."""

import asyncio

import pytest

from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attack import Attack, Editing, Holding, Outcome, Passing, Takeover, set_within
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import TypedFrames


class Nothing(Attack):
    """Does nothing."""

    name = "nothing"
    defences = {Property.BOUNDARIES, Property.KEYS}

    def succeeded(self, evidence: Evidence) -> bool:
        return False


class Refused(Takeover):
    """Gets as far as the first refusal, or no further than waiting."""

    name = "refused"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.waiting = asyncio.Event()
        self.cancelled = False

    async def take(self, interceptor: Interceptor) -> None:
        await self.talk()

    async def talk(self) -> None:
        raise HandshakeFailed("The server refused.")

    def succeeded(self, evidence: Evidence) -> bool:
        return False


class Endless(Refused):
    """Waits for what never comes."""

    async def talk(self) -> None:
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled = True


class End:
    """One end of the attacked conversation: what came, and whether it was closed."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.heard, self.over = stream, bytearray(), asyncio.Event()
        stream.deliver_to(self.heard.extend, lambda error: self.over.set())


def between(attack: Attack, prelude: int = 0) -> tuple[Interceptor, dict[Role, End]]:
    pairs = {role: memory_stream_pair() for role in Role}
    interceptor = Interceptor(
        stack_of(), attack, {role: inner for role, (_, inner) in pairs.items()}, dict.fromkeys(Role, prelude)
    )
    return interceptor, {role: End(outer) for role, (outer, _) in pairs.items()}


def test_it_is_detected_where_all_its_defences_are_given_and_not_where_one_is_missing() -> None:
    stack = stack_of()
    assert Nothing.predict(stack) is Outcome.DETECTED

    class Stronger(Nothing):
        defences = {*Nothing.defences, Property.SECRECY}

    assert Stronger.predict(stack) is Outcome.UNDETECTED


def test_where_there_is_nothing_to_attack_no_prediction_is_made() -> None:
    class Particular(Nothing):
        @classmethod
        def applies(cls, stack: Stack) -> bool:
            return stack.cipher.layer.name != "test-unsealed"

    assert Particular.predict(stack_of()) is Outcome.NOT_APPLICABLE


def test_the_same_seed_draws_the_same_and_another_one_others() -> None:
    drawn = [[Nothing(seed).random.random() for _ in range(3)] for seed in (7, 7, 8)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_an_attack_without_a_way_to_succeed_is_none() -> None:
    with pytest.raises(TypeError, match="succeeded"):
        Attack()  # type: ignore[abstract]


def test_what_it_does_not_decide_passes_as_it_came_and_so_does_the_end() -> None:
    async def pass_on() -> None:
        interceptor, ends = between(Nothing())
        await interceptor.start()
        assert not interceptor.taken_over
        frame = TypedFrames().encode(b"M", b"hello")
        ends[Role.INITIATOR].stream.send(frame)
        ends[Role.INITIATOR].stream.finish()
        await ends[Role.RESPONDER].over.wait()
        assert ends[Role.RESPONDER].heard == frame
        assert not ends[Role.INITIATOR].over.is_set()
        assert interceptor.frames == [Passing(Role.INITIATOR, 0, False, b"M", b"hello")]

    clock.run(pass_on())


class Louder(Editing):
    """Has the server shout what it says first."""

    name = "louder"
    whose = Role.RESPONDER

    def edited(self, payload: bytes) -> bytes:
        return payload.upper()


def test_the_first_handshake_frame_of_one_side_is_edited_and_nothing_else() -> None:
    async def edit() -> None:
        interceptor, ends = between(Louder(), prelude=2)
        await interceptor.start()
        for role in Role:
            for word in (b"one", b"two", b"three"):
                ends[role].stream.send(TypedFrames().encode(b"K", word))
            ends[role].stream.finish()
        for end in ends.values():
            await end.over.wait()
        for role, first in ((Role.INITIATOR, b"ONE"), (Role.RESPONDER, b"one")):
            assert ends[role].heard == b"".join(TypedFrames().encode(b"K", word) for word in (first, b"two", b"three"))

    clock.run(edit())


class Waits(Holding):
    """Keeps the server waiting for three seconds."""

    name = "waits"

    async def hold(self, interceptor: Interceptor, over: asyncio.Event) -> None:
        await set_within(3, over)


@pytest.mark.parametrize("hangs_up", [True, False])
def test_a_server_that_waits_is_held_and_one_that_hangs_up_is_not(hangs_up: bool) -> None:
    async def hold() -> bool:
        attack = Waits()
        interceptor, ends = between(attack)
        await interceptor.start()
        if hangs_up:
            ends[Role.RESPONDER].stream.finish()
        await ends[Role.INITIATOR].over.wait()
        await attack.after(interceptor)
        return attack.succeeded(Evidence({}, interceptor))

    assert clock.run(hold()) is not hangs_up


def test_waiting_for_an_event_has_an_end() -> None:
    async def wait() -> tuple[bool, bool]:
        event = asyncio.Event()
        early = await set_within(5, event)
        event.set()
        return early, await set_within(5, event)

    assert clock.run(wait()) == (False, True)


def test_a_takeover_that_is_refused_ends_both_connections() -> None:
    async def refused() -> None:
        interceptor, ends = between(Refused())
        await interceptor.start()
        assert interceptor.taken_over
        for end in ends.values():
            await end.over.wait()
        await interceptor.attack.after(interceptor)

    clock.run(refused())


def test_a_takeover_that_still_waits_is_over_when_the_conversation_is() -> None:
    async def waits() -> int:
        attack = Endless()
        interceptor, _ = between(attack)
        await interceptor.start()
        await attack.waiting.wait()
        await attack.after(interceptor)
        assert attack.cancelled
        return len(asyncio.all_tasks())

    assert clock.run(waits()) == 1
