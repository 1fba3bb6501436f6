"""The head of an HTTP request (RFC 9112), read strictly: what two programs on the way could read differently is refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address

from plytalk.core.contracts.errors import HandshakeFailed

LONGEST = 8192
"""The longest head, in bytes."""
MOST_FIELDS = 64
END = b"\r\n\r\n"

_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]*) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)")


class HttpRefused(HandshakeFailed):
    """A request was refused. The sentence is the answer's body."""

    hint = ""

    def __init__(self, status: HTTPStatus, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class RequestHead:
    """A request without a body; the names of its fields are in lower case. `path` is without the query."""

    method: str
    path: str
    fields: Mapping[str, Sequence[str]]

    def all(self, name: str) -> str:
        """The values of all fields of this name, as one list; empty where there is none."""
        return ",".join(self.fields.get(name, ()))

    @property
    def host(self) -> str:
        """The host that was asked for, without its port."""
        name, _, port = self.all("host").rpartition(":")
        return (name if name and port.isdigit() else self.all("host")).strip("[]")


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine by a number, or is localhost: no other name is proof of where it leads."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def head_size(came: bytes | bytearray) -> int:
    """The size of the head that this begins with, in bytes; 0 until it is whole. Raises HttpRefused."""
    size = came.find(END) + len(END)
    if size > LONGEST or (size < len(END) and len(came) > LONGEST):
        raise HttpRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request has at most {LONGEST:,} bytes here.")
    return size if size >= len(END) else 0


def read_head(head: bytes) -> RequestHead:
    """Read a whole head. Raises HttpRefused."""
    first, *lines = head.removesuffix(END).split(b"\r\n")
    request = _LINE.fullmatch(first)
    if not request:
        raise malformed("This is not an HTTP/1.1 request.")
    if len(lines) > MOST_FIELDS:
        raise HttpRefused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request has at most {MOST_FIELDS} header fields here.")
    fields: dict[str, list[str]] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if not field:
            raise malformed("A header field of this request is malformed.")
        fields.setdefault(field[1].decode().lower(), []).append(field[2].decode("latin-1").strip())
    if "transfer-encoding" in fields or fields.get("content-length", ["0"]) != ["0"]:
        raise malformed("A request has no body here.")
    if len(fields.get("host", ())) != 1:
        raise malformed("A request has one Host field.")
    return RequestHead(request[1].decode(), request[2].partition(b"?")[0].decode(), fields)


def malformed(sentence: str) -> HttpRefused:
    """The refusal of a request that is not one."""
    return HttpRefused(HTTPStatus.BAD_REQUEST, sentence)
