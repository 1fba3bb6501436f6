"""The files of the page: served one by one, and put into one."""

import base64
import gzip
import hashlib
import re
from http import HTTPStatus

import pytest

from plytalk.plugins.small_http import HttpAnswer
from plytalk.plugins.web.http_head import read_head
from plytalk.plugins.web.lean import lean_script
from plytalk.plugins.web.page_files import (
    FOLDER,
    LOADED_LATER,
    PageFiles,
    answers,
    compressed,
    file_text,
    lean_scripts,
    names,
    plain,
    served_page,
    single_file,
)

MOST, MOST_WITH_FILES = 15 * 1024, 20 * 1024
PAGE = served_page()[0]

FILES = PageFiles()


def asked(path: str, *fields: str) -> HttpAnswer:
    lines = "".join(f"{field}\r\n" for field in fields)
    return FILES.answer(read_head(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()))


def test_the_page_names_all_files_of_its_folder() -> None:
    assert sorted(names()) == sorted(path.name for path in FOLDER.iterdir())


def test_the_page_is_one_answer_and_the_scripts_for_files_are_another() -> None:
    assert asked("/").body == PAGE.encode()
    assert asked("/files.js").body == lean_scripts(LOADED_LATER).encode()
    assert [asked(path).content_type for path in ("/", "/files.js")] == [
        "text/html; charset=utf-8",
        "text/javascript; charset=utf-8",
    ]


def test_the_scripts_are_one_in_the_order_of_the_page() -> None:
    page = bytes(asked("/").body).decode()
    starts = [page.index(lean_script(file_text(name))) for name in names() if name.endswith(".js") and name not in LOADED_LATER]
    assert starts == sorted(starts)
    assert page[: starts[0]].endswith("<script>")


def test_the_page_has_15_kb_at_most() -> None:
    """The requirement: 15 KB, compressed, of all that a browser loads to join a room and talk."""
    assert len(compressed(PAGE.encode())) <= MOST


def test_the_page_with_all_for_files_has_20_kb_at_most() -> None:
    assert len(compressed(single_file().encode())) <= MOST_WITH_FILES


def test_what_is_compressed_is_gzip_the_same_every_time_and_no_larger_than_with_the_usual_memory() -> None:
    packed = compressed(PAGE.encode())
    assert gzip.decompress(packed) == PAGE.encode()
    assert packed == compressed(PAGE.encode())
    assert len(packed) <= len(gzip.compress(PAGE.encode()))


PATHS = (
    "/page.html",
    "/../page_files.py",
    "//",
    "/%2e%2e/page_files.py",
    "/page.css",
    "/files.js/",
    "/FILES.JS",
    "/favicon.ico",
    "/.",
)


@pytest.mark.parametrize("path", PATHS)
def test_nothing_else_has_one(path: str) -> None:
    assert asked(path).status is HTTPStatus.NOT_FOUND


def test_some_answers_say_what_would_be_right() -> None:
    assert plain(HTTPStatus.METHOD_NOT_ALLOWED, "").headers["Allow"] == "GET"
    assert "Upgrade" in plain(HTTPStatus.UPGRADE_REQUIRED, "").headers


def test_every_answer_has_the_policy() -> None:
    for answer in (asked("/"), asked("/files.js", "Accept-Encoding: gzip"), asked("/none")):
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"} <= set(policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def check_it_may_run_its_own_parts(html: str, policy: str, besides: str = "") -> None:
    for kind, more in (("script", besides), ("style", "")):
        [part] = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"; {kind}-src 'sha256-{digest}'{more};" in policy


def test_the_page_may_run_what_is_in_it_and_load_scripts_from_its_server() -> None:
    answer = asked("/")
    check_it_may_run_its_own_parts(bytes(answer.body).decode(), answer.headers["Content-Security-Policy"], " 'self'")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip, deflate, br", True),
        ("br, GZIP;q=0.5", True),
        ("gzip; q=1", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.0", False),
        ("x-gzip", False),
    ],
)
def test_an_answer_is_compressed_for_those_who_take_that(accepted: str, expected: bool) -> None:
    answer = asked("/", f"Accept-Encoding: {accepted}")
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert (answer.headers.get("Content-Encoding") == "gzip") is expected
    body = answer.body if isinstance(answer.body, bytes) else b""
    assert (gzip.decompress(body) if expected else body) == PAGE.encode()
    assert answers("page.html", PAGE)[expected].body == body


def test_the_single_file_has_everything_and_may_run_nothing_else() -> None:
    html = single_file()
    assert not re.search(r"<script src|<link rel=.stylesheet", html)
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    assert policy
    assert html.index(policy[0]) < min(html.index("<script"), html.index("<style"))
    check_it_may_run_its_own_parts(html, policy[1])
    assert all(lean_script(file_text(name)) in html for name in names() if name.endswith(".js"))
    assert "default-src 'none'" in policy[1]
    assert "connect-src ws: wss:;" in policy[1]
