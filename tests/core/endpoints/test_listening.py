"""What a server says when it listens: every door, in the rows that a first screen has for that."""

from itertools import permutations
from types import SimpleNamespace

import pytest

from plytalk.core.endpoints.listening import COLUMNS, Door, listed, listening_sentences, shortened

KEY = "SHA256:" + "k" * 43


def door(transport: str, address: str, guests: str = "", layers: str = "u16 | plytalk1") -> Door:
    stack = SimpleNamespace(short_line=layers, transport=SimpleNamespace(name=transport, guests=guests))
    return Door(stack, address)  # type: ignore[arg-type]


def test_one_door_names_its_layers_as_far_as_they_fit_into_a_row() -> None:
    for address, layers, end in (
        ("127.0.0.1:7591", "u16 | plytalk1", " with u16 | plytalk1."),
        ("127.0.0.1:7591", "x" * 80, " with tcp."),
        ("h" * 70, "u16", "."),
        ("h" * 100, "u16", "."),
    ):
        assert list(listening_sentences([door("tcp", address, layers=layers)], [], [])) == [f"Listening on {address}{end}"]


def test_the_ports_of_guests_stand_in_place_of_the_layers() -> None:
    doors, guests = [door("tcp", "127.0.0.1:7591")], [door("tcp", "127.0.0.1:1"), door("tcp", "[::1]:2")]
    [said] = listening_sentences(doors, guests, ["demo01", "demo02"])
    assert said == "Listening on 127.0.0.1:7591 (demo01:1, demo02:2)."


def test_the_first_of_several_doors_names_all_and_each_further_one_itself() -> None:
    doors = [door("tcp", "127.0.0.1:7591"), door("unix", "room.sock"), door("ws", "127.0.0.1:8080")]
    guests = [door("ssh", "127.0.0.1:2222", guests="ssh guest"), door("tcp", "127.0.0.1:5000")]
    assert list(listening_sentences(doors, guests, ["ssh", "demo01"])) == [
        "Listening on 127.0.0.1:7591 and by unix, ws and ssh (demo01:5000).",
        "Listening on room.sock with unix | u16 | plytalk1.",
        "Listening on 127.0.0.1:8080 with ws | u16 | plytalk1.",
    ]


@pytest.mark.parametrize("most", range(2, 9))
def test_as_many_doors_as_there_are_take_one_row(most: int) -> None:
    relays = [door("relay", f"{KEY}@relay{number}.example.org:7592") for number in range(most)]
    first, *others = listening_sentences([door("tcp", "127.0.0.1:7591"), *relays], [], [])
    assert first == f"Listening on 127.0.0.1:7591 and by relay ({most})."
    assert [KEY in other for other in others] == [True] * most


KINDS = {
    "tcp": "192.168.178.143:7591",
    "ws": "0.0.0.0:8080",
    "tls": "[2001:db8:1234:5678:9abc:def0:1234:5678]:7443",
    "relay": f"{KEY}@relay.example.org:7592",
    "unix": "/home/somebody/.local/share/plytalk/sockets/of-the-room/room.sock",
    "web": "0.0.0.0:8443",
}


@pytest.mark.parametrize("number", range(2, 7))
def test_doors_of_every_combination_of_kinds_take_one_row_and_all_are_named(number: int) -> None:
    ssh = door("ssh", "127.0.0.1:2222", guests="ssh guest")
    for kinds in permutations(KINDS, number):
        for guests in ([], [ssh]):
            first, *_ = listening_sentences([door(kind, KINDS[kind]) for kind in kinds], guests, ["ssh"] * len(guests))
            assert len(first) <= COLUMNS, first
            assert all(kind in first for kind in [*kinds[1:], *["ssh"] * len(guests)]), first


def test_a_long_address_among_others_keeps_its_ends() -> None:
    assert shortened(f"{KEY}@relay.example.org:7592", 30) == "SHA256:kkk....example.org:7592"
    assert len(shortened(KEY, 30)) == 30
    assert shortened("127.0.0.1:7591", 30) == "127.0.0.1:7591"


def test_lists_are_read_aloud_easily() -> None:
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
