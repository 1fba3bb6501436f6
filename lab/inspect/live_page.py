"""The inspector as a page that follows the conversations of a server while they go on."""

import json
import re
from http import HTTPStatus

from msgspec.structs import replace

from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.frames import Inspection
from plytalk.lab.inspect.page import PageData, live_page
from plytalk.plugins.small_http import OWN_FILES_ONLY, HttpAnswer
from plytalk.plugins.web.http_head import RequestHead
from plytalk.plugins.web.page_files import KINDS, plain

MOST = 10_000
"""How many frames are kept; later ones are not shown."""
AT_ONCE = 500
"""How many are in one answer."""
TITLE = "Conversations, layer by layer, while they go on"
SECRETS = ("keys", "schedule")
HEADERS = {**OWN_FILES_ONLY, "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"}
"""It says what the page may run and load."""


class LivePage:
    """A trace that is a page: `/`, and `/frames/F/S` for what is new behind F frames and S strings. It never has keys."""

    def __init__(self) -> None:
        self._inspection, self._data = Inspection(), PageData()
        self._began: float | None = None

    def __call__(self, event: TraceEvent) -> None:
        if event.layer in SECRETS or len(self._data) >= MOST:
            return
        if self._began is None:
            self._began = event.time
        self._data.add(self._inspection.add(replace(event, time=event.time - self._began)))

    def answer(self, head: RequestHead) -> HttpAnswer:
        """The answer to a request."""
        wanted = re.fullmatch(r"/frames/([0-9]{1,6})/([0-9]{1,6})", head.path)
        if head.path == "/":
            return HttpAnswer(HTTPStatus.OK, live_page(self._data, TITLE), KINDS[".html"], HEADERS)
        if not wanted or int(wanted[1]) > len(self._data):
            return plain(HTTPStatus.NOT_FOUND, "There is no such page.")
        news = self._data.since(int(wanted[1]), int(wanted[2]), AT_ONCE)
        full = f"No more than {MOST:,} frames are shown." if len(self._data) >= MOST else ""
        return HttpAnswer(HTTPStatus.OK, json.dumps({**news, "full": full}), "application/json", OWN_FILES_ONLY)
