"""`plytalk.serve`: a server for a program."""

from typing import Any, Unpack

from plytalk.api.arguments import FileName, ServerArguments, choose_layers
from plytalk.api.assembly import make_server
from plytalk.api.inbox import Inbox, NoticeBox
from plytalk.api.program_endpoint import ProgramEndpoint, Secret
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.endpoints.server import Server
from plytalk.core.io.address import Address, parse_address


def serve(
    address: str = "127.0.0.1",
    *,
    name: str | None = None,
    room: str | None = None,
    headless: bool = False,
    keep: bool = True,
    profile: str | None = None,
    home: FileName | None = None,
    secret: Secret | None = None,
    limits: Limits | None = None,
    **layers: Unpack[ServerArguments],
) -> "ChatServer":
    """A server that listens on HOST[:PORT] (port 0: any free one), to be entered with `async with`.

        async with plytalk.serve("127.0.0.1:0") as server:
            print(server.address, server.fingerprint)
            async for event in server:
                ...

    The program takes part as the person at the server, and must take the events; with `headless` nobody does. Without `keep`
    it ends when everyone has left. `home`, `secret` and `limits` are as for `connect`, the others options of `chat serve`.
    """
    inbox, arguments = NoticeBox() if headless else Inbox(), {**layers, "name": name, "room": room}
    return ChatServer(keep, address, inbox, arguments, profile=profile, home=home, secret=secret, limits=limits)


class ChatServer(ProgramEndpoint):
    """A server of a program: see `serve`."""

    fingerprint: str | None = None
    """The fingerprint of this server's key, for `peer=` and `--peer`; None where its handshake has none."""

    _outlives = True

    def __init__(self, keep: bool, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._keep = keep
        self._server: Server | None = None

    async def _run(self) -> Ending:
        choice = choose_layers(self._inbox, Role.RESPONDER, self._profile, self._arguments)
        stack = choice.stack()
        place = Address(self.address) if stack.transport.names_place else parse_address(self.address, listen=True)
        self._server = make_server(choice, stack, limits=self._limits, secret=self._secret, announce=self._listens)
        return await self._server.run(place.host, choice.port if place.port is None else place.port, keep=self._keep)

    def _listens(self, address: str) -> tuple[()]:
        """Where it listens, with its key; there is nothing to say about it."""
        assert self._server
        identity = self._server.stack.handshake.identity
        self.address, self.fingerprint = address, identity.fingerprint if identity else None
        self._inbox.began.set()
        return ()

    def _say_goodbye(self) -> None:
        if self._server and self._task and not self._task.done():
            self._server.stop()

    def __repr__(self) -> str:
        return f"<ChatServer on {shorten(self.address)}>"
