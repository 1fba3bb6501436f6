"""Exercise 5: why a tag is not enough. The answer is three sequences of genuine frames; each makes a real server read what the
client did not say so.
"""

import re

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.lab.classroom.deliveries import FrameWriter, deliver, listed, parse_frames, sealed_stack
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files

PARTS = ("A", "B", "C")
LINES = 5


def client_said(draw: Draw) -> list[str]:
    words = draw.words("stock", 2 * LINES)
    return [f"{draw.one(f'verb {n}', ('Buy', 'Sell', 'Keep'))} the {words[n]}." for n in range(LINES)]


def server_said(draw: Draw) -> list[str]:
    words = draw.words("stock", 2 * LINES)
    return [f"The {words[LINES + n]} is mine." for n in range(LINES)]


def wanted(draw: Draw) -> dict[str, list[str]]:
    """What the server's user is to be shown in each part: a line missing, two changed places, its own line come back."""
    lines = client_said(draw)
    missing, first = draw.below("missing", LINES), draw.below("first", LINES - 1)
    swapped = [*lines[:first], lines[first + 1], lines[first], *lines[first + 2 :]]
    return {
        "A": [line for number, line in enumerate(lines) if number != missing],
        "B": swapped,
        "C": [*lines, draw.one("own", server_said(draw))],
    }


def make(draw: Draw) -> Files:
    key = draw.key("session key")
    stack = sealed_stack(key, "typed", "text")
    sides = ((Role.INITIATOR, "c", client_said(draw)), (Role.RESPONDER, "s", server_said(draw)))
    frames = [
        (f"{letter}{number}", FrameWriter(stack, role, key).frame(line))
        for role, letter, lines in sides
        for number, line in enumerate(lines, 1)
    ]
    said = "".join(f"{letter}{number} {line}\n" for _, letter, lines in sides for number, line in enumerate(lines, 1))
    parts = "".join(f"\n{part}: the server's user reads\n{indented(lines)}" for part, lines in wanted(draw).items())
    honest = listed(frames[:LINES]).decode()
    return {
        "capture.txt": listed(frames, "c: what the client sent, s: what the server sent. All sealed under one key."),
        "task.txt": f"What was said, as you learned later:\n\n{said}{parts}".encode(),
        "answer.txt": "".join(f"{part}:\n{honest}" for part in PARTS).encode(),
    }


def indented(lines: list[str]) -> str:
    return "".join(f"  {line}\n" for line in lines)


def parts_of(answer: str) -> dict[str, str]:
    """The three parts of an answer, each below a line with its letter. Raises Usage."""
    pieces = re.split(r"^([ABC]):[ \t]*$", answer, flags=re.M)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if tuple(parts) != PARTS or len(pieces) != 2 * len(PARTS) + 1:
        raise Usage("An answer has three parts, below lines with `A:`, `B:` and `C:`, in this order.")
    return parts


def check(draw: Draw, answer: str) -> AnswerVerdict:
    stack = sealed_stack(draw.key("session key"), "typed", "text")
    for part, text in parts_of(answer).items():
        record = clock.run(deliver(stack, Role.RESPONDER, parse_frames(text)))
        if record.alarms:
            return AnswerVerdict(False, f"{part}: the server noticed. {record.alarms[0]}")
        if record.shown != wanted(draw)[part]:
            return AnswerVerdict(False, f"{part}: the server's user read {record.shown!r}, not what the task says.")
    return AnswerVerdict(True, "Each frame was complete and its tag was right. Only when, where and how often it came was wrong.")


HINTS = (
    "The tag of a frame says nothing about its place. Leave one out, exchange two, add one.",
    "For C: the server shows what opens. With one key for both directions, its own frame opens as well.",
)
EXERCISE = Exercise(
    "Why a tag is not enough",
    "the folder with your answer.txt, or that file",
    make,
    check,
    HINTS,
    answer_file="answer.txt",
)
