"""Models for Verifpal: grammar, constants, and, where the tool is installed, its verdicts."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from verifpal_grammar import faults_of

from plytalk.core.contracts.peers import Role
from plytalk.plugins.noise import patterns
from plytalk.plugins.noise.protocol import interactive, named
from plytalk.plugins.noise.verifpal_model import noise_model

NAMES = sorted(
    f"Noise_{line.split(':')[0].strip()}_25519_ChaChaPoly_SHA256"
    for table in (patterns.ONE_WAY, patterns.FUNDAMENTAL, patterns.DEFERRED)
    for line in table.splitlines()
    if line.strip()
)
MORE = (
    "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256", "Noise_XXhfs+psk3_25519+MLKEM768_AESGCM_SHA256",
    "Noise_NNpsk0_25519_AESGCM_SHA256", "Noise_IKpsk2_25519_AESGCM_SHA256", "Noise_KKpsk1_25519_AESGCM_SHA256",
)  # fmt: skip


@pytest.mark.parametrize("known", [(), (Role.RESPONDER,), tuple(Role)], ids=len)
@pytest.mark.parametrize("name", [*NAMES, *MORE])
def test_every_pattern_gives_a_model_that_verifpal_reads(name: str, known: tuple[Role, ...]) -> None:
    assert faults_of(noise_model(named(name), known)) == []
    assert faults_of(noise_model(named(name), known, identities=False)) == []


def test_each_message_of_the_pattern_is_a_message_of_the_model() -> None:
    model = noise_model(named(MORE[0]), {Role.RESPONDER})
    arrows = re.findall(r"^(\w+ -> \w+): (.+)$", model, re.M)
    assert [arrow for arrow, _ in arrows] == [
        "Server -> Client", "Client -> Server", "Server -> Client", "Client -> Server", "Client -> Server", "Server -> Client",
    ]  # fmt: skip
    assert arrows[0][1] == "[gid_s]"
    assert [len(sent.split(", ")) for _, sent in arrows[1:4]] == [2, 4, 2]


def test_a_key_that_is_not_known_beforehand_is_taken_as_it_comes() -> None:
    pinned, unpinned = (noise_model(named(MORE[0]), known) for known in ({Role.RESPONDER}, frozenset()))
    assert "valid_s = SIGNVERIF(gid_s, seen_s_c, signed_s)?" in pinned
    assert "valid_s = SIGNVERIF(shown_s, seen_s_c, signed_s)?" in unpinned
    assert "[gid_s]" not in unpinned


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("ge_c = G^e_c", "ge_c = G^e_s", "Client does not have e_s"),
        ("generates e_c", "generates e_c, e_c_", ""),
        ("HASH(h0_c, ge_c)", "HASH(h0_c)", ""),
        ("HASH(h0_c, ge_c)", "HACH(h0_c, ge_c)", "not understood: HACH(h0_c, ge_c)"),
        ("h1_c = HASH", "h0_c = HASH", "h0_c is made twice"),
        ("Client -> Server: ge_c", "Client -> Server: e_s", "Client sends e_s, which it does not have"),
        ("confidentiality? word1", "confidentiality? word9", "a query about word9, which nobody makes"),
        ("attacker[active]", "attacker", "it does not begin with the attacker"),
    ],
)
def test_the_reader_sees_what_is_wrong(right: str, wrong: str, said: str) -> None:
    model = noise_model(named("Noise_NN_25519_AESGCM_SHA256"), ())
    assert right in model
    faults = faults_of(model.replace(right, wrong, 1))
    assert (said in faults) if said else isinstance(faults, list)


@pytest.mark.skipif(not shutil.which("verifpal"), reason="needs verifpal: https://verifpal.com")
@pytest.mark.parametrize(("known", "found"), [((Role.RESPONDER,), ["c0", "c0"]), ((), ["c1", "c1"])], ids=["known", "unknown"])
def test_verifpal_finds_what_the_lab_finds(tmp_path: Path, known: tuple[Role, ...], found: list[str]) -> None:
    """The secrecy of what the two say: the lab's `mitm` is held where the server's key is known, and broken where it is not."""
    model = tmp_path / "model.vp"
    model.write_text(noise_model(interactive("XX", "25519_ChaChaPoly_SHA256"), known))
    run = subprocess.run(
        ["verifpal", "internal-json", "verify", str(model)], capture_output=True, text=True, timeout=600, check=False
    )
    assert re.findall(r"c[01]", run.stdout)[:2] == found
