"""Exercise 6: each weakness is found, each mended cipher passes, and what is mended for another label does not."""

import pytest
from solving import mend_cipher

from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.cipher_mending import WEAKNESSES, check, make

SEEDS = {str(draw.one("weakness", WEAKNESSES)): draw for draw in (Draw(6, str(number)) for number in range(40))}


@pytest.mark.parametrize("weakness", [*map(str, WEAKNESSES)])
def test_a_weakness_is_found_and_mended(weakness: str) -> None:
    draw = SEEDS[weakness]
    made = make(draw)
    weak = check(draw, made["cipher.py"].decode())
    assert not weak.right
    assert "is broken" in weak.why or "does not keep its contract" in weak.why
    assert check(draw, mend_cipher(made)).right


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("gives = {Property.SECRECY, Property.INTEGRITY}", "gives = {Property.INTEGRITY}"), "has to promise"),
        (("os.urandom(12)", "bytes(12)"), "`eavesdrop` is broken"),
        (("plaintext, LABEL", "plaintext, b''"), "an honest conversation fails"),
        (("info=LABEL", "info=b''"), "The other side"),
        (("except InvalidTag", "except ZeroDivisionError"), "raised InvalidTag"),
        (("sealed[12:], LABEL)", "sealed[12:], LABEL) + b''[1]"), "raised IndexError"),
        (('fromhex("', 'fromhex("00'), "The other side"),
    ],
)
def test_what_is_mended_badly_is_wrong(change: tuple[str, str], why: str) -> None:
    draw = SEEDS[str(WEAKNESSES[0])]
    mended = mend_cipher(make(draw))
    assert change[0] in mended
    verdict = check(draw, mended.replace(*change))
    assert not verdict.right
    assert why in verdict.why
