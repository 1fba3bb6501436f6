"""A room on real terminals of 80x24 and 120x40: what people see in it."""

import contextlib
import os
import re
import shlex
import signal
import sys

import pytest
from panes import tmux
from programs import COMMAND, ENVIRONMENT, serve, started
from screens import shown

from plytalk.plugins.chat_screen.attention import RESTORE_TITLE, SAVE_TITLE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")
SIZES = [(80, 24), (120, 40)]
ENTER, CONTROL_C = "\r", "\x03"
TIME = r"\d\d:\d\d "


@pytest.fixture
def home(tmp_path):
    return lambda name: {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / name)}


@pytest.fixture
def server(home):
    with serve("--keep", "--ui", "none", "--backlog", "9", environment=home("server")) as server:
        yield server


@pytest.fixture
def join(server, home):
    """Starts a member's terminal."""

    def start(name, columns=80, rows=24, *options, **more):
        words = ("connect", f"127.0.0.1:{server.port}", "--accept-new", "--name", name, *options)
        environment = {key: value for key, value in home(name).items() if key != "NO_COLOR"} | more
        return shown(*words, environment=environment, columns=columns, rows=rows)

    return start


def seen(screen):
    """The rows, without times."""
    return [re.sub(f"^{TIME}", "", row) for row in screen.rows]


def in_room(screen, name):
    screen.until(f"You are {name} in lobby")
    screen.until(lambda: screen.before_cursor == "[lobby] ")


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_a_room_looks_like_a_room(join, columns, rows):
    with join("alice") as alice:
        in_room(alice, "alice")
        for text in ("the first", "the second"):
            alice.type(text + ENTER)
            alice.until(f"alice: {text}")
        with join("bob", columns, rows) as bob, join("carol") as carol:
            in_room(bob, "bob")
            in_room(carol, "carol")
            bob.until("--- 2 earlier messages ---")
            bob.type(
                "a line of many words that is wrapped between two of them wherever the terminal ends, and not elsewhere" + ENTER
            )
            carol.until("elsewhere")
            carol.type("@bob, and " + "https://example.org/" + "x" * 30 + ENTER)
            bob.until("x" * 30)
            alice.type("/msg bob for you alone" + ENTER)
            bob.until("alice, to you alone: for you alone")
            carol.type("/me waves" + ENTER)
            bob.until("* carol waves")
            written = [row for row in bob.rows if re.match(TIME, row)]
            assert [row for row in seen(bob) if row.startswith(("alice: ", "---"))] == [
                "alice: the first",
                "alice: the second",
                "--- 2 earlier messages ---",
            ]
            assert not any("[bob] is here" in row for row in seen(bob)), "bob knows that he has come"
            assert sum("a line of many words" in row for row in bob.rows) == 1, "an own line is shown once"
            assert any(row.startswith("bob: a line of many words") for row in seen(bob))
            assert "Type Message" not in str(bob)
            assert all(re.match(TIME, row) for row in written)
            if columns == 80:
                second = next(row for row in bob.rows if row.startswith(" " * 11))
                assert second.lstrip() == "terminal ends, and not elsewhere"
            assert b"\x1b[1;7m" in bob.raw, "a mention and a private message are loud"
            assert b"1049" not in bob.raw, "the terminal keeps its scrollback"


def test_colours_follow_keys_and_marks_take_their_place(join):
    with join("alice") as alice, join("bob", NO_COLOR="1") as bob:
        in_room(alice, "alice")
        in_room(bob, "bob")
        bob.type("hello" + ENTER)
        alice.until("bob: hello")
        bob.until(lambda: re.search(r"\d\d:\d\d \S bob: hello", str(bob)) is not None)
        assert re.search(rb"\x1b\[38;5;\d+mbob\x1b\[m: hello", alice.raw)
        assert b"38;5" not in bob.raw


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_tab_pastes_and_control_c(join, columns, rows):
    with contextlib.ExitStack() as ends:
        alice = ends.enter_context(join("alice", columns, rows))
        in_room(alice, "alice")
        bob = ends.enter_context(join("bob"))
        in_room(bob, "bob")
        alice.until("* [bob] is here.")
        alice.type("/ms\tbo\tpsst" + ENTER)
        bob.until("alice, to you alone: psst")
        alice.type("\x1b[200~one\ntwo\nthree\n\x1b[201~")
        alice.until("3 lines: Enter sends them as one message, Ctrl-C drops them.")
        assert "alice: one" not in str(bob)
        alice.type(ENTER)
        bob.until(lambda: seen(bob)[-4:] == ["alice: one", "             two", "             three", "[lobby]"])
        alice.type("half typed" + CONTROL_C)
        alice.until(lambda: alice.before_cursor == "[lobby] ")
        alice.until("Press Ctrl-C again to end the chat.")
        alice.type("whole" + ENTER)
        bob.until("alice: whole")
        alice.type(CONTROL_C * 2)
        assert alice.ended() == 130


def test_bell_and_title_are_options(join):
    with join("alice", 80, 24, "--bell", "--title") as alice, join("bob") as bob:
        in_room(alice, "alice")
        in_room(bob, "bob")
        bob.type("hello" + ENTER + "hey alice" + ENTER)
        alice.until("hey alice")
        bob.until("hey alice")
        alice.until(lambda: b"\x1b]2;(2) lobby\x07\x07" in alice.raw)  # it follows the message
        assert b"\x1b]2;(1) lobby\x07" in alice.raw
        assert alice.raw.count(b"\x07\x07") == 1, "the bell rings for the second message alone"
        alice.type("/quit" + ENTER)
        assert alice.ended() == 0
        assert b"\x1b[23;2t" in alice.raw, "the title is given back"
        assert b"\x1b]2;" not in bob.raw


@pytest.mark.parametrize("end", ["C-c", "C-d", "TERM"])
def test_tmux_has_its_title_and_its_bell_until_the_end(server, home, tmp_path, join, end):
    """With a real terminal program: what it gets, and that it has its own title again however the chat ends."""
    words = shlex.join(
        [*COMMAND, "connect", f"127.0.0.1:{server.port}", "--accept-new", "--name", "alice", "--title", "--bell", "--notify"]
    )
    pid = tmp_path / "pid"
    script = f"sh -c 'read start; echo $$ > {pid}; exec {words}'; echo over; sleep 60"

    with tmux(tmp_path, script, 80, 24, environment=home("alice")) as pane:
        pane.ask("select-pane", "-T", "mine")
        pane.press("Enter")
        pane.until_variable("pane_title", "lobby")
        with join("bob") as bob:  # who comes before alice is in the room would be told to her as a message
            in_room(bob, "bob")
            bob.type("hello" + ENTER)
            pane.until_variable("pane_title", "(1) lobby")
            assert pane.variable("window_bell_flag") == "0"
            bob.type("hey alice" + ENTER)
            pane.until_variable("pane_title", "(2) lobby")
            pane.until_variable("window_bell_flag", "1")
            pane.type("a")
            pane.until_variable("pane_title", "lobby")
            if end == "TERM":
                os.kill(int(pid.read_text()), signal.SIGTERM)
            else:
                pane.press("C-c", end)  # one more would end the shell too, where it came late
            pane.until_variable("pane_title", "mine")
            pane.until("over")


def test_the_shell_has_its_title_while_the_chat_is_suspended(server, home, tmp_path):
    words = shlex.join([*COMMAND, "connect", f"127.0.0.1:{server.port}", "--accept-new", "--name", "alice", "--title"])
    with tmux(tmp_path, "sh -i", 80, 24, environment=home("alice")) as pane:
        pane.ask("select-pane", "-T", "mine")
        pane.type(words)
        pane.press("Enter")
        pane.until_variable("pane_title", "lobby")
        pane.press("C-z")
        pane.until_variable("pane_title", "mine")
        pane.type("fg")
        pane.press("Enter")
        pane.until_variable("pane_title", "lobby")
        pane.press("C-d")
        pane.until_variable("pane_title", "mine")


def test_the_chat_keeps_its_title_and_its_line_where_no_shell_could_continue_it(join):
    """As after `xterm -e chat` or `ssh -t HOST chat`: the system drops Ctrl-Z, and sends no SIGCONT."""
    with join("alice", 80, 24, "--title") as alice:
        in_room(alice, "alice")
        for saved in (2, 3):
            alice.type("\x1a")
            alice.until(lambda saved=saved: alice.raw.count(SAVE_TITLE.encode()) == saved)
            assert alice.raw.count(RESTORE_TITLE.encode()) == saved - 1
            alice.until(lambda: alice.raw.rpartition(SAVE_TITLE.encode())[2].startswith(b"\x1b]2;lobby\a"))
        for number in (signal.SIGSTOP, signal.SIGCONT):
            drawn = len(alice.raw)
            os.kill(alice.process.pid, number)
        alice.until(lambda: b"[lobby]" in alice.raw[drawn:])
        alice.type("still here" + ENTER)
        alice.until("alice: still here")


def test_off_a_terminal_nobody_is_called(server, home, join):
    """With what is shown going into a pipe, neither it nor standard error has an escape sequence or a bell."""
    words = ("connect", f"127.0.0.1:{server.port}", "--accept-new", "--name", "alice", "--title", "--bell", "--notify")
    with started(*words, environment=home("alice")) as alice, join("bob") as bob:
        in_room(bob, "bob")
        bob.type("hey alice" + ENTER)
        shown = [alice.hear()]
        while "hey alice" not in shown[-1]:
            shown.append(alice.hear())
        alice.end_input()
        assert alice.status() == 0
    assert not {"\x1b", "\a"} & set("".join([*shown, *alice.told]))


def test_those_who_chose_it_see_who_types_and_who_has_read_and_the_others_see_nothing(join):
    both = ("--typing", "--receipts")
    with contextlib.ExitStack() as ends:
        alice = ends.enter_context(join("alice", 80, 24, *both))
        in_room(alice, "alice")
        bob = ends.enter_context(join("bob", 80, 24, *both))
        in_room(bob, "bob")
        carol = ends.enter_context(join("carol"))
        in_room(carol, "carol")
        bob.type("hel")
        alice.until(lambda: alice.rows[-2:] == ["bob is typing", "[lobby]"])
        bob.type("lo" + ENTER)
        alice.until("bob: hello")
        alice.until(lambda: "typing" not in str(alice))
        carol.type("half a line" + CONTROL_C)
        alice.type("h")
        bob.until(lambda: bob.rows[-2] == "alice is typing · read by alice")
        alice.type(CONTROL_C)
        bob.until(lambda: bob.rows[-2] == "read by alice")
        carol.type("I see nothing" + ENTER)
        for each in (alice, bob, carol):
            each.until("carol: I see nothing")
        assert b"typing" not in carol.raw
        assert b"read by" not in carol.raw
        assert b"carol is typing" not in alice.raw + bob.raw


def test_what_a_member_says_can_be_hidden(join):
    with contextlib.ExitStack() as ends:
        alice = ends.enter_context(join("alice"))
        in_room(alice, "alice")
        bob = ends.enter_context(join("bob"))
        in_room(bob, "bob")
        alice.until("* [bob] is here.")
        alice.type("/ignore bob" + ENTER)
        alice.until("What bob says is hidden")
        bob.type("spam" + ENTER)
        bob.until("bob: spam")
        alice.type("/ignore bob" + ENTER)
        alice.until("bob is no longer ignored.")
        bob.type("sorry" + ENTER)
        alice.until("bob: sorry")
        assert "spam" not in str(alice)


def test_a_line_typed_during_a_cut_is_shown_once_and_marked_until_it_is_sent(home):
    where = ("--accept-new", "--reconnect", "--name", "alice")
    with (
        serve("--keep", "--ui", "none", environment=home("server")) as server,
        shown("connect", f"127.0.0.1:{server.port}", *where, environment=home("alice"), columns=80, rows=24) as alice,
    ):
        in_room(alice, "alice")
        server.process.kill()
        alice.until("You are not connected")
        alice.type("during the cut" + ENTER)
        alice.until("alice: during the cut (not sent)")
        with serve("--keep", "--ui", "none", "--port", str(server.port), environment=home("server")):
            alice.until(lambda: any(row == "alice: during the cut" for row in seen(alice)))
            alice.until(lambda: "(not sent)" not in str(alice))
            assert sum("during the cut" in row for row in alice.rows) == 1
