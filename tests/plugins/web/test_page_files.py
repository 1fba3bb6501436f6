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
    LATER,
    PageFiles,
    answers,
    compressed,
    file_text,
    names,
    parts,
    plain,
    single_file,
)

MOST = 15 * 1024

FILES = PageFiles()


def asked(path: str, *fields: str) -> HttpAnswer:
    lines = "".join(f"{field}\r\n" for field in fields)
    return FILES.answer(read_head(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()))


def test_the_page_names_all_files_of_its_folder() -> None:
    assert sorted(names()) == sorted(path.name for path in FOLDER.iterdir())


def test_each_part_has_its_path_and_the_page_has_the_shortest() -> None:
    assert asked("/").body == parts()["page.html"].encode()
    assert b'<script src="page.js"></script>' in bytes(asked("/").body)
    kinds = {asked(f"/{name}").content_type.partition(";")[0] for name in ("page.css", "page.js")}
    assert kinds == {"text/css", "text/javascript"}


def test_the_scripts_are_one_in_the_order_of_the_page() -> None:
    script = bytes(asked("/page.js").body).decode()
    starts = [script.index(lean_script(file_text(name))) for name in names() if name.endswith(".js") and name not in LATER]
    assert starts == sorted(starts)
    assert starts[0] == 0


def test_the_page_has_15_kb_at_most() -> None:
    """The requirement: 15 KB, compressed, of all that a browser loads to join a room and talk."""
    sizes = {name: len(compressed(text.encode())) for name, text in parts().items()}
    assert sum(sizes.values()) - sizes["files.js"] <= MOST


PATHS = ("/page.html", "/../page_files.py", "//", "/%2e%2e/page_files.py", "/page.css/", "/PAGE.CSS", "/favicon.ico", "/.")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_else_has_one(path: str) -> None:
    assert asked(path).status is HTTPStatus.NOT_FOUND


def test_some_answers_say_what_would_be_right() -> None:
    assert plain(HTTPStatus.METHOD_NOT_ALLOWED, "").headers["Allow"] == "GET"
    assert "Upgrade" in plain(HTTPStatus.UPGRADE_REQUIRED, "").headers


def test_every_answer_has_the_policy() -> None:
    for answer in (asked("/"), asked("/page.css", "Accept-Encoding: gzip"), asked("/none")):
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} <= set(policy)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


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
    assert (gzip.decompress(body) if expected else body) == parts()["page.html"].encode()
    assert answers("page.html", parts()["page.html"])[expected].body == body


def test_the_single_file_has_everything_and_may_run_nothing_else() -> None:
    html = single_file()
    assert not re.search(r"<script src|<link rel=.stylesheet", html)
    policy = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', html)
    assert policy
    assert html.index(policy[0]) < min(html.index("<script"), html.index("<style"))
    for kind in ("script", "style"):
        found = re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        assert found == ["".join(text for name, text in parts().items() if name.endswith(".js" if kind == "script" else ".css"))]
        hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'" for part in found]
        assert f"{kind}-src {' '.join(hashes)};" in policy[1]
    assert "default-src 'none'" in policy[1]
    assert "connect-src ws: wss:;" in policy[1]
