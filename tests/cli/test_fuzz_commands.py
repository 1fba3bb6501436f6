"""`chat lab fuzz` and `chat lab compare`, as their user runs them."""

import json
import resource

from programs import chat, complaint

from plytalk.cli.fuzz_commands import counted, limited_memory, until


def test_a_sound_handshake_has_no_fault() -> None:
    run = chat("lab", "fuzz", "plytalk1", "--seconds", "1")
    assert run.returncode == 0
    assert run.stdout.startswith("No fault found in ")
    assert "lines of plytalk1 ran." in run.stdout


def test_what_is_found_ends_with_1_and_says_after_which_change() -> None:
    run = chat("lab", "fuzz", "rsa", "--first", "--json")
    assert run.returncode == 1
    found = json.loads(run.stdout)
    assert found["handshake"] == "rsa"
    assert [one["sentence"].partition(":")[0] for one in found["findings"]] == ["A changed message is taken for the original"]
    assert found["findings"][0]["change"].startswith("message 1 of the server: ")


def test_an_unknown_handshake_is_named() -> None:
    run = chat("lab", "fuzz", "nope")
    assert run.returncode == 2
    assert "There is no handshake called `nope`" in complaint(run)


def test_two_protocols_are_not_compared() -> None:
    run = chat("lab", "compare", "rsa", "plytalk1", "--seconds", "1")
    assert run.returncode == 2
    assert "Compare two implementations of one protocol." in complaint(run)


def test_a_handshake_is_not_compared_with_itself() -> None:
    run = chat("lab", "compare", "rsa", "rsa")
    assert run.returncode == 2
    assert "Both names are the same handshake" in complaint(run)


def test_numbers_are_said_as_people_say_them() -> None:
    assert [counted(number, "fault") for number in range(3)] == ["No fault", "1 fault", "2 faults"]


def test_memory_is_limited_meanwhile_and_not_afterwards() -> None:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with limited_memory():
        assert resource.getrlimit(resource.RLIMIT_AS) != before
    assert resource.getrlimit(resource.RLIMIT_AS) == before


def test_it_goes_on_for_as_long_as_it_was_told() -> None:
    assert until(3600, lambda: "")(None)
    assert not until(0, lambda: "")(None)
