"""Two ends of plytalk/1 that meet in one process, each with an identity, options and its own person."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError, UnknownPeer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.optional import listening, prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.questions import Question
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.stack.selection import Stack
from plytalk.plugins.ciphers.noise import NoiseTransport
from plytalk.plugins.framers.u16 import U16
from plytalk.plugins.handshakes.plytalk1 import Plytalk1
from plytalk.plugins.messages.records import Records
from plytalk.testing import RecordingUi
from plytalk.testing.parts import Nowhere


class Person(RecordingUi):
    """Answers every question with `answer` (None: there is nobody) after this many seconds; `says` something at once."""

    name = "person"

    def __init__(self, answer: bool | None = None, thinks: float = 0.0, says: str = "") -> None:
        super().__init__(answer)
        self.thinks, self.says = thinks, says

    async def answer(self, question: Question) -> str | None:
        await asyncio.sleep(self.thinks)
        return await super().answer(question)


def nobody(prompt: str) -> str:
    raise UnknownPeer(prompt)


@dataclass
class End:
    """One end, ready to meet any number of others; `told` is what its layers said at the start."""

    role: Role
    stack: Stack
    person: Person
    told: list[str] = field(default_factory=list)


async def end(
    role: Role,
    identity: Path,
    *auths: type[Authenticator],
    person: Person | None = None,
    secret: Callable[[str], str] = nobody,
    **options: Any,
) -> End:
    """An end with this identity, made where there is none."""
    person = person or Person()
    layers = (Nowhere, U16, Plytalk1, NoiseTransport, Records)
    chosen: dict[str, list[Any]] = {layer.kind: [layer] for layer in layers}
    chosen |= {"auth": list(auths), "ui": [Person]}
    stack = replace(Stack.build(chosen, {"identity": identity, **options}), ui=person)
    stack.refuse(role)
    made = End(role, stack, person)
    for layer in (stack.handshake, *stack.auths):
        made.told.extend(await prepare(layer, role, secret))
        made.told += listening(layer, ()) if role is Role.RESPONDER else ()
    return made


Outcome = ChatError | None


async def meet(client: End, server: End, limits: Limits | None = None) -> tuple[Outcome, Outcome]:
    """How a conversation opened at either end: the error, or None where it did."""
    async with Meeting(client, server, limits) as meeting:
        return meeting.outcomes


class Meeting:
    """The same, with both sessions in conversation where they opened, until the block ends.

    `make_chat` makes the client's.
    """

    def __init__(self, client: End, server: End, limits: Limits | None = None, make_chat: type[DirectChat] = DirectChat) -> None:
        self._streams = memory_stream_pair()
        self._people = client.person, server.person
        self.client, self.server = (
            make(Connection(each.stack, stream, each.role, limits=limits))
            for make, each, stream in zip((make_chat, DirectChat), (client, server), self._streams, strict=True)
        )

    async def __aenter__(self) -> "Meeting":
        async def opened(session: DirectChat, person: Person) -> Outcome:
            try:
                await session.open()
            except ChatError as error:
                return error
            session.begin()
            if person.says:
                session.say(person.says)
            return None

        self.outcomes: tuple[Outcome, Outcome] = tuple(
            await asyncio.gather(*map(opened, (self.client, self.server), self._people))
        )
        return self

    async def __aexit__(self, *error: object) -> None:
        with suppress(ChatError):
            for stream in self._streams:
                stream.close()
