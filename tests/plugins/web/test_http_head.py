"""The head of a request: what is read, and what is refused."""

from http import HTTPStatus

import pytest

from plytalk.plugins.web.http_head import LONGEST, MOST_FIELDS, HttpRefused, head_size, is_this_machine, malformed, read_head

GOOD = b"GET /page.css?v=1 HTTP/1.1\r\nHost: [::1]:8080\r\nAccept:  a, b \r\nACCEPT: c\r\nX-\xe9t\xe9: ignored\r\n\r\n"
BAD = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "an absolute target": b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "more behind the version": b"GET / HTTP/1.1 x\r\nHost: localhost\r\n\r\n",
    "a longer version": b"GET / HTTP/1.10\r\nHost: localhost\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: localhost\r\n\r\n",
    "a line feed in a value": b"GET / HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
    "a zero byte": b"GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "a field without a colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nnothing\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n",
    "a body": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a length with a sign": b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: +0\r\n\r\n",
    "chunks": b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
    "hidden chunks": b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
}


def test_a_head_is_read() -> None:
    head = read_head(GOOD.replace(b"X-\xe9t\xe9", b"X-Other"))
    assert (head.method, head.path, head.host) == ("GET", "/page.css", "::1")
    assert head.all("accept") == "a, b,c"
    assert head.all("cookie") == ""
    assert read_head(b"POST / HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").method == "POST"


@pytest.mark.parametrize("head", [*BAD.values(), GOOD], ids=[*BAD, "a name of other letters"])
def test_what_could_be_read_in_two_ways_is_refused(head: bytes) -> None:
    with pytest.raises(HttpRefused) as refused:
        read_head(head)
    assert refused.value.status is HTTPStatus.BAD_REQUEST


def test_a_head_has_so_many_fields_at_most() -> None:
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(MOST_FIELDS))
    assert read_head(b"GET / HTTP/1.1\r\n" + fields.replace(b"X-0", b"Host") + b"\r\n").host == "y"
    with pytest.raises(HttpRefused, match="at most 64 header fields"):
        read_head(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + fields + b"\r\n")


def test_a_head_is_whole_at_its_empty_line_and_has_so_many_bytes_at_most() -> None:
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert head_size(whole + b"more") == len(whole)
    assert [head_size(whole[:size]) for size in range(len(whole))] == [0] * len(whole)
    longest = whole[:-4].ljust(LONGEST - 4, b"x") + b"\r\n\r\n"
    assert head_size(longest) == LONGEST
    for too_long in (bytes(LONGEST + 1), longest[:-4] + b"x\r\n\r\n"):
        with pytest.raises(HttpRefused, match="at most 8,192 bytes") as refused:
            head_size(too_long)
        assert refused.value.status is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@pytest.mark.parametrize(
    ("host", "name", "ours"),
    [
        ("localhost", "localhost", True),
        ("LocalHost:8080", "LocalHost", True),
        ("127.0.0.1:80", "127.0.0.1", True),
        ("127.9.9.9", "127.9.9.9", True),
        ("[::1]:80", "::1", True),
        ("[::1]", "::1", True),
        ("", "", False),
        ("0.0.0.0", "0.0.0.0", False),
        ("192.0.2.7:80", "192.0.2.7", False),
        ("evil.example:80", "evil.example", False),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example", False),
        ("localhost.evil.example", "localhost.evil.example", False),
        ("localhost:80:80", "localhost:80", False),
    ],
)
def test_only_a_number_or_localhost_is_this_machine(host: str, name: str, ours: bool) -> None:
    head = read_head(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert head.host == name
    assert is_this_machine(head.host) is ours


def test_a_refusal_is_a_handshake_that_failed_in_one_sentence() -> None:
    assert malformed("This is not a request.").sentence == "This is not a request."
