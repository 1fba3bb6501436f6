"""What stands above the first prompt: who I am (the first time), where I listen or whom I talk to, what to paste, warnings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import ENVIRONMENT
from relaying import relaying

pytest.importorskip("pexpect", reason="pexpect plays the terminal")
pytest.importorskip("pyte", reason="pyte is the terminal")
from screens import Screen, shown

ROWS, COLUMNS = 24, 80
MOST = 6
CREATED, LISTENING, PASTE = (
    "Created a new identity (SHA256:",
    "Listening on 127.0.0.1:",
    "The other side connects with:  chat connect ",
)


@contextmanager
def chat(home: Path, *arguments: str) -> Iterator[Screen]:
    """On a terminal of 80x24, for someone who is new here."""
    environment = {**ENVIRONMENT, "HOME": str(home), "NO_COLOR": "1"}
    for name in ("PLYTALK_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        environment.pop(name, None)
    home.mkdir(exist_ok=True)
    with shown(*arguments, environment=environment, columns=COLUMNS, rows=ROWS) as screen:
        yield screen


@contextmanager
def serves(home: Path, last: str, *options: str) -> Iterator[tuple[Screen, str]]:
    """A server that has said its last word, and its address."""
    with chat(home, "serve", "--port", "0", *options) as screen:
        screen.until(last)
        where = next(row for row in screen.rows if row.startswith("Listening on "))
        yield screen, where.split()[2]


def in_order(rows: Sequence[str], *begins: str) -> bool:
    """Whether rows begin so, one after the other, and are few enough."""
    rest = iter(rows)
    return len(rows) <= MOST and all(any(row.startswith(begin) for row in rest) for begin in begins)


def above_the_prompt(screen: Screen) -> list[str]:
    """The rows, up to the last that is neither empty nor the prompt."""
    last = max(number for number, row in enumerate(screen.rows) if row.startswith(("You are ", "Warning: ")))
    return screen.rows[: last + 1]


@pytest.fixture
def homes() -> Iterator[tuple[Path, Path]]:
    """Homes with paths as short as people's are."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="h", dir="/tmp") as one, TemporaryDirectory(prefix="h", dir="/tmp") as other:
        yield Path(one), Path(other)


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ((), (CREATED, LISTENING, PASTE, "Anyone on this machine")),
        (("--code",), (CREATED, LISTENING, "The one-time code is ", PASTE, "Only this machine")),
        (("--cipher", "none"), (LISTENING, PASTE, "Only this machine", "Warning: ")),
        (("--profile", "secure-chat"), (LISTENING, PASTE, "Only this machine", "Warning: ")),
        (("--profile", "demo01"), (LISTENING, PASTE, "Only this machine", "Warning: ")),
        (("--profile", "demo02"), (LISTENING, PASTE, "Only this machine", "Warning: ")),
        (("--host", "0.0.0.0"), (CREATED, "Listening on 0.0.0.0:", PASTE, "Anyone who can reach it")),
        (
            ("--keep", "--guests", "demo01:0,demo02:0,secure-chat:0"),
            (CREATED, LISTENING, PASTE, "Warning: anyone on this machine"),
        ),
        (("--code", "--guests", "demo01:0"), (CREATED, LISTENING, "The one-time code is ", PASTE, "Warning: anyone on this")),
    ],
    ids=["alone", "code", "plaintext", "unauthenticated", "demo01", "demo02", "everywhere", "guests", "guests and a code"],
)
def test_a_server_says_what_is_needed_in_six_rows(options, begins, homes) -> None:
    for identity in ("new", "old"):
        with serves(homes[0], begins[-1], *options) as (screen, _):
            expected = [begin for begin in begins if identity == "new" or begin != CREATED]
            assert in_order(screen.rows, *expected), f"\n{screen}"
            assert identity == "new" or CREATED not in str(screen)


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ((), (CREATED, "Listening on SHA256:", "The other side connects with:  chat connect SHA256:", "Anyone who can reach it")),
        (("--code",), (CREATED, "Listening on ", "The one-time code is ", PASTE)),
        (("--port", "0", "--code"), (LISTENING, "Listening on ", "The one-time code is ", PASTE + "127.0.0.1:", PASTE)),
    ],
    ids=["by key", "by number", "beside a port"],
)
def test_a_server_behind_a_relay_says_it_in_six_rows(options, begins, homes) -> None:
    for identity in ("new", "old"):
        with relaying() as (_, relay), chat(homes[0], "serve", "--relay", relay, *options) as screen:
            screen.until(f"@{relay} --code" if "--code" in options else begins[-1])
            expected = [begin for begin in begins if identity == "new" or begin != CREATED]
            assert in_order([row for row in screen.rows if row], *expected), f"\n{screen}"


def test_a_server_with_a_page_says_what_to_open_in_six_rows(homes) -> None:
    pytest.importorskip("websockets", reason="the page needs websockets")
    for created in ((CREATED,), ()):
        with chat(homes[0], "serve", "--web", "127.0.0.1:0") as screen:
            screen.until("Anyone on this machine")
            begins = (
                *created,
                LISTENING,
                "Open in a browser:  http://127.0.0.1:",
                "On a terminal `chat connect`",
                "Anyone on this",
            )
            assert in_order([row for row in screen.rows if row], *begins), f"\n{screen}"


def test_guests_by_ssh_take_one_row_more_for_the_new_host_key(homes) -> None:
    pytest.importorskip("asyncssh", reason="guests by ssh need asyncssh")
    for identity in ("new", "old"):
        with chat(homes[0], "serve", "--port", "0", "--door", "ssh:127.0.0.1:0") as screen:
            screen.until("Anyone on this machine")
            created = (CREATED,) if identity == "new" else ()
            rows = [row for row in screen.rows if row]
            begins = (*created, LISTENING, PASTE, "Guests connect with:  ssh -p ", "Anyone on this machine")
            assert len(rows) == MOST + len(created), f"\n{screen}"
            assert in_order(rows[len(created) :], *begins[len(created) :]), f"\n{screen}"
            assert ("new host key SHA256:" in "".join(rows)) is (identity == "new")


def test_a_newcomer_with_an_unknown_key_takes_one_row_at_the_server(homes) -> None:
    with serves(homes[0], "Anyone on this machine", "--keep") as (server, address):
        for name in ("erin", "bob"):
            with chat(homes[1], "connect", address, "--accept-new", "--name", name) as screen:
                screen.until("/help lists what you can do.")
                server.until(f"* [{name}] is here.")
        keys = [number for number, row in enumerate(server.rows) if row.startswith("Unknown key SHA256:")]
        assert len(keys) == 2
        assert all(server.rows[number].endswith(" (127.0.0.1)") for number in keys)
        assert server.rows[keys[1] + 1].endswith("* [bob] is here.")


@pytest.mark.parametrize("options", [("--accept-new",), ("--accept-new", "--typing", "--receipts", "--reconnect")])
def test_a_client_is_at_its_prompt_within_six_rows_with_a_new_identity_and_with_an_old_one(options, homes) -> None:
    with serves(homes[0], "Anyone on this machine", "--keep") as (_, address):
        for identity in ("new", "old"):
            with chat(homes[1], "connect", address, *options) as screen:
                screen.until("/help lists what you can do.")
                begins = (CREATED, "Remembered the key ") if identity == "new" else ()
                assert in_order(above_the_prompt(screen), *begins, "Talking to ", "You are "), f"\n{screen}"
                assert identity == "new" or len(above_the_prompt(screen)) == 2


def test_a_client_of_a_new_user_is_at_its_prompt_within_six_rows(homes) -> None:
    with serves(homes[0], "Anyone on this machine") as (_, address), chat(homes[1], "connect", address) as screen:
        screen.until("[yes/no]")
        screen.type("yes\r")
        screen.until("/help lists what you can do.")
        assert in_order(above_the_prompt(screen), CREATED, "The key of ", "Talking to ", "You are "), f"\n{screen}"


def test_a_client_with_a_code_is_at_its_prompt_within_six_rows(homes) -> None:
    pytest.importorskip("spake2", reason="one-time codes need it: pip install spake2")
    with (
        serves(homes[0], "Only this machine", "--code") as (server, address),
        chat(homes[1], "connect", address, "--code") as screen,
    ):
        row = next(row for row in server.rows if row.startswith("The one-time code is "))
        screen.until(lambda: screen.before_cursor == "One-time code: ")
        screen.type(row.removeprefix("The one-time code is ").partition(".")[0] + "\r")
        screen.until("/help lists what you can do.")
        assert in_order(above_the_prompt(screen), CREATED, "One-time code: ", "127.0.0.1:", "Talking to ", "You are "), (
            f"\n{screen}"
        )


def test_a_weak_client_says_whom_it_talks_to_and_then_how_weak_that_is(homes) -> None:
    with (
        serves(homes[0], "Warning: ", "--cipher", "none") as (_, address),
        chat(homes[1], "connect", address, "--cipher", "none") as screen,
    ):
        screen.until("Warning: ")
        assert in_order(above_the_prompt(screen), "Talking to ", "Warning: "), f"\n{screen}"
