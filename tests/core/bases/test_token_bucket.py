"""What a token bucket holds, and how long it takes to be paid for."""

from plytalk.core.bases.token_bucket import TokenBucket


def test_it_holds_a_burst_and_is_refilled_at_its_rate_and_no_further() -> None:
    bucket = TokenBucket(rate=10, burst=30, now=100.0)
    bucket.left -= 25
    bucket.refill(101.0)
    assert (bucket.left, bucket.wait) == (15.0, 0.0)
    bucket.refill(200.0)
    assert bucket.left == 30.0


def test_what_is_below_zero_takes_its_time() -> None:
    bucket = TokenBucket(rate=10, burst=30, now=100.0)
    bucket.left -= 50
    assert (bucket.left, bucket.wait) == (-20.0, 2.0)
    bucket.refill(101.0)
    assert bucket.wait == 1.0
