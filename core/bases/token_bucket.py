"""A token bucket: it limits an average rate, and the size of a burst."""


class TokenBucket:
    """`left` is the number of tokens. It may fall below zero; the caller then waits for `wait` seconds."""

    __slots__ = ("_burst", "_rate", "_refilled", "left")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """`rate` tokens are added each second, up to `burst`; `now` is in seconds."""
        self._rate, self._burst, self._refilled = rate, burst, now
        self.left = float(burst)

    def refill(self, now: float) -> None:
        """Add the tokens for the time since the last call."""
        self.left = min(self.left + (now - self._refilled) * self._rate, self._burst)
        self._refilled = now

    @property
    def wait(self) -> float:
        """How many seconds it takes until `left` is zero; 0 if it is not negative."""
        return max(0.0, -self.left / self._rate)
