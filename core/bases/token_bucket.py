"""A token bucket: how much may be done in the long run, and how much at once."""


class TokenBucket:
    """`left` may fall below zero: what is done then is paid for by waiting."""

    __slots__ = ("_burst", "_rate", "_refilled", "left")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """`rate` tokens a second, and `burst` at most; `now` is in seconds."""
        self._rate, self._burst, self._refilled = rate, burst, now
        self.left = float(burst)

    def refill(self, now: float) -> None:
        """Add what the time since the last call is worth."""
        self.left = min(self.left + (now - self._refilled) * self._rate, self._burst)
        self._refilled = now

    @property
    def wait(self) -> float:
        """In how many seconds it is no longer below zero."""
        return max(0.0, -self.left / self._rate)
