"""Questions at a server's terminal: no matter who connects, leaves or floods, the answer is for the question on the screen."""

import contextlib
import re
import sys

import pytest
from people import environment, terminal
from programs import ENVIRONMENT, serve
from screens import shown

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the terminals of Unix")
ENTER = "\r"
WORDS = r"The three words are (\w+ \w+ \w+)\."


@pytest.fixture(params=["xterm-256color", "dumb"])
def term(request):
    return request.param


class Caller:
    """`chat connect --words` at a terminal, asked for the words."""

    def __init__(self, home, port):
        self.child = terminal(home, "connect", f"127.0.0.1:{port}", "--words")
        self.child.expect(WORDS)
        self.words = self.child.match[1]
        self.child.expect_exact("[yes/no] ")

    def gets_in(self):
        self.child.sendline("yes")
        self.child.expect_exact("Talking to ")

    def hangs_up(self):
        self.child.close(force=True)


@contextlib.contextmanager
def serving(tmp_path, term, *options):
    """A server's screen, and a way to call it."""
    callers = []
    own = {**environment(tmp_path / "server"), "LANG": "C.UTF-8"}
    with shown("serve", "--port", "0", "--keep", "--words", *options, environment=own, columns=300, term=term) as screen:
        screen.until("Only this machine can reach it")  # the last row: what is typed meanwhile would stand within one
        port = int(re.search(r"Listening on 127\.0\.0\.1:(\d+) with", " ".join(screen.rows))[1])

        def call(name):
            callers.append(Caller(tmp_path / name, port))
            return callers[-1]

        try:
            yield screen, call
        finally:
            for caller in callers:
                caller.hangs_up()


def asked(screen):
    """The words of the question on the last row."""
    found = re.search(WORDS + r".* \[yes/no\] ?\w*$", screen.rows[-1]) if screen.rows else None
    return found[1] if found else ""


def refused(screen):
    """How often an answer was neither yes nor no."""
    return sum(row.endswith("Type yes or no.") for row in screen.rows)


def test_the_answer_is_for_the_caller_on_the_screen_however_many_call(tmp_path, term):
    with serving(tmp_path, term) as (screen, call):
        mallory = call("mallory")
        screen.until(lambda: asked(screen) == mallory.words)
        assert re.search(r"About 127\.0\.0\.1:\d+ \(key SHA256:[\w+/]{43}\): The three words", screen.rows[-1])
        honest = call("honest")
        screen.type("no" + ENTER)
        screen.until(lambda: asked(screen) == honest.words)
        screen.type("yes" + ENTER)
        honest.gets_in()
        mallory.child.expect_exact("The other side did not say yes to the words")
        screen.until("Talking to ")


def test_a_question_is_withdrawn_when_its_caller_hangs_up(tmp_path, term):
    with serving(tmp_path, term) as (screen, call):
        mallory = call("mallory")
        screen.until(lambda: asked(screen) == mallory.words)
        honest = call("honest")
        screen.type("ye")
        screen.until(lambda: screen.rows[-1].endswith("[yes/no] ye"))
        mallory.hangs_up()
        screen.until(lambda: asked(screen) == honest.words)
        assert any("it disconnected while you were asked, so the question is withdrawn." in row for row in screen.rows)
        if term != "dumb":
            assert mallory.words not in str(screen)
        screen.type("s" + ENTER)  # the rest of the answer to mallory's question
        screen.until("Type yes or no.")
        screen.until(lambda: asked(screen) == honest.words)
        screen.type("yes" + ENTER)
        honest.gets_in()


def test_a_question_about_a_server_is_withdrawn_when_the_server_ends(tmp_path, term):
    own = {**environment(tmp_path / "client"), "LANG": "C.UTF-8"}
    with (
        serve("--keep", "--headless", environment={**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "server")}) as server,
        shown("connect", f"127.0.0.1:{server.port}", environment=own, columns=300, term=term) as screen,
    ):
        screen.until("[yes/no]")
        screen.type("ye")
        server.process.terminate()
        screen.until("The other side disconnected while you were asked about it, so the question is withdrawn.")
        assert screen.ended() == 4


def test_nothing_that_was_typed_before_a_question_is_its_answer(tmp_path, term):
    with serving(tmp_path, term) as (screen, call):
        screen.type("yes" + ENTER + "yes" + ENTER + "yes")
        screen.until(lambda: screen.rows[-1] == "yes")
        caller = call("caller")
        screen.until(lambda: asked(screen) == caller.words)
        for times, line in enumerate(("", "y", "yesyes", "yes yes"), 1):
            screen.type(line + ENTER)
            screen.until(lambda times=times: refused(screen) == times and asked(screen) == caller.words)
        screen.type("Yes" + ENTER)
        caller.gets_in()


def test_a_half_typed_line_of_a_chat_is_no_answer_and_is_there_again_afterwards(tmp_path, term):
    prompt = "Type Message: " if term == "dumb" else "[lobby] "
    with serving(tmp_path, term) as (screen, call):
        alice = call("alice")
        screen.until(lambda: asked(screen) == alice.words)
        screen.type("yes" + ENTER)
        alice.gets_in()
        screen.until("is here.")
        screen.until(lambda: screen.before_cursor == prompt)
        screen.type("yes, half ty")
        screen.until(lambda: screen.before_cursor == f"{prompt}yes, half ty")
        mallory = call("mallory")
        screen.until(lambda: asked(screen) == mallory.words)
        alice.child.sendline("I am still here")
        screen.until("I am still here")
        screen.until(lambda: asked(screen) == mallory.words)
        screen.type("no" + ENTER)
        screen.until(lambda: screen.before_cursor == f"{prompt}yes, half ty")
        screen.type("ped" + ENTER)
        alice.child.expect_exact("server: yes, half typed")


def test_a_pasted_yes_is_no_answer(tmp_path):
    with serving(tmp_path, "xterm-256color") as (screen, call):
        caller = call("caller")
        screen.until(lambda: asked(screen) == caller.words)
        screen.type("\x1b[200~yes\r\x1b[201~" + ENTER)
        screen.until("Type yes or no.")
        screen.until(lambda: asked(screen) == caller.words)
        screen.type("yes" + ENTER)
        caller.gets_in()
