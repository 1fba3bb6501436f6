"""What is drawn is the same for one seed and exercise wherever it is drawn, and different for others."""

from plytalk.lab.classroom.draws import Draw
from plytalk.trust.word_list import WORDS


def test_it_is_the_same_everywhere() -> None:
    """Fixed values: a teacher's program must draw what the student's drew, in another version of Python too."""
    draw = Draw(1, "erin")
    assert draw.key("k", 4).hex() == "a8102c78"
    assert draw.words("w", 3) == ["jaguar", "daisy", "crystal"]
    assert [draw.below(str(n), 100) for n in range(5)] == [40, 18, 29, 39, 11]
    assert draw.shuffled("s", "abcdef") == ["f", "e", "c", "d", "a", "b"]


def test_seed_exercise_and_label_all_count() -> None:
    keys = {Draw(number, seed).key(label) for number in (1, 2) for seed in ("a", "ab") for label in ("b", "", "bb")}
    assert len(keys) == 12  # not even where seed and label are the same letters together


def test_a_draw_does_not_depend_on_what_was_drawn_before() -> None:
    one, other = Draw(3, "s"), Draw(3, "s")
    one.words("x", 5)
    assert one.key("y") == other.key("y")


def test_words_are_different_ones_of_the_list_and_numbers_below_their_limit() -> None:
    for seed in map(str, range(50)):
        draw = Draw(1, seed)
        words = draw.words("w", 10)
        assert len(set(words)) == 10
        assert set(words) <= set(WORDS)
        assert 0 <= draw.below("n", 3) < 3
        assert draw.one("o", "xyz") in "xyz"
        assert sorted(draw.shuffled("s", [3, 1, 2])) == [1, 2, 3]
