"""The page of a class: everyone's progress, read again every second.

Three files without anything from elsewhere, and `state.json`. Names reach the page as data and are set as text; the policy of the
page allows its own files and nothing else, and a request by another name than the server's address is refused, so that no other
site can read it (DNS rebinding).
"""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from plytalk.core.io.address import Address, join_address
from plytalk.plugins.small_http import OWN_FILES_ONLY, HttpAnswer, HttpRequest, HttpServer

FILES = {
    "/": ("progress.html", "text/html; charset=utf-8"),
    "/progress.css": ("progress.css", "text/css; charset=utf-8"),
    "/progress.js": ("progress.js", "text/javascript; charset=utf-8"),
}
STATE = "/state.json"


class ProgressPage:
    """Serves the page at an address; `state` gives what it shows."""

    def __init__(self, address: Address, state: Callable[[], Mapping[str, Any]]) -> None:
        self._address, self._state = address, state
        self._http = HttpServer(self.answer)
        self._names: set[str] = set()

    async def listen(self) -> str:
        """Begin to serve it, and say where. Raises CannotConnect."""
        host, port = await self._http.listen("--page", self._address)
        self._names = {join_address(name, port) for name in (host, self._address.host, "localhost")}
        sentence = f"The page of the class: http://{join_address(host, port)}/"
        return sentence if ip_address(host).is_loopback else f"{sentence} Anyone who can reach that address can read it."

    def close(self) -> None:
        self._http.close()

    def answer(self, request: HttpRequest) -> HttpAnswer:
        if not self._is_ours(request.host):
            return HttpAnswer(HTTPStatus.MISDIRECTED_REQUEST, "Open the page by the address that the class shows.\n")
        if request.path == STATE:
            return HttpAnswer(HTTPStatus.OK, json.dumps(self._state()), "application/json", OWN_FILES_ONLY)
        if request.path not in FILES:
            return HttpAnswer(HTTPStatus.NOT_FOUND, "There is no such page.\n")
        name, kind = FILES[request.path]
        return HttpAnswer(HTTPStatus.OK, Path(__file__).with_name(name).read_text(encoding="utf-8"), kind, OWN_FILES_ONLY)

    def _is_ours(self, host: str) -> bool:
        """Whether a request names this server. One that serves every network has many names, all of them addresses."""
        if host in self._names:
            return True
        try:
            return not ip_address(self._address.host).is_loopback and bool(ip_address(host.rpartition(":")[0].strip("[]")))
        except ValueError:
            return False
