from plytalk.lab.vectors.seeded_draws import SeededDraws


def test_the_same_seed_gives_the_same_bytes_and_any_other_gives_others() -> None:
    def two(*made: object) -> tuple[bytes, bytes]:
        draws = SeededDraws(*made)  # type: ignore[arg-type]
        return draws("static", 32), draws("static", 32)

    assert two(7, 0, "init") == two(7, 0, "init")
    everything = {*two(7, 0, "init"), *two(8, 0, "init"), *two(7, 1, "init"), *two(7, 0, "resp")}
    assert len(everything) == 8
    assert {len(value) for value in everything} == {32}


def test_what_was_drawn_is_written_down_by_its_purpose() -> None:
    draws = SeededDraws(1, 0, "init")
    first, second = draws("static", 4), draws("psk", 2)
    assert draws.drawn == {"static": [first.hex()], "psk": [second.hex()]}
