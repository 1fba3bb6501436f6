"""A stream that is open already, in place of the path of a file to send."""


class Piped(str):
    """What a stream that was opened is called at the receiver; `descriptor` is read from and closed."""

    descriptor: int

    @classmethod
    def of(cls, name: str, descriptor: int) -> "Piped":
        piped = cls(name)
        piped.descriptor = descriptor
        return piped
