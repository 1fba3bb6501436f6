"""Figures for Prometheus over HTTP: /metrics in its text format 0.0.4, /healthz, and what is measured of the process itself."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path

from plytalk.core.contracts.measures import CONTENT_TYPE, Measure, exposition
from plytalk.core.io.address import join_address
from plytalk.plugins.small_http import HttpAnswer, HttpRequest

_STARTED = time.time()


def answer(request: HttpRequest, measures: Iterable[Measure] | None) -> HttpAnswer:
    """The answer to a request; without measures the program is still starting."""
    if request.path not in ("/metrics", "/healthz"):
        return HttpAnswer(HTTPStatus.NOT_FOUND, "Only /metrics and /healthz exist.\n", CONTENT_TYPE)
    if measures is None:
        return HttpAnswer(HTTPStatus.SERVICE_UNAVAILABLE, "starting\n", CONTENT_TYPE)
    body = exposition(measures) if request.path == "/metrics" else "ok\n"
    return HttpAnswer(HTTPStatus.OK, body, CONTENT_TYPE)


def where_served(host: str, port: int) -> str:
    """The sentence that tells where the figures are."""
    sentence = f"Figures for Prometheus at http://{join_address(host, port)}/metrics."
    return sentence if ip_address(host).is_loopback else f"{sentence} Anyone who can reach that address can read them."


def process() -> Iterator[Measure]:
    """The process under the names that Prometheus' own libraries give; memory and files only where there is /proc."""
    yield Measure("process_start_time_seconds", "When it began, in seconds since 1970.", _STARTED)
    yield Measure("process_cpu_seconds_total", "Processor time, in seconds.", time.process_time(), "counter")
    with suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        yield Measure("process_resident_memory_bytes", "Memory in use, in bytes.", pages * os.sysconf("SC_PAGE_SIZE"))
        # Linux 6.2 and newer tell how many at once; to list ten thousand takes 30 ms, in which nobody else is served.
        open_files = os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")) - 1
        yield Measure("process_open_fds", "Open files and connections.", open_files)
