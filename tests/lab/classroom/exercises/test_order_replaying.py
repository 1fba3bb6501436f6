"""Exercise 4: frames count if a real server reads that one order twice, and nothing else more than once."""

from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.order_replaying import check, make, orders, target

DRAW = Draw(4, "erin")


def frames() -> dict[str, str]:
    lines = [line.split() for line in make(DRAW)["capture.txt"].decode().splitlines() if not line.startswith("#")]
    return {order: digits for order, (_, digits) in zip(orders(DRAW), lines, strict=True)}


def test_only_the_frame_of_that_order_counts_and_only_once() -> None:
    captured = frames()
    right = captured[target(DRAW)]
    assert check(DRAW, right).right
    others = [digits for order, digits in captured.items() if order != target(DRAW)]
    for wrong in (*others, f"{right}\n{right}", f"{right}\n{others[0]}", "# nothing", right[:-2]):
        assert not check(DRAW, wrong).right


def test_a_changed_frame_is_noticed() -> None:
    right = frames()[target(DRAW)]
    flipped = right[:-1] + ("0" if right[-1] != "0" else "1")
    assert "The server noticed" in check(DRAW, flipped).why


def test_the_lengths_of_the_orders_tell_them_apart() -> None:
    for seed in map(str, range(200)):
        assert len({len(order) for order in orders(Draw(4, seed))}) == 5
