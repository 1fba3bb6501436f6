"""Exercise 7: a file counts if a real client with it talks to the server of the card, and to no other, without a question."""

import pytest

from plytalk.lab.attacks import clock
from plytalk.lab.classroom.draws import Draw
from plytalk.lab.classroom.exercises.key_pinning import NAME, check, make, meet, private_keys, public, right

DRAW = Draw(7, "erin")
KEYS = [public(key) for key in private_keys(DRAW)]
RIGHT, WRONG = KEYS[right(DRAW)], KEYS[right(DRAW) - 1]


@pytest.mark.parametrize(
    ("known_hosts", "why"),
    [
        (f"{NAME} {RIGHT}", "knows its server"),
        (f"* {RIGHT}\n# a remark\n", "knows its server"),
        (f"{NAME} {WRONG}\n", "refuses the server of the card"),
        (f"{NAME} {RIGHT}\n{NAME} {WRONG}\n", "which is not the key on the card"),
        ("".join(f"{NAME} {key}\n" for key in KEYS), "which is not the key on the card"),
        ("# empty\n", "had to ask"),
        (f"elsewhere.example {RIGHT}\n", "had to ask"),
        (f"@revoked {NAME} {RIGHT}\n", ""),
        ("nonsense\n", ""),
        (f"{NAME} {str(RIGHT)[:-4]}\n", ""),
    ],
)
def test_what_a_client_does_with_it(known_hosts: str, why: str) -> None:
    verdict = check(DRAW, known_hosts)
    assert verdict.right is ("knows its server" in why)
    assert why in verdict.why


def test_the_servers_are_real_and_show_their_keys() -> None:
    [met] = [clock.run(meet(f"{NAME} {RIGHT}", private_keys(DRAW)[right(DRAW)]))]
    assert met.opened
    assert met.identity.fingerprint == RIGHT.fingerprint


def test_the_card_names_the_server_and_the_file_another() -> None:
    made = make(DRAW)
    assert RIGHT.fingerprint in made["card.txt"].decode()
    assert str(RIGHT) not in made["known_hosts"].decode()
    assert all(str(key) in made["collected.pub"].decode() for key in KEYS)
