"""`chat bench`: a stack beside the built-in ones, as a table and for programs."""

import json

import pytest
from programs import ENVIRONMENT, chat, importing
from strangers import good, plant

QUICK = ("--rounds", "1", "--seconds", "0.001")


def bench(*arguments: str, environment=ENVIRONMENT, status: int = 0):
    run = chat("bench", *QUICK, *arguments, environment=environment)
    assert run.returncode == status, run.stderr
    return run


def test_a_table_of_80_columns_begins_with_the_chosen_stack() -> None:
    lines = bench("--profile", "demo02").stdout.splitlines()
    assert lines[0] == "Both ends in one process, in memory; medians of 1 round."
    assert lines[4].split()[:2] == ["*", "demo02"]
    assert {line.split()[0] for line in lines[5:8]} == {"demo01", "plytalk1", "secure-chat"}
    assert lines[-1] == "* length | rsa | aesgcm | trimmed"
    assert max(map(len, lines)) <= 80


def test_a_stack_of_one_s_own_choice_stands_beside_the_profiles() -> None:
    report = json.loads(
        bench("--handshake", "rsa", "--cipher", "chacha20poly1305", "--sizes", "10,100", "--tcp", "--json").stdout
    )
    assert {name: report[name] for name in ("rounds", "seconds", "through")} == {"rounds": 1, "seconds": 0.001, "through": "tcp"}
    mine, *others = report["stacks"]
    assert (mine["name"], mine["chosen"]) == ("yours", True)
    assert mine["layers"] == {"framer": "typed", "handshake": "rsa", "cipher": "chacha20poly1305", "messages": "text"}
    assert {one["name"] for one in others} == {"demo01", "demo02", "plytalk1", "secure-chat"}
    assert not any(one["chosen"] for one in others)
    assert [(one["bytes"], one["added_bytes"]) for one in mine["messages"]] == [(10, 33), (100, 33)]
    for one in report["stacks"]:
        assert one["handshakes_per_second"] > 0
        assert all(each["per_second"] > 0 for each in one["messages"])


def test_a_plugin_is_measured_like_any_layer(tmp_path) -> None:
    plant(tmp_path, "plytalk-cipher-mine", {"cipher-mine": good("mine")})
    layers = ("--cipher", "mine", "--handshake", "none", "--framer", "typed", "--messages", "text")
    out = bench(*layers, environment=ENVIRONMENT | importing(tmp_path)).stdout
    assert "\n* yours " in out
    assert out.endswith("\n* typed | none | mine | text\n")


def test_nothing_of_the_user_is_touched(tmp_path) -> None:
    bench(environment={**ENVIRONMENT, "HOME": str(tmp_path), "PLYTALK_HOME": str(tmp_path / "home")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sizes", ["", "0", "x", "16,,32", "1000000000"])
def test_sizes_that_make_no_sense_are_refused(sizes: str) -> None:
    assert "is not a list of sizes from 1 to" in bench("--sizes", sizes, status=2).stderr


def test_a_stack_that_cannot_work_is_refused() -> None:
    assert "needs" in bench("--cipher", "aesgcm", "--handshake", "none", status=2).stderr
