"""`plytalk.connect`: a client for a program."""

from collections.abc import Callable
from typing import Unpack

from plytalk.api.arguments import ClientArguments, FileName, choose_layers, refuse_other_types
from plytalk.api.assembly import make_client, server_address
from plytalk.api.doors import connecting_address
from plytalk.api.inbox import AnswersQuestions, Inbox
from plytalk.api.local_names import run_client
from plytalk.api.program_endpoint import ProgramEndpoint, Secret
from plytalk.api.urls import is_url, read_url
from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import shorten


def connect(
    address: str,
    *,
    peer: str | None = None,
    name: str | None = None,
    room: str | None = None,
    reconnect: bool = False,
    profile: str | None = None,
    home: FileName | None = None,
    ask: AnswersQuestions | None = None,
    secret: Secret | None = None,
    limits: Limits | None = None,
    **layers: Unpack[ClientArguments],
) -> "Chat":
    """A conversation with the server at HOST[:PORT], ws://HOST/ or @CONTACT, to be entered with `async with`.

        async with plytalk.connect("127.0.0.1:7591", peer="SHA256:...") as chat:
            async for event in chat:
                ...

    `peer` is the fingerprint of the server's key, `home` a folder for the files of this conversation (default: the user's).
    `ask` answers questions, such as whether an unknown key is to be trusted; `secret` is called for the passphrase of an
    identity, and for a one-time code. The others are options of `chat connect`.
    """
    named = {"peer": peer, "name": name, "room": room, "reconnect": reconnect or None}
    refuse_other_types(ask=(ask, Callable | None))
    return Chat(address, Inbox(ask), {**layers, **named}, profile=profile, home=home, secret=secret, limits=limits)


class Chat(ProgramEndpoint):
    """A conversation of a program with a server: see `connect`."""

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the key that the other side showed, if it showed one."""
        return self._inbox.begun.key if self._inbox.begun else None

    async def _run(self) -> Ending:
        url = read_url(self.address) if is_url(self.address) else None
        given = {"transport": url.transport, "ws_path": url.path or None} if url else {}
        if self._arguments.get("proxy_command"):
            given["transport"] = "command"
        choice = choose_layers(self._inbox, Role.INITIATOR, self._profile, {**given, **self._arguments})
        address = server_address(choice, self.address)
        stack = choice.stack()
        server = connecting_address(stack.transport, address)
        choice.check_given(stack.transport, server.host)
        client = make_client(choice, stack, limits=self._limits, secret=self._secret)
        return await run_client(client, server, choice.port)

    def _say_goodbye(self) -> None:
        if conversation := self._inbox.conversation:
            conversation.exit()

    def __repr__(self) -> str:
        return f"<Chat with {shorten(self.address)} as {shorten(self.me.name or 'nobody yet')}>"
