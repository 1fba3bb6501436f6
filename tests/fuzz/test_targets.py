"""Every target of fuzz/, in the ordinary run: the committed corpus, what mutation makes of it, and what Hypothesis thinks up.

Guided by coverage, and for longer, it is `./run python -m fuzz.run` (fuzz/README.md).
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "fuzz" / "corpus"
sys.path.insert(0, str(ROOT))

from fuzz.targets import TARGETS  # noqa: E402

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
    for seed in corpus(target):
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_crashes(target):
    @QUICK
    @given(inputs(corpus(target)))
    def feed(data):
        TARGETS[target](data)

    feed()


def test_the_corpus_is_small_and_has_something_for_every_target_and_for_nothing_else():
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in files} == set(TARGETS)
    assert max(file.stat().st_size for file in files) <= 4096
    assert sum(file.stat().st_size for file in files) < 200 * 1024


def test_a_target_that_is_none_is_named():
    done = subprocess.run([sys.executable, "-m", "fuzz.run", "nonsense"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no target 'nonsense'" in done.stderr


@pytest.mark.skipif(find_spec("atheris") is not None, reason="atheris is installed")
def test_without_atheris_it_says_how_to_get_it():
    done = subprocess.run([sys.executable, "-m", "fuzz.run", "address"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install" in done.stderr
