"""`plytalk.serve`: a server for a program."""

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from plytalk.api.arguments import FileName, ServerArguments, choose_layers, refuse_other_types
from plytalk.api.assembly import make_server
from plytalk.api.doors import HERE
from plytalk.api.guest_ports import guest_addresses
from plytalk.api.inbox import AnswersQuestions, Inbox, NoticeBox
from plytalk.api.program_endpoint import ProgramEndpoint, Secret
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.endpoints.listening import Door
from plytalk.core.endpoints.server import Server


def serve(
    address: str | None = None,
    *,
    doors: Sequence[str] = (),
    name: str | None = None,
    room: str | None = None,
    headless: bool = False,
    keep: bool = True,
    profile: str | None = None,
    home: FileName | None = None,
    guests: Sequence[str] = (),
    ask: AnswersQuestions | None = None,
    secret: Secret | None = None,
    limits: Limits | None = None,
    **layers: Unpack[ServerArguments],
) -> "ChatServer":
    """A server that listens on HOST[:PORT] (default 127.0.0.1; port 0: any free one), to be entered with `async with`.

        async with plytalk.serve("127.0.0.1:0") as server:
            print(server.address, server.fingerprint)
            async for event in server:
                ...

    The program takes part as the person at the server, and must take the events; with `headless` nobody does. Without `keep`
    it ends when everyone has left. `doors` are further places to listen, as for `chat serve --door`; all lead into one room, and
    without `address` they are the only ones. `guests` are existing chats to listen for as well, PROFILE[:PORT] each, on the host
    of the first door; `guest_addresses` says where. `home`, `ask`, `secret` and `limits` are as for `connect`, the others
    options of `chat serve`.
    """
    refuse_other_types(
        address=(address, str | None), ask=(ask, Callable | None), doors=(doors, list | tuple), guests=(guests, list | tuple)
    )
    inbox, arguments = NoticeBox(ask) if headless else Inbox(ask), {**layers, "name": name, "room": room}
    return ChatServer(keep, doors, guests, address, inbox, arguments, profile=profile, home=home, secret=secret, limits=limits)


class ChatServer(ProgramEndpoint):
    """A server of a program: see `serve`."""

    fingerprint: str | None = None
    """The fingerprint of this server's key, for `peer=` and `--peer`; None where its handshake has none."""

    addresses: Sequence[str] = ()
    """Where it listens: first `address`, then the other doors."""

    guest_addresses: Sequence[str] = ()
    """Where it listens for guests, in the order of `guests`, and then at the doors for guests."""

    _outlives = True

    def __init__(
        self, keep: bool, doors: Sequence[str], guests: Sequence[str], address: str | None, *arguments: Any, **named: Any
    ) -> None:
        super().__init__(address or (doors[0] if doors else HERE), *arguments, **named)
        self._keep, self._doors, self._guests = keep, doors, guests
        self._where, self._listens_also = address, address is not None or not doors
        self._server: Server | None = None

    async def _run(self) -> Ending:
        choice = choose_layers(self._inbox, Role.RESPONDER, self._profile, self._arguments, self._doors)
        choice.check_page()
        stack = choice.stack()
        addresses = choice.door_addresses(stack)
        if self._listens_also or not addresses:
            addresses = [choice.listen_address(stack, self._where), *addresses]
        first, *doors = addresses
        self._server = make_server(
            choice, first.stack, limits=self._limits, secret=self._secret, announce=self._listens, doors=doors,
            guests=guest_addresses(choice, stack, first.host, self._guests),
        )  # fmt: skip
        return await self._server.run(first.host, first.port, keep=self._keep)

    def _listens(self, doors: Sequence[Door], guests: Sequence[Door]) -> tuple[()]:
        """Where it listens, with its key; there is nothing to say about it."""
        identity = doors[0].stack.handshake.identity
        self.addresses = [door.address for door in doors]
        self.guest_addresses = [door.address for door in guests]
        self.address, self.fingerprint = self.addresses[0], identity.fingerprint if identity else None
        self._inbox.began.set()
        return ()

    def _say_goodbye(self) -> None:
        if self._server and self._task and not self._task.done():
            self._server.stop()

    def __repr__(self) -> str:
        return f"<ChatServer on {shorten(self.address)}>"
