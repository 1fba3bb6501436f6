"""Ask the person at standard input for secrets, which are not shown, and for one-time codes, which are."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import click

from plytalk.cli.hidden_input import interruptible, secret
from plytalk.core.contracts.errors import UnknownPeer, Usage
from plytalk.core.contracts.interruption import Interruption
from plytalk.core.io.display import is_dumb

LONGEST = 200
"""Bytes of a line that may hold a code."""
CODE = "(?i)[1-9]-[a-z]+-[a-z]+"

Complete = Callable[[str], Sequence[str]]
Fault = Callable[[str], str]


class Asker:
    """What a layer asks with: called, it asks for a secret."""

    def __call__(self, prompt: str) -> str:
        return secret(prompt)

    def ask_words(self, prompt: str, complete: Complete, fault: Fault) -> str:
        """Ask for words until `fault` accepts them. They are shown while they are typed. Raises UnknownPeer.

        Without a terminal, the words are the first line of standard input. The rest of it is not read.
        """
        if sys.stdin.isatty() and sys.stdout.isatty() and not is_dumb():
            return _drawn(prompt, complete, fault)
        with interruptible():  # before the prompt is shown: Ctrl-C may be typed as soon as it is
            if not sys.stdin.isatty():
                return _line(
                    f"{prompt.rstrip(': ')}: none was given. Without a terminal, write it as the first line of standard input."
                )
            while True:
                sys.stderr.write(prompt)
                sys.stderr.flush()
                typed = _line(f"{prompt.rstrip(': ')} is needed.")
                if not (wrong := fault(typed)):
                    return typed
                sys.stderr.write(f"{wrong}\n")


def refuse_code(ctx: click.Context, args: Sequence[str]) -> None:
    """Raises UsageError where a one-time code is an argument."""
    behind = (after for option, after in pairwise(args) if option == "--code")
    if any(arg.startswith("--code=") for arg in args) or any(re.fullmatch(CODE, word) for word in behind):
        ctx.fail("A code is never an argument, because other users can see those: leave it out, and you are asked for it.")


def _line(missing: str) -> str:
    """The next line of standard input, without what follows it. Raises UnknownPeer at the end of input."""
    line = b""
    while len(line) < LONGEST and not line.endswith(b"\n"):
        if not (byte := os.read(0, 1)):
            break
        line += byte
    if not line:
        raise UnknownPeer(missing)
    return line.decode(errors="replace").strip()


def _drawn(prompt: str, complete: Complete, fault: Fault) -> str:
    """An input line by prompt_toolkit: Tab completes, and what is wrong is said below the line, which can then be corrected."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import DummyHistory
    from prompt_toolkit.shortcuts import CompleteStyle
    from prompt_toolkit.validation import ValidationError, Validator

    from plytalk.plugins.chat_screen.terminal import terminal

    class CodeCompleter(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            before = document.text_before_cursor
            last = re.split(r"[\s-]", before)[-1]
            behind = document.text_after_cursor
            for word in complete(before):
                yield Completion(word.rstrip("-") if behind else word, -len(last), display=word.rstrip("-"))

    class CodeValidator(Validator):
        def validate(self, document: Document) -> None:
            if wrong := fault(document.text):
                raise ValidationError(document.cursor_position, wrong)

    keys, screen = terminal(lambda error: None)
    session: PromptSession[str] = PromptSession(
        prompt,
        completer=CodeCompleter(),
        complete_while_typing=False,
        complete_style=CompleteStyle.READLINE_LIKE,
        validator=CodeValidator(),
        validate_while_typing=False,
        history=DummyHistory(),
        reserve_space_for_menu=0,
        input=keys,
        output=screen,
    )
    try:
        return session.prompt(in_thread=True)
    except KeyboardInterrupt:
        raise Interruption from None
    except EOFError:
        raise UnknownPeer(f"{prompt.rstrip(': ')} is needed.") from None


def refuse_seed(args: Sequence[str]) -> None:
    """Raises Usage for --seed, which people look for here too."""
    if any(arg.partition("=")[0] == "--seed" for arg in args):
        raise Usage("A seed makes every secret predictable, so only the lab takes one.", "See: chat lab vectors --help.")
