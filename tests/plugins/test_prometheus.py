"""Figures over HTTP: what is asked for, what is not there, and what is measured of a process."""

import os
from http import HTTPStatus

import pytest

from plytalk.core.contracts.measures import Measure
from plytalk.plugins.prometheus import answer, process, where_served
from plytalk.plugins.small_http import HttpRequest

CUPS = [Measure("plytalk_cups", "Cups.", 7)]


def test_figures_and_health_are_answered_and_nothing_else() -> None:
    given = {path: answer(HttpRequest(path, ""), CUPS) for path in ("/metrics", "/healthz", "/")}
    assert [one.status for one in given.values()] == [HTTPStatus.OK, HTTPStatus.OK, HTTPStatus.NOT_FOUND]
    assert given["/metrics"].body.splitlines()[-1] == "plytalk_cups 7"
    assert given["/healthz"].body == "ok\n"


@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_before_the_start_there_is_nothing(path: str) -> None:
    assert answer(HttpRequest(path, ""), None).status is HTTPStatus.SERVICE_UNAVAILABLE


def test_figures_for_others_are_said_to_be() -> None:
    assert where_served("127.0.0.1", 9591) == "Figures for Prometheus at http://127.0.0.1:9591/metrics."
    assert where_served("::1", 9591) == "Figures for Prometheus at http://[::1]:9591/metrics."
    assert where_served("0.0.0.0", 9591).endswith(" Anyone who can reach that address can read them.")


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="there is no /proc")
def test_open_files_are_counted() -> None:
    assert {one.name: one.value for one in process()}["process_open_fds"] == len(os.listdir("/proc/self/fd")) - 1
