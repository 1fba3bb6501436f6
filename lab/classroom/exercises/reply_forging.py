"""Exercise 2: forge a reply. The answer is a frame; a real client that receives it must show what nobody said."""

from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.lab.classroom.deliveries import FrameWriter, deliver, listed, parse_frames, plaintext_stack, sealed_stack
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files

FRAMERS = ("length", "u16", "typed")
AFTER = "See you there."


def said(draw: Draw) -> list[str]:
    """What the server says in the conversation that was captured."""
    first, second = draw.words("places", 2)
    return [
        "The parcel has come.",
        f"Leave it at the {first}.",
        f"Not before {draw.below('hour', 12) + 1} o'clock, by the {second}.",
    ]


def wanted(draw: Draw) -> str:
    """What the client's user is to be shown."""
    place, landmark = draw.words("forged", 2)
    return f"Change of plan: bring it to the {place} by the {landmark}."


def make(draw: Draw) -> Files:
    writer = FrameWriter(plaintext_stack(draw.one("framer", FRAMERS), "text"), Role.RESPONDER)
    frames = [(f"s{number}", writer.frame(line)) for number, line in enumerate(said(draw), 1)]
    heading = "What the server sent, in plaintext, one frame on each line."
    task = f"Make the client's user read, as if the server had said it:\n\n{wanted(draw)}\n"
    return {
        "capture.txt": listed(frames, heading),
        "task.txt": task.encode(),
        "answer.txt": listed(frames[-1:], "Put your frame in place of this one, in hexadecimal digits."),
    }


def check(draw: Draw, answer: str) -> AnswerVerdict:
    frames = parse_frames(answer)
    stack = plaintext_stack(draw.one("framer", FRAMERS), "text")
    writer = FrameWriter(stack, Role.RESPONDER)
    before = [writer.frame(line) for line in said(draw)]
    record = clock.run(deliver(stack, Role.INITIATOR, [*before, *frames, writer.frame(AFTER)]))
    if record.alarms:
        return AnswerVerdict(False, f"The client noticed: {record.alarms[0]}")
    if record.shown != [*said(draw), wanted(draw), AFTER]:
        return AnswerVerdict(False, f"Your frame showed the client's user: {record.shown[len(said(draw)) :]!r}")
    key = draw.key("session key")
    sealed = clock.run(deliver(sealed_stack(key, "typed", "text"), Role.INITIATOR, frames))
    assert wanted(draw) not in sealed.shown
    return AnswerVerdict(True, "The client shows it like any other. A client that decrypts messages would refuse these bytes.")


HINTS = (
    "Compare the beginnings of the three frames. What in them grows with the text?",
    "The last bytes before the text are its length, the most significant byte first. The rest is the same in all.",
)
EXERCISE = Exercise(
    "Forge a reply", "the folder with your frame in answer.txt, or that file", make, check, HINTS, answer_file="answer.txt"
)
