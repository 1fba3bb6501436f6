"""What is above the first prompt: who I am (the first time), where I listen or whom I talk to, what to paste, warnings."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import programs
import pytest
from certificates import Authority
from programs import ENVIRONMENT
from relaying import relaying
from web_servers import free_port

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
        (("--port", "0", "--code"), (CREATED, LISTENING, "The one-time code is ", PASTE, PASTE + "127.0.0.1:")),
    ],
    ids=["by key", "by number", "beside a port"],
)
def test_a_server_behind_a_relay_says_it_in_six_rows(options, begins, homes) -> None:
    for identity in ("new", "old"):
        with relaying() as (_, relay), chat(homes[0], "serve", "--relay", relay, *options) as screen:
            screen.until(begins[-1])
            expected = begins if identity == "new" or begins[0] != CREATED else begins[1:]
            assert in_order(screen.rows, *expected), f"\n{screen}"


@pytest.mark.parametrize("options", [("--words",), ("--psk-file", "psk")], ids=["words", "pre-shared key"])
def test_two_addresses_take_one_row_so_that_both_ways_in_are_shown(options, homes, monkeypatch) -> None:
    """The name of a key at a relay beside an address is shortened."""
    monkeypatch.chdir(homes[1])
    programs.chat("keys", "psk", "psk")
    with relaying() as (_, relay), chat(homes[0], "serve", "--relay", relay, "--port", "0", *options) as screen:
        screen.until(f"{PASTE}127.0.0.1:")
        screen.until(lambda: screen.rows[-1].endswith(options[-1]))
        assert in_order(screen.rows, CREATED, "Listening on ", f"{PASTE}SHA256:", PASTE), f"\n{screen}"


def test_what_an_option_says_leaves_less_room_for_other_ways_in(homes, monkeypatch) -> None:
    monkeypatch.chdir(homes[1])
    words = ("--door", "ws:127.0.0.1:0", "--metrics", "127.0.0.1:0")
    with serves(homes[0], "Anyone ", *words) as (screen, _):
        assert in_order(screen.rows, CREATED, LISTENING, "Figures ", "The other side", "Anyone "), f"\n{screen}"


WAYS, OTHERS = ("tcp:[::1]:0", "ws:127.0.0.1:0", "unix:room.sock", "relay:{}"), "(/invite in the room shows others):  "


@pytest.mark.parametrize("most", [1, 4])
@pytest.mark.parametrize(
    ("options", "last"),
    [
        ((), "Anyone "),
        (("--code",), ":  "),
        (("--door", "ssh:127.0.0.1:0"), "Anyone "),
        (("--web", "127.0.0.1:0"), "Anyone "),
        (("--web", "127.0.0.1:0", "--code"), ":  "),
        (("--host", "0.0.0.0", "--web", "127.0.0.1:0", "--door", "ssh:127.0.0.1:0"), "Anyone "),
        (("--guests", "demo01:0,demo02:0,secure-chat:0"), "Warning: "),
        (("--profile", "demo02"), "Warning: "),
    ],
    ids=["keys", "code", "ssh", "page", "page and code", "page and ssh", "guests", "without a room"],
)
def test_a_server_with_several_doors_says_it_in_six_rows(options, last, most, homes, monkeypatch) -> None:
    monkeypatch.chdir(homes[1])
    for name in ("websockets", "asyncssh", "spake2"):
        pytest.importorskip(name, reason=f"needs {name}")
    with relaying() as (_, relay):
        doors = [word for way in WAYS[:most] for word in ("--door", way.format(relay))]
        for identity in ("new", "old"):
            with chat(homes[0], "serve", "--port", "0", *doors, *options) as screen:
                screen.until(last)
                first = (CREATED,) if identity == "new" and "--profile" not in options else ()
                assert in_order(screen.rows, *first, "Listening on "), f"\n{screen}"
                assert all(way.partition(":")[0] in " ".join(screen.rows) for way in WAYS[:most]), f"\n{screen}"


KINDS = {
    "ws": ("--door", "ws:127.0.0.1:0"),
    "tls": ("--door", "tls:127.0.0.1:0"),
    "relay": ("--relay", "{relay}"),
    "unix": ("--door", "unix:{folder}/a-folder-of-sockets/room.sock"),
    "ssh": ("--door", "ssh:127.0.0.1:0"),
    "web": ("--web", "127.0.0.1:0"),
    "metrics": ("--metrics", "127.0.0.1:{port}"),
    "code": ("--code",),
}


@pytest.mark.parametrize("number", range(4))
def test_every_combination_of_doors_and_what_is_said_beside_them_takes_six_rows(number, homes) -> None:
    """Each is drawn by its number: all of them would be 256."""
    for name in ("websockets", "asyncssh", "spake2"):
        pytest.importorskip(name, reason=f"needs {name}")
    draw = random.Random(number)
    kinds = draw.sample([*KINDS], draw.randint(3, len(KINDS)))
    if "code" in kinds:
        kinds = [kind for kind in kinds if kind != "ssh"]  # whose guests have no code
    certificate, key = Authority(homes[1]).signs("good")
    (homes[1] / "a-folder-of-sockets").mkdir(0o700)
    with relaying() as (_, relay):
        words = [word.format(relay=relay, folder=homes[1], port=free_port()) for kind in kinds for word in KINDS[kind]]
        if {"tls", "web"} & {*kinds}:
            words += ["--tls-cert", str(certificate), "--tls-key", str(key)]
        with chat(homes[0], "serve", "--port", "0", *words) as screen:
            screen.until(lambda: any(word in "".join(screen.rows) for word in (" --code", "Anyone ")))
            assert in_order(screen.rows, CREATED, "Listening on ", "The one-time code" * ("code" in kinds)), f"{kinds}\n{screen}"


def test_the_ways_in_that_the_first_screen_leaves_out_are_shown_for_invite(homes) -> None:
    pytest.importorskip("asyncssh", reason="guests by ssh need asyncssh")
    doors = "--door", "tcp:[::1]:0", "--door", "ssh:127.0.0.1:0"
    with chat(homes[0], "serve", "--port", "0", *doors) as server:
        server.until("Anyone on this machine")
        assert OTHERS in "".join(server.rows)
        address = "".join(server.rows).partition(OTHERS)[2].split()[2]
        with chat(homes[1], "connect", address, "--accept-new") as client:
            client.until("/help lists what you can do.")
            server.until(lambda: server.before_cursor == "[lobby] ")
            before = len(server.raw)
            server.type("/invite\r")
            server.until("ssh  ssh -p ")
            shown = server.raw[before:].decode()
            assert f"tcp  chat connect {address} --peer SHA256:" in shown
            assert "tcp  chat connect '[::1]:" in shown
            assert "(new host key SHA256:" in shown, "in one piece, to be copied"


def test_a_server_with_a_page_says_what_to_open_in_six_rows(homes) -> None:
    pytest.importorskip("websockets", reason="the page needs websockets")
    for proxied in ((), ("--trusted-proxy", "127.0.0.1")):
        for created in ((CREATED,), ()):
            with chat(homes[bool(proxied)], "serve", "--web", "127.0.0.1:0", *proxied) as screen:
                screen.until("Anyone ")
                said = "Through the web server " if proxied else "On a terminal `chat connect`"
                begins = (*created, LISTENING, "Open in a browser:  http://127.0.0.1:", said, "Anyone ")
                assert in_order(screen.rows, *begins), f"\n{screen}"


def test_guests_by_ssh_have_a_row_that_names_where_the_host_key_is_shown(homes) -> None:
    pytest.importorskip("asyncssh", reason="guests by ssh need asyncssh")
    for created in ((CREATED,), ()):
        with chat(homes[0], "serve", "--port", "0", "--door", "ssh:127.0.0.1:0") as screen:
            screen.until("Anyone on this machine")
            begins = (*created, LISTENING, PASTE, "Guests connect with:  ssh -p ", "Anyone on this machine")
            assert in_order(screen.rows, *begins), f"\n{screen}"
            assert "(its key: /invite)" in str(screen)


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
