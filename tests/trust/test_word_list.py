from hashlib import sha256
from itertools import combinations

from plytalk.trust.word_list import WORDS, spoken


def test_there_is_a_word_for_each_byte() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert spoken(bytes(range(256))) == WORDS
    assert spoken(b"") == ()


def test_words_are_short_and_lower_case() -> None:
    assert [word for word in WORDS if not (word.isascii() and word.isalpha() and word.islower() and 3 <= len(word) <= 8)] == []


def test_four_letters_tell_a_word() -> None:
    assert len({word[:4] for word in WORDS}) == 256


def test_two_typing_errors_make_no_other_word() -> None:
    assert [pair for pair in combinations(WORDS, 2) if edits(*pair) < 3] == []


def test_the_list_is_the_one_of_all_others_who_speak_plytalk1() -> None:
    """Another list would make honest people's words differ."""
    assert sha256(" ".join(WORDS).encode()).hexdigest() == "3b7905206edae19367773b91e562cb2c1bb231f7fbdfd059e602c3649ee25a20"


def edits(one: str, other: str) -> int:
    """How many letters must be put in, left out or changed to make one word of the other (Levenshtein)."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        above, row = row, [at]
        for place, there in enumerate(other):
            row.append(min(row[-1] + 1, above[place + 1] + 1, above[place] + (letter != there)))
    return row[-1]
