"""The console on a real terminal: what a person sees."""

import contextlib
import os
import re
import shlex
import signal
import sys

import pytest
from panes import tmux
from peers import demo01, demo02, secure_chat, start
from programs import COMMAND, ENVIRONMENT, serve
from screens import Screen, shown, shown_by_a_shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")
SECURE_CHAT = ("--profile", "secure-chat")
LEFT, RIGHT, HOME, CONTROL_C, CONTROL_D, ENTER = "\x1b[D", "\x1b[C", "\x01", "\x03", "\x04", "\r"


@contextlib.contextmanager
def talking(**size):
    """Our client on a terminal, and the server of secure-chat as its peer: (screen, peer)."""
    with (
        start("secure_chat", "server") as peer,
        shown("connect", f"127.0.0.1:{peer.port}", *SECURE_CHAT, **size) as screen,
    ):
        screen.until(lambda: screen.before_cursor == "Type Message: ")
        yield screen, peer


def half_type(screen, prompt="Type Message: "):
    screen.type("half typed")
    screen.until(lambda: screen.before_cursor == f"{prompt}half typed")


@pytest.mark.parametrize("chat", [demo01, demo02, secure_chat], ids=lambda chat: chat.__name__.rpartition(".")[2])
def test_a_profile_looks_like_the_program_that_it_reproduces(chat):
    name = chat.__name__.rpartition(".")[2]
    profile = ("--profile", name.replace("_", "-"))
    with start(name, "server") as peer, shown("connect", f"127.0.0.1:{peer.port}", *profile) as screen:
        screen.until(lambda: screen.before_cursor == chat.PROMPT)
        screen.type("hello" + ENTER)
        assert peer.hear() == f"{chat.RECEIVED}hello"
        peer.say("hello to you")
        screen.until(f"{chat.RECEIVED}hello to you")
        screen.type("exit" + ENTER)
        assert screen.ended() == 0
        assert screen.rows[-4:-1] == [f"{chat.PROMPT}hello", f"{chat.RECEIVED}hello to you", f"{chat.PROMPT}exit"]


def test_a_conversation():
    with talking() as (screen, peer):
        screen.until("typed | rsa | aesgcm | text. Type exit to end.")
        screen.type("hello" + ENTER)
        assert peer.hear() == "Message Received: hello"
        peer.say("hello to you")
        screen.until("Message Received: hello to you")
        screen.type("  Exit " + ENTER)
        assert screen.ended() == 0
        assert screen.rows[-4:] == [
            "Type Message: hello",
            "Message Received: hello to you",
            "Type Message:   Exit",
            "You said exit.",
        ]
        assert peer.status() == 0


def test_a_half_typed_line_stands_below_what_arrives():
    with talking() as (screen, peer):
        half_type(screen)
        for line in ("one", "two"):
            peer.say(line)
            screen.until(f"Message Received: {line}")
            screen.until(lambda: screen.before_cursor == "Type Message: half typed")
        assert screen.rows[-3:] == ["Message Received: one", "Message Received: two", "Type Message: half typed"]
        screen.type(" and whole" + ENTER)
        assert peer.hear() == "Message Received: half typed and whole"


def test_the_cursor_stays_where_it_was_within_the_line():
    with talking() as (screen, peer):
        screen.type("half typed" + LEFT * 3)
        screen.until(lambda: screen.before_cursor == "Type Message: half ty")
        peer.say("arriving")
        screen.until("Message Received: arriving")
        screen.until(lambda: screen.before_cursor == "Type Message: half ty")
        screen.type("X")
        screen.until(lambda: screen.before_cursor == "Type Message: half tyX")
        assert screen.rows[-2:] == ["Message Received: arriving", "Type Message: half tyXped"]
        screen.type(ENTER)
        assert peer.hear() == "Message Received: half tyXped"


@pytest.mark.parametrize("length", [26, 100])
def test_a_line_longer_than_the_screen_is_wide(length):
    typed = ("abcdefghij" * 10)[:length]
    whole = "Type Message: " + typed
    folded = [whole[at : at + 40] for at in range(0, len(whole), 40)]
    with talking(columns=40) as (screen, peer):
        screen.type(typed)
        screen.until(lambda: screen.rows[-len(folded) :] == folded)
        peer.say("arriving")
        screen.until("Message Received: arriving")
        screen.until(lambda: screen.rows[-len(folded) - 1 :] == ["Message Received: arriving", *folded])
        peer.say("and again")
        screen.until("Message Received: and again")
        screen.until(
            lambda: screen.rows[-len(folded) - 2 :] == ["Message Received: arriving", "Message Received: and again", *folded]
        )
        screen.type(HOME + "X" + ENTER)
        assert peer.hear() == f"Message Received: X{typed}"


def test_wide_characters_in_a_half_typed_line():
    of_another_terminal = ENVIRONMENT | {"COLUMNS": "200", "LINES": "10"}
    with talking(columns=41, environment=of_another_terminal) as (screen, peer):
        screen.type("你好" * 15 + LEFT)
        screen.until(lambda: screen.before_cursor == "好" + "你好" * 7 + "你")
        peer.say("再见")
        screen.until("Message Received: 再见")
        screen.until(lambda: screen.before_cursor == "好" + "你好" * 7 + "你")
        screen.type("!" + ENTER)
        assert peer.hear() == "Message Received: " + "你好" * 14 + "你!好"


def test_many_lines_at_once_leave_the_half_typed_one_whole():
    with talking(rows=150) as (screen, peer):
        half_type(screen)
        for number in range(100):
            peer.say(f"line {number}")
        screen.until(lambda: screen.rows[-2:] == ["Message Received: line 99", "Type Message: half typed"])
        assert screen.rows[-101:-1] == [f"Message Received: line {number}" for number in range(100)]


def test_escape_sequences_of_a_peer_do_nothing():
    with talking() as (screen, peer):
        before = screen.rows
        peer.say("\x1b[2J\x1b[H\x1b]0;title\x07\x9b31mred\r overwritten\x1b[6n")
        peer.say("after")
        screen.until("Message Received: after")
        screen.until(lambda: screen.before_cursor == "Type Message: ")
        assert screen.rows[: len(before) - 1] == before[:-1]
        assert screen.rows[-3:] == [
            r"Message Received: ␛[2J␛[H␛]0;title␇\x9b31mred␍ overwritten␛[6n",
            "Message Received: after",
            "Type Message:",
        ]


# Whatever is typed, and whatever the terminal is

THAI = "สวัสดีครับ วันนี้อากาศดีมาก ที่นี่"
EMOJI = "\u2764\ufe0f 1\ufe0f\u20e3 \U0001f468\u200d\U0001f469\u200d\U0001f467 x"


@pytest.mark.parametrize(
    "typed", ["e\u0301" * 30 + "x", "\U0001f1e9\U0001f1ea\U0001f44d\U0001f3fd" * 6 + "x", "\u4f60" * 20 + "x"]
)
def test_nothing_above_a_half_typed_line_is_erased(typed):
    with talking(columns=40) as (screen, peer):
        screen.type(typed)
        before = screen.rows
        for line in ("one", "two", "three"):
            peer.say(line)
            screen.until(f"Message Received: {line}")
        screen.until(lambda: screen.before_cursor.endswith(typed[-1]))
        said = [row for row in screen.rows if row.startswith("Message Received: ")]
        assert said == [f"Message Received: {line}" for line in ("one", "two", "three")]
        assert sum("Type Message: " in row for row in screen.rows) == 1
        assert screen.rows[0] == before[0]
        screen.type(LEFT + "Y" + ENTER)
        assert peer.hear() == f"Message Received: {typed[:-1]}Y{typed[-1]}"


@pytest.mark.parametrize("encoding", [{"PYTHONIOENCODING": "ascii"}, {}, {"PYTHONCOERCECLOCALE": "0"}])
def test_characters_that_the_terminal_cannot_show_end_nothing(encoding):
    environment = ENVIRONMENT | {"LC_ALL": "C", "PYTHONUTF8": "0"} | encoding
    with talking(environment=environment) as (screen, peer):
        screen.type("h\u00e9llo")
        screen.until(lambda: screen.before_cursor.endswith("llo"))
        peer.say("gr\u00fc\u00dfe \u4e16\u754c \U0001f44b")
        screen.until("Message Received: gr")
        screen.until(lambda: screen.before_cursor.endswith("llo"))
        screen.type(" there" + ENTER)
        assert peer.hear() == "Message Received: h\u00e9llo there"
        screen.type("exit" + ENTER)
        assert screen.ended() == 0


@pytest.mark.parametrize("term", ["dumb", "", "unknown"])
def test_a_dumb_terminal_gets_plain_text(term):
    with talking(term=term) as (screen, peer):
        peer.say("hello")
        screen.until("Message Received: hello")
        screen.type("half ty")
        screen.until("half ty")
        peer.say("again")
        screen.until("Message Received: again")
        screen.type("ped" + ENTER)
        assert peer.hear() == "Message Received: half typed"
        screen.type(CONTROL_D)
        assert screen.ended() == 0
        assert b"\x1b" not in screen.raw


def test_every_key_lands_in_the_line_while_messages_arrive_as_fast_as_they_can():
    typed = "the quick brown fox jumps over the lazy dog"
    with talking(rows=40) as (screen, peer):
        for number, key in enumerate(typed):
            for line in range(50):
                peer.say(f"line {50 * number + line}")
            screen.type(key)
        last = f"Message Received: line {50 * len(typed) - 1}"
        screen.until(lambda: screen.rows[-2:] == [last, f"Type Message: {typed}"])
        assert [row for row in screen.rows if "Type Message:" in row] == [f"Type Message: {typed}"]
        screen.type(ENTER)
        assert peer.hear() == f"Message Received: {typed}"


def test_a_broken_prompt_toolkit_leaves_plain_lines():
    broken = "import sys; sys.modules['prompt_toolkit'] = None; from plytalk.cli.main import main; main()"
    with (
        start("secure_chat", "server") as peer,
        shown("connect", f"127.0.0.1:{peer.port}", *SECURE_CHAT, command=(sys.executable, "-c", broken), columns=200) as screen,
    ):
        screen.until("lines are read plainly from now on")
        screen.until(lambda: screen.before_cursor == "Type Message: ")
        screen.type("still here" + ENTER)
        assert peer.hear() == "Message Received: still here"
        peer.say("exit")
        assert screen.ended() == 0


# How it ends, and what it leaves behind


def settings(screen):
    """How the terminal was set before and after, as `stty -g` has it."""
    return [next(row for row in screen.rows if row.startswith(word)).partition(": ")[2] for word in ("before", "after")]


def speak_and_die(screen, peer):
    peer.say("last words")
    screen.until("Message Received: last words")
    peer.process.kill()


ENDS = {
    "exit": (lambda screen, peer: screen.type("exit" + ENTER), 0, "You said exit."),
    "Control-D": (lambda screen, peer: screen.type(CONTROL_D), 0, "You said exit."),
    "Control-C twice": (lambda screen, peer: screen.type(CONTROL_C * 2), 130, "chat: Interrupted."),
    "Control-C twice in a line": (
        lambda screen, peer: (half_type(screen), screen.type(CONTROL_C * 2)),
        130,
        "chat: Interrupted.",
    ),
    "the peer's exit": (lambda screen, peer: (half_type(screen), peer.say("exit")), 0, "The other side said exit."),
    "the peer's end": (speak_and_die, 0, "The other side closed the connection without saying exit."),
    "SIGTERM": (lambda screen, peer: os.kill(child_of(screen), signal.SIGTERM), 130, "chat: Interrupted."),
}


def child_of(screen):
    with open(f"/proc/{screen.process.pid}/task/{screen.process.pid}/children") as children:
        return int(children.read().split()[0])


@pytest.mark.parametrize("end", ENDS)
def test_however_it_ends_the_terminal_is_as_before(end):
    if end == "SIGTERM" and not os.path.exists("/proc/self/task"):
        pytest.skip("finds its program in /proc, which Linux has")
    does, status, sentence = ENDS[end]
    with (
        start("secure_chat", "server") as peer,
        shown_by_a_shell("connect", f"127.0.0.1:{peer.port}", *SECURE_CHAT) as screen,
    ):
        screen.until(lambda: screen.before_cursor == "Type Message: ")
        does(screen, peer)
        screen.ended()
        assert screen.rows[-3:-1] == [sentence, f"status: {status}"]
        before, after = settings(screen)
        assert before == after
        switched = re.findall(
            rb"\x1b\[\?(\d+)([hl])", screen.raw
        )  # modes of the terminal itself: on again what was on, off what was off
        assert dict(switched).get(b"2004", b"l") == b"l"
        assert dict(switched).get(b"25", b"h") == b"h"
        assert peer.status() == (0 if end != "the peer's end" else -signal.SIGKILL)


def test_control_d_within_a_line_ends_nothing():
    with talking() as (screen, peer):
        screen.type("half typed" + CONTROL_D + ENTER)
        assert peer.hear() == "Message Received: half typed"


# Cuts


@pytest.fixture
def home(tmp_path):
    return lambda name: {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / name)}


AWAY = "You are not connected: trying again. What you type now is sent when you are back."


def test_lines_typed_while_there_is_no_connection_are_said_in_order_when_there_is_one(home):
    with serve("--keep", "--ui", "none", environment=home("server")) as server:
        where = ("connect", f"127.0.0.1:{server.port}", "--accept-new", "--reconnect", "--name", "alice")
        with shown(*where, environment=home("client")) as screen:
            screen.until("You are alice in lobby")
            server.process.kill()
            screen.until(AWAY)
            for line in ("one", "two"):
                screen.type(line + ENTER)
                screen.until(lambda line=line: any(row.endswith(f"alice: {line} (not sent)") for row in screen.rows))
            half_type(screen, "[lobby] ")
            with serve("--keep", "--ui", "none", "--backlog", "9", "--port", str(server.port), environment=home("server")):
                screen.until(
                    lambda: screen.rows.count("You are alice in lobby, with nobody else. /help lists what you can do.") == 2
                )
                screen.until(lambda: screen.before_cursor == "[lobby] half typed")
                with shown(*where, "--name", "bob", environment=home("other")) as other:
                    other.until("alice: two")
                    lines = [row for row in other.rows if "alice: " in row]
                    assert [line.rpartition(" ")[2] for line in lines] == ["one", "two"]


def test_exit_ends_it_at_once_while_there_is_no_connection_and_nothing_to_say(home):
    with serve("--keep", "--ui", "none", environment=home("server")) as server:
        where = ("connect", f"127.0.0.1:{server.port}", "--accept-new", "--reconnect", "--name", "alice")
        with shown(*where, environment=home("client")) as screen:
            screen.until("You are alice in lobby")
            server.process.kill()
            screen.until(AWAY)
            screen.type("exit" + ENTER)
            assert screen.ended() == 0
            assert screen.rows[-1] == "You said exit."


def test_a_half_typed_line_is_there_again_when_the_connection_is(home):
    with serve("--keep", "--ui", "none", environment=home("server")) as server:
        where = ("connect", f"127.0.0.1:{server.port}", "--accept-new", "--reconnect", "--name", "alice")
        with shown(*where, environment=home("client")) as screen:
            screen.until("You are alice in lobby")
            half_type(screen, "[lobby] ")
            server.process.kill()
            screen.until(AWAY)
            with serve("--keep", "--ui", "none", "--port", str(server.port), environment=home("server")) as again:
                assert again.port == server.port
                screen.until(lambda: screen.before_cursor == "[lobby] half typed")
                with shown(*where, "--name", "bob", environment=home("other")) as other:
                    other.until("alice")  # she may be back before or after
                    screen.type(" and said" + ENTER)
                    other.until("half typed and said")


# Servers


def port_of(screen):
    return int(re.search(r"Listening on 127\.0\.0\.1:(\d+) with", " ".join(screen.rows))[1])


def test_lines_typed_before_anybody_is_there_wait():
    with shown("serve", "--port", "0", *SECURE_CHAT) as screen:
        screen.until("Listening on ")
        screen.type("typed ahead" + ENTER + "twice" + ENTER)
        screen.until("twice")
        with start("secure_chat", "client", port_of(screen)) as peer:
            assert [peer.hear(), peer.hear()] == ["Message Received: typed ahead", "Message Received: twice"]
            screen.until(lambda: screen.before_cursor == "Type Message: ")


def test_a_server_that_keeps_on_prompts_everyone_anew():
    with shown("serve", "--port", "0", "--keep", *SECURE_CHAT) as screen:
        screen.until("Listening on ")
        for name in ("first", "second"):
            with start("secure_chat", "client", port_of(screen)) as peer:
                screen.until(lambda: screen.before_cursor == "Type Message: ")
                peer.say(f"I am {name}")
                screen.until(f"Message Received: I am {name}")
                screen.type(f"hello {name}" + ENTER)
                assert peer.hear() == f"Message Received: hello {name}"
                peer.say("exit")
                screen.until(lambda: screen.rows[-1] == "The other side said exit.")
        screen.type(CONTROL_C)
        assert screen.ended() == 130


# Questions


def test_a_question_on_the_terminal(tmp_path):
    own = {name: str(tmp_path / "own") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    other = {name: str(tmp_path / "other") for name in own}
    with serve("--profile", "plytalk1", environment=ENVIRONMENT | other) as server:
        for answer, status in ((CONTROL_C, 130), ("no" + ENTER, 4)):
            with shown("connect", f"127.0.0.1:{server.port}", environment=ENVIRONMENT | own) as screen:
                screen.until("[yes/no]")
                screen.type(answer)
                assert screen.ended() == status
                assert "Fatal" not in str(screen)
        with shown("connect", f"127.0.0.1:{server.port}", environment=ENVIRONMENT | own) as screen:
            screen.until("[yes/no]")
            screen.type("yes" + ENTER)
            screen.until(lambda: screen.before_cursor == "Type Message: ")
            screen.type("trusted" + ENTER)
            assert server.hear_words() == "trusted"


# Colours, and half a terminal


def test_a_warning_has_colour_unless_no_color_says_otherwise():
    with shown("serve", "--port", "0", *SECURE_CHAT) as screen:
        screen.until("Warning: ")
        assert b"\x1b[33mWarning: " in screen.raw
    with shown("serve", "--port", "0", *SECURE_CHAT, environment=ENVIRONMENT | {"NO_COLOR": "1"}) as screen:
        screen.until("Warning: ")
        assert b"Warning: " in screen.raw
        assert b"\x1b[" not in screen.raw


def test_with_its_output_in_a_pipe_there_is_no_prompt():
    with serve(*SECURE_CHAT) as server:
        piped = f'"$0" -m plytalk connect 127.0.0.1:{server.port} --profile secure-chat | cat'
        screen = Screen(("/bin/sh", "-c", piped, sys.executable), ENVIRONMENT, 100, 30)
        try:
            screen.until("Talking to ")
            server.say("through the pipe")
            screen.until("Message Received: through the pipe")
            screen.type("and back" + ENTER)
            assert server.hear() == "Message Received: and back"
            screen.type(CONTROL_D)
            assert screen.ended() == 0
            assert "Type Message" not in str(screen)
        finally:
            screen.process.close(force=True)


def test_a_terminal_that_wraps_nothing_again_keeps_what_stands_above():
    typed = "a half typed line that is long enough to need several rows"
    whole = "Type Message: " + typed
    with talking(columns=100) as (screen, peer):
        peer.say("above")
        screen.type(typed)
        screen.until(lambda: screen.rows[-2:] == ["Message Received: above", whole])
        for columns in (60, 40, 80, 33, 100):
            screen.resize(columns, 30)
            rows = [whole[at : at + columns].rstrip() for at in range(0, len(whole), columns)]
            screen.until(lambda rows=rows: screen.rows[-len(rows) - 1 :] == ["Message Received: above", *rows])
        screen.type(ENTER)
        assert peer.hear() == f"Message Received: {typed}"


# Another terminal


def connecting(peer):
    return shlex.join((*COMMAND, "connect", f"127.0.0.1:{peer.port}", *SECURE_CHAT))


def test_within_tmux(tmp_path):
    with start("secure_chat", "server") as peer, tmux(tmp_path, connecting(peer)) as pane:
        pane.until("Type Message:")
        pane.type("half typed")
        pane.until("Type Message: half typed")
        peer.say("arriving")
        pane.until("Message Received: arriving", "Type Message: half typed")
        pane.press("Left", "Left", "X", "Enter")
        assert peer.hear() == "Message Received: half typXed"
        pane.until("Message Received: arriving", "Type Message: half typXed", "Type Message:")


@pytest.mark.parametrize("typed", [THAI, EMOJI])
def test_characters_without_a_width_erase_nothing(tmp_path, typed):
    with start("secure_chat", "server") as peer, tmux(tmp_path, connecting(peer)) as pane:
        pane.ask("resize-window", "-x", "40", "-y", "20")
        pane.until("Type Message:")
        pane.type(typed)
        said = []
        for line in ("one", "two", "three"):
            peer.say(line)
            said.append(f"Message Received: {line}")
            pane.until(*said, f"Type Message: {typed}")
        pane.press("Enter")
        assert peer.hear() == f"Message Received: {typed}"


def test_what_is_typed_into_emoji_stands_where_the_cursor_is(tmp_path):
    """tmux joins a family into two cells, other terminals do not."""
    with start("secure_chat", "server") as peer, tmux(tmp_path, connecting(peer)) as pane:
        pane.until("Type Message:")
        pane.type(EMOJI)
        pane.until(f"Type Message: {EMOJI}")
        end = pane.cursor
        pane.press("Left", "Left")
        peer.say("arriving")
        pane.until("Message Received: arriving", f"Type Message: {EMOJI}")
        assert pane.cursor == end - 2
        pane.type("Y")
        pane.until(f"Type Message: {EMOJI[:-2]}Y{EMOJI[-2:]}")
        assert pane.cursor == end - 1


def test_a_resized_terminal_has_one_input_line(tmp_path):
    typed = "a half typed line that is long enough to need several rows"
    whole = "Type Message: " + typed
    with start("secure_chat", "server") as peer, tmux(tmp_path, connecting(peer)) as pane:
        pane.until("Type Message:")
        peer.say("above")
        pane.type(typed)
        for columns in (60, 40, 25, 33, 80, 30, 60):
            pane.ask("resize-window", "-x", str(columns), "-y", "20")
            rows = [whole[at : at + columns].rstrip() for at in range(0, len(whole), columns)]
            before = "Message Received: above"
            pane.until(*[before[at : at + columns] for at in range(0, len(before), columns)], *rows)
        pane.press("Enter")
        assert peer.hear() == f"Message Received: {typed}"


def test_control_z_gives_the_terminal_to_the_shell_until_fg(tmp_path):
    with start("secure_chat", "server") as peer, tmux(tmp_path, "PS1='$ ' /bin/bash --norc -i") as pane:
        pane.until("$")
        pane.type("clear; " + connecting(peer) + " 2>/dev/null")
        pane.press("Enter")
        pane.until("Type Message:")
        pane.type("half typed")
        pane.until("Type Message: half typed")
        pane.press("C-z")
        pane.until("$")
        pane.type("echo for the $((1 + 1))nd shell; stty -a | grep -o '[ -]icanon'")
        pane.press("Enter")
        pane.until("for the 2nd shell", " icanon", "$")
        pane.type("fg >/dev/null")
        pane.press("Enter")
        pane.until("Type Message: half typed")
        peer.say("arriving")
        pane.until("Message Received: arriving", "Type Message: half typed")
        pane.type(", and whole")
        pane.press("Enter")
        assert peer.hear() == "Message Received: half typed, and whole"
