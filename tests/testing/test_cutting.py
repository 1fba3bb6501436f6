"""However bytes are cut, they are all there and in order."""

from hypothesis import given
from hypothesis import strategies as st

from plytalk.testing.cutting import byte_by_byte, cuts, flipped, places, randomly, whole


@given(st.binary(max_size=3000), st.integers(0, 100))
def test_nothing_is_lost_between_the_pieces(data: bytes, seed: int) -> None:
    for cut in (whole, byte_by_byte, randomly(seed)):
        assert b"".join(cut(data)) == data
    assert byte_by_byte(data) == [bytes([byte]) for byte in data]


def test_short_data_is_cut_at_every_place() -> None:
    found = list(cuts(b"abcd", seeds=2))
    assert all(b"".join(pieces) == b"abcd" for pieces in found)
    for pieces in ([b"abcd"], [b"a", b"bcd"], [b"ab", b"cd"], [b"abc", b"d"], [b"a", b"b", b"c", b"d"]):
        assert pieces in found


def test_the_same_seed_cuts_alike() -> None:
    data = bytes(5000)
    assert randomly(7)(data) == randomly(7)(data) != randomly(8)(data)


def test_places_are_spread_from_end_to_end() -> None:
    assert places(3, 5) == [0, 1, 2]
    assert places(0, 5) == []
    assert places(100, 5) == [0, 25, 50, 74, 99]


def test_one_bit_flips() -> None:
    assert flipped(b"\x00\x00", 9) == b"\x00\x02"
    assert flipped(flipped(b"words", 13), 13) == b"words"
