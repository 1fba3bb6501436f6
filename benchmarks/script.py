"""What both programs do with a conversation that stands: count, answer, send back. One copy, so that neither gets a better one.

A client is told what to do by lines on standard input and answers each with one number, in seconds:

    send SIZE COUNT     tell the other side how much comes, send COUNT messages of SIZE characters, until it has all of them
    echo SIZE COUNT     send a message and wait until it is back, COUNT times
"""

from collections.abc import Callable

READY, DONE = "ready", "done"
PIECE = 64 * 1024
"""What a chat reads from standard input at once: this many bytes of lines are typed together."""


class Server:
    """Says `ready` to an order, and `done` when all that was announced has come."""

    say: Callable[[str], None]
    characters = echoes = 0

    def message(self, text: str) -> None:
        if self.characters:
            self.characters -= len(text)  # not messages: without boundaries several come as one
            if not self.characters:
                self.say(DONE)
        elif self.echoes:
            self.echoes -= 1
            self.say(text)
        else:
            order, number = text.split(" ")
            if order == "take":
                self.characters = int(number)
            else:
                self.echoes = int(number)
            self.say(READY)


class Client:
    """Sends messages back while there are echoes left, and calls `answered` for every other answer."""

    say: Callable[[str], None]
    answered: Callable[[], None]
    echoes = 0

    def message(self, text: str) -> None:
        if self.echoes > 1:
            self.echoes -= 1
            self.say(text)
        else:
            self.echoes = 0
            self.answered()


def bursts(size: int, count: int) -> list[list[str]]:
    """`count` lines of `size` characters, in pieces as they would come from standard input."""
    line, each = "x" * size, max(1, PIECE // (size + 1))
    return [[line] * min(each, count - sent) for sent in range(0, count, each)]
