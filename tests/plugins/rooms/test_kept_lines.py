"""What is kept of what a client has said: all of it for a server with rooms, and a bounded number for any other."""

from plytalk.plugins.rooms.kept_lines import MAX_KEPT, KeptLines


def test_for_a_server_that_has_not_said_welcome_no_more_is_kept_than_a_bound() -> None:
    lines = KeptLines()
    for _ in range(MAX_KEPT + 2):
        lines.add("x")
    assert len(lines) == MAX_KEPT
    lines.welcome()
    lines.add("x")
    assert len(lines) == MAX_KEPT + 1
    lines.begin_connection()
    lines.add("x")
    assert len(lines) == MAX_KEPT + 1


def test_what_was_said_earlier_is_what_an_acknowledgement_has_left_of_it() -> None:
    lines = KeptLines()
    for line in ("one", "two", "three"):
        lines.add(line)
    assert lines.said_earlier() == ()
    lines.begin_connection()
    lines.add("four")
    lines.acknowledge(1)
    assert (lines.said_earlier(), lines.taken, len(lines)) == (("two", "three"), 1, 3)
    lines.drop_earlier(7)
    assert (lines.said_earlier(), lines.taken, len(lines)) == ((), 7, 1)
    lines.acknowledge(9)
    assert (lines.taken, len(lines)) == (8, 0)


def test_only_what_others_see_is_awaited_as_an_event() -> None:
    lines = KeptLines()
    for line in ("words", "", " \t", "/who", "//not a command"):
        lines.add(line)
    lines.acknowledge(5)
    assert lines.unshown == 2
