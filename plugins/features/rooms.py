"""Rooms: many people, one server. What they are made of is in plugins/rooms/; this is how it comes into a stack.

At the server every conversation becomes a member (`Hub`), and the person there is a `LocalMember`; at a client a `RoomClient`
asks to join. Where just two are there, both see and send what they would without a room.

What only a server needs is imported there, so that a client starts sooner.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plytalk.core.contracts.errors import ChatError, ImpossibleStack, Refused, Usage
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.handler import ServerStack
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.public_key import PublicKey, parse_fingerprint
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.contracts.ui import Conversation
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.plugins.files.receive_options import ReceiveOptions
from plytalk.plugins.rooms.room_chat import RoomChat
from plytalk.plugins.rooms.room_client import AttendChat, Connect, RoomClient
from plytalk.plugins.rooms.room_events import READ, TYPING
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from plytalk.core.contracts.measures import Measure
    from plytalk.plugins.files.user_files import UserFiles
    from plytalk.plugins.rooms.history import History
    from plytalk.plugins.rooms.hub import Hub
    from plytalk.plugins.rooms.member_chat import MemberChat

LOBBY = "lobby"


class Rooms(Feature):
    """Many people in rooms on one server: names, commands, a backlog."""

    name = "rooms"
    caution = (
        "Where more than two talk, or with nobody at the server, the server reads what is said: it is sealed between each member "
        "and the server, not from member to member."
    )
    options = (
        Option("room", "The room to join (default: the server's first, `lobby`).", metavar="NAME", chooses=True),
        Option("name", "Your name (default: the server derives one from your key).", metavar="NAME", chooses=True),
        Option("backlog", "How many past events a new member is sent (default 0).", int, 0, "N", role=Role.RESPONDER),
        Option(
            "rate",
            "Messages per second for each member, with bursts of four times as many (default 20; 0: no limit).",
            int,
            20,
            "N",
            role=Role.RESPONDER,
        ),
        Option(
            "history",
            "Store what is said in this file, in plaintext, so that it survives a restart of the server.",
            Path,
            metavar="FILE",
            role=Role.RESPONDER,
        ),
        Option("operator", "The fingerprint of an operator's key.", metavar="SHA256:...", role=Role.RESPONDER),
        Option("typing", "Exchange typing indicators with the members who also use this option.", bool, False),
        Option("receipts", "Exchange read receipts with the members who also use this option.", bool, False),
        Option("into", "Write files that you accept into this folder (default: the current one).", Path, metavar="DIR"),
        Option("yes", "Accept every file that is offered, without being asked.", bool, False),
        Option("accept-from", "Accept every file that the owner of this key offers.", metavar="SHA256:..."),
        Option("fsync", "Flush each received file to the disk before renaming it to its final name.", bool, False),
        Option("no-files", "Neither send nor receive files: for a program that others type into, such as over ssh.", bool, False),
        Option(
            "reconnect",
            "Reconnect when the connection is cut or the server restarts, and catch up on what was missed.",
            bool,
            False,
            role=Role.INITIATOR,
        ),
    )

    def __init__(
        self,
        room: str | None = None,
        name: str | None = None,
        backlog: int = 0,
        rate: int = 20,
        history: Path | None = None,
        operator: str | None = None,
        typing: bool = False,
        receipts: bool = False,
        reconnect: bool = False,
        into: Path | None = None,
        yes: bool = False,
        accept_from: str | None = None,
        fsync: bool = False,
        no_files: bool = False,
    ) -> None:
        self._room, self._name, self._operator = named_room(room) if room else "", name or "", operator
        for key, whose in ((operator, "an operator's"), (accept_from, "a sender's")):
            try:
                if key:
                    parse_fingerprint(key)
            except ValueError as error:
                raise Usage(f"{key!r} is not {whose} key: {error}.") from None
        if backlog < 0 or rate < 0:
            raise Usage("--backlog and --rate take numbers from 0 on.")
        self._backlog, self._rate = backlog, rate
        self._file = history
        self._history: History | None = None
        self._hub: Hub | None = None
        self._key_of: Callable[[Identity | None], PublicKey | None] = lambda identity: None  # until a server gives it
        self._signals = frozenset(kind for kind, wanted in ((TYPING, typing), (READ, receipts)) if wanted)
        self._files: UserFiles | None = None  # of the server's user
        if no_files and (into or yes or accept_from):
            raise Usage("--no-files receives no file, and --into, --yes and --accept-from say how.", "Leave out one of them.")
        if into and not (os.path.isdir(into) or can_be_made(into)):
            raise Usage(f"--into {shorten(str(into))} is not a folder.", "Make it first, or name another one.")
        self._file_options = ReceiveOptions(into or Path(), yes, (accept_from,) if accept_from else (), fsync, no_files)
        self._room_client = RoomClient(self._room, self._name, reconnect, self._signals, self._file_options)

    def refuse_stack(self, stack: Stack, role: Role) -> None:
        asked = "--name" if self._name else "--room" if self._room else ""
        if asked and role is Role.INITIATOR and not stack.make_messages.layer.extensible:
            raise ImpossibleStack(
                f"This stack has no names and no rooms: its messages, `{stack.make_messages.name}`, carry text alone.",
                f"Leave out {asked}, or talk over a stack with rooms, such as --profile plytalk1.",
            )

    def make_chat(self, connection: Connection, **options: Any) -> "MemberChat | RoomChat":
        if connection.role is Role.INITIATOR:
            return RoomChat(connection, **options)
        from plytalk.plugins.rooms.member_chat import MemberChat

        return MemberChat(connection, **options)

    def fields(self, message: Passed) -> Iterator[Span]:
        from plytalk.plugins.rooms import item_spans

        return item_spans.item(message)

    # -- at a server ------------------------------------------------------------------------------------------------------

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        if role is Role.RESPONDER and self._name:
            from plytalk.plugins.rooms.member_names import new_name

            new_name(self._name)  # before anybody comes
        if self._file is None or self._history is not None:
            return ()
        from plytalk.plugins.rooms.history import History

        self._history = History(self._file)
        return [f"What is said in the rooms is stored in {self._file}, in plaintext."]

    async def release(self) -> None:
        if self._files:
            await self._files.close()
        if self._hub:
            await self._hub.stop_commands()
            self._hub.close()
        elif self._history:
            self._history.close()

    @hookimpl
    def server_opened(self, stack: Stack, end: Callable[[ChatError], None], notice: Callable[[str], None]) -> None:
        from plytalk.plugins.rooms.hub import Hub
        from plytalk.plugins.rooms.remote_peer import key_of

        self._key_of = key_of
        own_key = key_of(stack.handshake.identity)
        self._hub = Hub(
            stack.messages().pack,
            notice,
            first=self._room or LOBBY,
            backlog=self._backlog,
            rate=self._rate,
            moderation=user_file("rooms"),
            operator=self._operator,
            own_key=own_key.fingerprint if own_key else None,
            auths=stack.auths,
            history=self._history,
            end=end,
            brought={feature.name: feature.commands for feature in stack.features if feature.commands},
        )

    @property
    def hub(self) -> "Hub | None":
        """The members and the rooms of the server that is open, for features that look after them."""
        return self._hub

    def refuse(self, identity: Identity | None) -> Refused | None:
        if self._hub is None or not (key := self._key_of(identity)) or not self._hub.moderation.is_banned(key):
            return None
        return Refused("It is banned here.", told="You are banned from this server.")

    def holds_role(self, identity: Identity | None) -> bool:
        key = self._key_of(identity)
        return self._hub is not None and key is not None and self._hub.holds_role(key)

    def attach(self, session: "MemberChat") -> None:
        from plytalk.plugins.rooms.member import Member

        assert self._hub is not None
        Member(self._hub, session)

    def local_member(self, stack: ServerStack, address: str, leave: Callable[[], None]) -> Conversation:
        from plytalk.plugins.files.user_files import UserFiles
        from plytalk.plugins.rooms.local_member import LocalMember

        assert self._hub is not None
        self._files = self._files or UserFiles(stack.ui, self._file_options)
        return LocalMember(self._hub, stack, address, leave, self._name, self._signals, self._files)

    @hookimpl
    def reread(self) -> Sequence[str]:
        if self._hub is None:
            return ()
        self._hub.reread()
        return [f"Reloaded operators, bans and mutes from {self._hub.moderation.path}."]

    @hookimpl
    def measures(self) -> "Sequence[Measure]":
        return self._hub.measures() if self._hub else ()

    # -- at a client ------------------------------------------------------------------------------------------------------

    def begin(self, first: RoomChat, connect: Connect, attend: AttendChat) -> RoomClient:
        self._room_client.begin(first, connect, attend)
        return self._room_client


def named_room(name: str) -> str:
    """The name of a room, as it is written. Raises Usage."""
    from plytalk.plugins.rooms.member_names import room_name

    return room_name(name)


def can_be_made(folder: Path) -> bool:
    """Whether nothing of this name is there, in a folder that is."""
    try:
        os.lstat(folder)
    except FileNotFoundError:
        return os.path.isdir(folder.parent)
    except OSError:  # a name that is too long, say
        return False
    return False


@hookimpl
def layers() -> list[type[Rooms]]:
    return [Rooms]
