"""A stream that is open already, in place of the path of a file to send."""


class Piped(str):
    """An open stream to send. The receiver sees the name; `descriptor` is read from and closed."""

    descriptor: int

    @classmethod
    def of(cls, name: str, descriptor: int) -> "Piped":
        piped = cls(name)
        piped.descriptor = descriptor
        return piped
