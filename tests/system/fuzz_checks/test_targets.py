"""Every fuzz target, in the ordinary run: the committed corpus, what mutation makes of it, and what Hypothesis thinks up.

Guided by coverage, and for longer, it is `./run python -m tests.system.fuzz.run` (tests/system/fuzz/README.md).
"""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[3]
FUZZ = ROOT / "tests" / "system" / "fuzz"
CORPUS = FUZZ / "corpus"
sys.path.insert(0, str(ROOT))

from plytalk.plugins.files.feeds import Feed  # noqa: E402
from tests.system.fuzz import run  # noqa: E402
from tests.system.fuzz.targets import TARGETS  # noqa: E402

QUICK = settings(
    max_examples=40,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def corpus(target):
    return [file.read_bytes() for file in sorted((CORPUS / target).iterdir())]


@st.composite
def inputs(draw, seeds):
    """Any bytes, or some seed with a piece of it replaced."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=300))
    seed = draw(st.sampled_from(seeds))
    at = draw(st.integers(0, len(seed)))
    return seed[:at] + draw(st.binary(max_size=12)) + seed[at + draw(st.integers(0, 12)) :]


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_read_without_a_crash(target):
    seeds = corpus(target)
    assert seeds
    for seed in seeds:
        assert TARGETS[target](seed) is None


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_crashes(target):
    @QUICK
    @given(inputs(corpus(target)))
    def feed(data):
        fed.append(data)
        assert TARGETS[target](data) is None

    fed = []
    feed()
    assert len(set(fed)) > 1


def test_the_corpus_is_small_and_has_something_for_every_target_and_for_nothing_else():
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in files} == set(TARGETS)
    assert max(file.stat().st_size for file in files) <= 4096
    assert sum(file.stat().st_size for file in files) < 200 * 1024


def fuzz_run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "tests.system.fuzz.run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_target_that_is_none_is_named():
    done = fuzz_run("nonsense")
    assert done.returncode == 2
    assert "there is no target 'nonsense'" in done.stderr


def test_without_atheris_it_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert run.main(["address"]) == 2
    assert "./run --group fuzz" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("atheris") is None, reason="needs atheris: ./run --group fuzz")
def test_a_short_guided_run_counts_its_inputs(tmp_path):
    done = fuzz_run("address", "--minutes", "0.01", "--into", str(tmp_path), "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["inputs"] == figures["targets"]["address"] > 0
    assert f"{figures['inputs']:,} inputs to 1 targets" in done.stdout
    assert not list((tmp_path / "crashes").iterdir())


@pytest.mark.skipif(find_spec("atheris") is None, reason="needs atheris: ./run --group fuzz")
def test_a_crash_ends_the_run_and_keeps_its_input(tmp_path):
    """A copy of the fuzzer whose target `address` minds the letter q in the host."""
    shutil.copytree(
        FUZZ, tmp_path / "tests" / "system" / "fuzz", ignore=shutil.ignore_patterns("found", "crashes", "__pycache__")
    )
    targets = tmp_path / "tests" / "system" / "fuzz" / "targets.py"
    targets.write_text(targets.read_text().replace("        assert host\n", '        assert "q" not in host\n'))
    command = [sys.executable, "-m", "tests.system.fuzz.run", "address", "framer-raw", "--minutes", "2", "--jobs", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "address crashed" in done.stderr
    assert "AssertionError" in done.stderr
    (kept,) = (tmp_path / "tests" / "system" / "fuzz" / "crashes").glob("address-crash-*")
    assert b"q" in kept.read_bytes()
    assert "framer-raw" not in done.stdout


def test_the_seeds_about_files_offer_and_open(monkeypatch):
    """A server refuses what does not describe a file: the streams behind such an offer are never reached."""
    begun = []
    monkeypatch.setattr(Feed, "begin_soon", lambda feed, alone: begun.append(feed))
    for seed in corpus("file-items"):
        TARGETS["file-items"](seed)
    assert len(begun) >= 5


def test_a_target_of_a_guided_run_is_found_by_its_process(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        run.start("address", 1, tmp_path, log).wait(180)
    said = (tmp_path / "log").read_text()
    assert "number_of_executed_units" in said or "No module named 'atheris'" in said
