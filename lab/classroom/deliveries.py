"""Real endpoints to which an answer is delivered, frame by frame: the layers and the conversation are those of `chat`."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attendance import Attendance
from plytalk.lab.attacks.participants import OutOfBand, ParticipantRecord, make_session, open_session

MOST_FRAMES = 100
"""How many frames an answer may have."""


class DrawnKey(Handshake):
    """Both sides have the session key of an exercise already, so that a conversation can go on after its capture."""

    name = "drawn-key"
    gives = {Property.KEYS}

    def __init__(self, key: bytes = b"") -> None:
        self._key = key

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.shared(self._key)

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.shared(self._key)


def sealed_stack(key: bytes, framer: str, messages: str) -> Stack:
    """AES-GCM under this key, in these frames."""
    return built({"framer": framer, "cipher": "aesgcm", "messages": messages}, {DrawnKey: DrawnKey(key)})


def plaintext_stack(framer: str, messages: str) -> Stack:
    return built({"framer": framer, "handshake": "none", "cipher": "none", "messages": messages}, {})


def built(names: Mapping[str, str], made: Mapping[type[Layer], Layer]) -> Stack:
    registry = Registry()
    classes = {kind: [registry.layer(kind, name)] for kind, name in {**names, "transport": "memory", "ui": "none"}.items()}
    return Stack.build(classes | {layer.kind: [layer] for layer in made}, made=made)


class FrameWriter:
    """What one side of a conversation sends, line by line, as the stack's own layers make it."""

    def __init__(self, stack: Stack, role: Role, key: bytes = b"") -> None:
        self._framer, self._messages = stack.framer(), stack.messages()
        self._cipher = stack.cipher(SessionSecrets.shared(key), role)

    def frame(self, line: str) -> bytes:
        """The frame of one line."""
        return b"".join(self._framer.encode(MESSAGE, self._cipher.seal(one)) for one in self._messages.pack([line]))


async def deliver(stack: Stack, role: Role, frames: Iterable[bytes]) -> ParticipantRecord:
    """What the user in this role is shown, and warned of, when its endpoint receives these bytes, one piece after the other."""
    ours, theirs = memory_stream_pair()
    theirs.deliver_to(lambda data: None, lambda error: None)
    record = ParticipantRecord()
    session = make_session(stack, ours, role, record, OutOfBand())
    if await open_session(session, record):
        Attendance(session).enter()
        for frame in frames:
            theirs.send(frame)
            await wait_until_idle()
        if session.ending and session.ending.error:
            record.alarms.append(session.ending.error.sentence)
        session.exit()
    theirs.close()
    with suppress(ChatError):
        record.ending = await session.over()
    return record


def listed(frames: Sequence[tuple[str, bytes]], *heading: str) -> bytes:
    """Frames as lines of text, each with its name before it."""
    return "".join([*(f"# {line}\n" for line in heading), *(f"{name} {frame.hex()}\n" for name, frame in frames)]).encode()


def parse_frames(text: str) -> list[bytes]:
    """The frames of such a text: on each line the last word is hexadecimal digits. Raises Usage."""
    lines = [line.split("#")[0].split() for line in text.splitlines()]
    lines = [words for words in lines if words]
    if len(lines) > MOST_FRAMES:
        raise Usage(f"An answer has at most {MOST_FRAMES} frames.")
    try:
        return [bytes.fromhex(words[-1]) for words in lines]
    except ValueError:
        raise Usage("Each line is a frame in hexadecimal digits, with a name before it or without.") from None
