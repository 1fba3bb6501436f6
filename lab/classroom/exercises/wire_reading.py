"""Exercise 1: read the plaintext off the wire. A recorded conversation names a meeting place; the answer is its two words."""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.contracts.peers import Role
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.pipeline.connection import Connection
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.participants import OutOfBand, ParticipantRecord, ParticipantUi
from plytalk.lab.classroom.deliveries import plaintext_stack
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files
from plytalk.lab.inspect.trace_file import TraceFile

ADDRESS = "192.0.2.7:5002"


def script(draw: Draw) -> Iterator[tuple[Role, str]]:
    """What the two say. Only one place is where they meet."""
    place, landmark, other, beside = draw.words("places", 4)
    yield Role.INITIATOR, f"Not at the {other} by the {beside} again. Too many people."
    yield Role.RESPONDER, "Where, then?"
    yield Role.INITIATOR, f"The meeting place is the {place} by the {landmark}."
    yield Role.RESPONDER, "Agreed. Nobody must know."


def make(draw: Draw) -> Files:
    with TemporaryFolder() as folder:
        path = Path(folder, "wire.trace")
        clock.run(record(draw, path))
        return {path.name: path.read_bytes()}


async def record(draw: Draw, path: Path) -> None:
    """Hold the conversation between two real endpoints, and trace it at the client's."""
    stack, trace = plaintext_stack("raw", "trimmed"), TraceFile(path, stopped=lambda why: None)
    sides = dict(zip(Role, memory_stream_pair(), strict=True))
    sides[Role.INITIATOR].peer = ADDRESS
    chats = {
        role: DirectChat(
            Connection(
                replace(stack, ui=ParticipantUi(ParticipantRecord(), OutOfBand())),
                stream,
                role,
                trace=trace if role is Role.INITIATOR else None,
            )
        )
        for role, stream in sides.items()
    }
    for chat in chats.values():
        await chat.open()
        chat.begin()
    for role, line in script(draw):
        chats[role].say(line)
        await wait_until_idle()
    chats[Role.INITIATOR].exit()
    for chat in chats.values():
        await chat.over()
    trace.close()


def check(draw: Draw, answer: str) -> AnswerVerdict:
    words, (place, landmark, *elsewhere) = answer.lower().split(), draw.words("places", 4)
    if words == [place, landmark]:
        return AnswerVerdict(True, "You listened, and nobody noticed: anyone on the network path can do that.")
    if len(words) != 2:
        why = f"The answer is two words; you gave {len(words)}."
    elif words == [landmark, place]:
        why = "These are the right words in the wrong order."
    elif set(words) & set(elsewhere):
        why = "The recording names that place too, but they do not meet there."
    else:
        why = "These two words do not name the meeting place."
    return AnswerVerdict(False, why)


HINTS = (
    "Look at the right column of `chat inspect wire/wire.trace --text`: it is what was typed.",
    'Two places are named. Who says "not", and which place is left?',
)
EXERCISE = Exercise("Read the plaintext off the wire", "the two words, such as 'onion curtain'", make, check, HINTS)
