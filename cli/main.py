"""The `chat` command: a group whose commands are imported when they are called, so that `chat --help` stays quick."""

import os
import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from keyword import iskeyword
from typing import Any

from plytalk import __version__
from plytalk.core.registry.quick_loading import loading

with loading():
    import click

    from plytalk.core.contracts.errors import REPORT_IT, ChatError, Exit, OutputFailed
    from plytalk.core.contracts.sanitise import brief
    from plytalk.core.io.display import wants_colour
    from plytalk.core.io.end_signals import silence_unraisable, treat_as_control_c
    from plytalk.core.io.standard_streams import flush_output, prepare, tell

# Name, module, and the line that `chat --help` shows: kept here so that help imports no command, and a test compares them.
COMMANDS = {
    "demo": ("plytalk.cli.demo", "Show a conversation, and what an eavesdropper learns from it."),
    "serve": ("plytalk.cli.talk", "Wait for people to connect, and talk with them."),
    "connect": ("plytalk.cli.talk", "Connect to a chat and talk."),
    "find": ("plytalk.cli.find_command", "List the servers that are announced on the local network."),
    "send": ("plytalk.cli.file_transfer", "Send files or folders to somebody."),
    "receive": ("plytalk.cli.file_transfer", "Receive files that somebody sends with `chat send`."),
    "relay": ("plytalk.cli.relay_command", "Connect people who cannot reach each other directly."),
    "page": ("plytalk.cli.page_command", "Write the page of `chat serve --web` into one file."),
    "explain": ("plytalk.cli.explain", "Say what a stack protects, what it does not, and what to change."),
    "inspect": ("plytalk.cli.inspect", "Step through a recorded conversation, layer by layer."),
    "lab": ("plytalk.cli.lab", "Run every attack on every stack, and compare the outcome with what the layers predict."),
    "attack": ("plytalk.cli.attack_command", "Attack a conversation between two programs."),
    "audit": ("plytalk.cli.audit_command", "Look at a server from outside: what it offers, and where it is weak."),
    "keys": ("plytalk.cli.keys", "Create, show and exchange keys, and decide which ones to trust."),
    "events": ("plytalk.cli.events_command", "List the events that `--ui jsonl` prints, or print their JSON Schema."),
    "bench": ("plytalk.cli.bench", "Measure what a stack costs, beside the built-in ones."),
    "plugins": ("plytalk.cli.plugins", "List the installed plugins, check them, or make a new one."),
    "completion": ("plytalk.cli.completion", "Print or install the shell completion script."),
}

EPILOG = """\b
Examples:
  chat demo                                 see a conversation, and what goes over the wire
  chat serve                                wait for a peer on this machine
  chat connect 127.0.0.1                    talk to it from another terminal
  chat connect 192.0.2.7 --profile demo01   talk to an existing plaintext chat
  chat explain --cipher none                what a stack protects, and what not
"""


WELCOME = """\
plytalk is a chat you can take apart: every layer of the conversation is a plugin you choose, see and attack.

  chat demo            see a conversation, and what goes over the wire
  chat serve           wait for people to connect, and talk with them
  chat connect HOST    talk to someone who runs `chat serve`

`chat --help` lists every command."""
"""What `chat` alone says: what it is, and the three commands that most people want next."""


class LazyGroup(click.Group):
    """Imports a command when it is called. `table` has, by the command's name, its module and its line in the help."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)  # in the order a newcomer meets them

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        function = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name
        with loading():
            command: click.Command = getattr(import_module(self.table[cmd_name][0]), function)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(args[0], self.table, n=1)
            ctx.fail(f"There is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="plytalk", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, envvar="PLYTALK_DEBUG", help="Show tracebacks of errors.")
@click.pass_context
def chat(ctx: click.Context, debug: bool) -> None:
    """A chat you can take apart: every layer of the conversation is a plugin you choose, see and attack."""
    ctx.obj = {"debug": debug}


def is_debugging() -> bool:
    """Whether the user wants tracebacks."""
    return bool((click.get_current_context().find_root().obj or {}).get("debug"))


def main() -> None:
    """Run the command and exit with the code of `plytalk.core.contracts.errors.Exit`."""
    prepare()
    if not sys.warnoptions:  # those of the packages that are used here are for programmers
        warnings.simplefilter("ignore")
    debug = "--debug" in sys.argv[1:2] or bool(os.environ.get("PLYTALK_DEBUG"))
    treat_as_control_c(sys.__unraisablehook__ if debug else tell_ignored)
    try:
        code = int(run(debug) or 0)
        flush_output()
    except OutputFailed as failure:
        code = Exit.FAILED
        if not failure.nobody_reads:
            complain(failure.sentence)
    sys.exit(code)


def run(debug: bool) -> int:
    """The exit code. Raises OutputFailed, and with `debug` whatever went wrong."""
    try:
        return int(chat.main(prog_name="chat", standalone_mode=False) or 0)
    except ChatError as error:
        if debug:
            raise
        complain(error.sentence)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        if error.ctx and error.ctx.command is chat:
            tell(WELCOME)
        else:
            error.show()
        return Exit.USAGE
    except click.ClickException as error:
        complain(said(error))
        return error.exit_code
    except (KeyboardInterrupt, click.Abort) as interruption:
        if not debug:
            silence_unraisable()
        interrupted = interruption.__cause__ or interruption  # click raises Abort from a KeyboardInterrupt
        complain(" ".join(["Interrupted.", *getattr(interrupted, "__notes__", ())]))  # the notes are of `keeping_process_state`
        return Exit.INTERRUPTED
    except BrokenPipeError:  # as with `chat explain | head -1`: not an error
        return Exit.FAILED
    except Exception as error:
        flush_output()  # raises where that was the reason: what could not be written still waits
        if debug:
            raise
        return blamed(error) or Exit.FAILED
    except SystemExit as error:  # also where a plugin called sys.exit() in a task that it started
        if debug or not (code := blamed(error)):
            raise
        return code


def blamed(error: BaseException) -> int:
    """Say whose fault an unexpected error is; the exit code where it is not this program's own, else 0."""
    from plytalk.core.contracts.background_faults import blame_code
    from plytalk.core.contracts.shortage import shortage

    if fault := shortage(error) or blame_code(error):
        complain(fault.sentence)
        return fault.exit_code
    if not isinstance(error, SystemExit):
        refused = f" ({error.strerror.lower()})" if isinstance(error, OSError) and error.strerror else ""
        complain(f"Unexpected error: {type(error).__name__}{refused}. {REPORT_IT}")
    return 0


def tell_ignored(ignored: "sys.UnraisableHookArgs") -> None:
    """Say in a line what a plugin raised where it ends nothing, as in a destructor or at exit. Anything else changes nothing."""
    error = ignored.exc_value
    if error is not None and not isinstance(error, OSError | MemoryError) and not sys.is_finalizing():
        from plytalk.core.contracts.background_faults import blame_code

        if fault := blame_code(error):
            complain(fault.sentence)


def said(error: click.ClickException) -> str:
    """One line: what click has to say, and where to read on."""
    sentence = " ".join(error.format_message().split())
    sentence += "" if sentence.endswith((".", "?")) else "."
    context = getattr(error, "ctx", None)
    return sentence + (f" See `{context.command_path} --help`." if context else "")


def complain(sentence: str) -> None:
    """One sentence on standard error; red on a terminal that wants colour."""
    tell(paint(f"chat: {brief(sentence)}", "31"))


def paint(text: str, code: str, stream_fd: int = 2) -> str:
    """Colour on a terminal, and never with NO_COLOR."""
    try:
        wanted = os.isatty(stream_fd) and wants_colour()
    except OSError:
        wanted = False
    return f"\x1b[{code}m{text}\x1b[0m" if wanted else text
