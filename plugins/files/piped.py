"""An open stream to send, in place of the path of a file."""


class Piped(str):
    """The name of an open stream, as the receiver sees it. `descriptor` is read to its end, and closed."""

    descriptor: int

    @classmethod
    def of(cls, name: str, descriptor: int) -> "Piped":
        piped = cls(name)
        piped.descriptor = descriptor
        return piped
