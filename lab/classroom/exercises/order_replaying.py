"""Exercise 4: replay an order. The answer is captured frames; a real server that receives them must count one order twice."""

from collections import Counter

from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.lab.classroom.deliveries import FrameWriter, deliver, listed, parse_frames, sealed_stack
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.task import AnswerVerdict, Exercise, Files

ORDERS = 5


def orders(draw: Draw) -> list[str]:
    """Orders of different lengths: that is all that can be told of a sealed one."""
    names = draw.words("names", ORDERS)
    lines = [f"Pay {10 + draw.below(name, 80)} to {name}{' and tell nobody' * number}." for number, name in enumerate(names)]
    return draw.shuffled("orders", lines)


def target(draw: Draw) -> str:
    return draw.one("target", orders(draw))


def make(draw: Draw) -> Files:
    writer = FrameWriter(sealed_stack(draw.key("session key"), "length", "trimmed"), Role.INITIATOR, draw.key("session key"))
    lines = orders(draw)
    frames = [(f"c{number}", writer.frame(line)) for number, line in enumerate(lines, 1)]
    told = "".join(f"{line}\n" for line in draw.shuffled("told", lines))
    given = f"The client gave these orders, in another sequence:\n\n{told}"
    task = f"{given}\nMake the server read this one twice:\n\n{target(draw)}\n"
    # The first frame that is not the one: untouched, the file is a wrong answer.
    wrong = next(frame for frame, line in zip(frames, lines, strict=True) if line != target(draw))
    return {
        "capture.txt": listed(frames, "What the client sent, sealed, one frame on each line."),
        "task.txt": task.encode(),
        "answer.txt": listed([wrong], "What you send to the server when the client has finished. Is it this frame?"),
    }


def check(draw: Draw, answer: str) -> AnswerVerdict:
    key = draw.key("session key")
    stack = sealed_stack(key, "length", "trimmed")
    writer = FrameWriter(stack, Role.INITIATOR, key)
    record = clock.run(deliver(stack, Role.RESPONDER, [*map(writer.frame, orders(draw)), *parse_frames(answer)]))
    if record.alarms:
        return AnswerVerdict(False, f"The server noticed: {record.alarms[0]}")
    more = Counter(record.shown) - Counter(orders(draw))
    if record.shown[:ORDERS] == orders(draw) and more == Counter([target(draw)]):
        return AnswerVerdict(True, "The server obeyed twice, and you had no key. If both ends count messages, a copy is refused.")
    return AnswerVerdict(False, f"What the server read once too often is {[*more.elements()]!r}, not {target(draw)!r} alone.")


HINTS = (
    "AES-GCM does not change the length of a text. What else is in a frame, and how many bytes is that?",
    "A frame is 4 bytes of length, 12 of nonce, the text, and 16 of tag: 32 bytes more than the order.",
)
EXERCISE = Exercise(
    "Replay an order", "the folder with your frames in answer.txt, or that file", make, check, HINTS, answer_file="answer.txt"
)
