"""Which lines may be in the last bytes that went out."""

from plytalk.core.pipeline.pieces import Pieces


def test_lines_are_counted_by_the_pieces_that_they_went_out_in() -> None:
    pieces = Pieces()
    for _ in range(3):
        pieces.append((10, 100))
    assert [pieces.lines_in(size) for size in (0, 1, 100, 101, 300, 1000)] == [0, 10, 10, 20, 30, 30]
