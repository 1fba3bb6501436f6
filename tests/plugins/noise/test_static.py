"""A Noise static key in its own file."""

import stat

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise.primitives import X448, X25519
from plytalk.plugins.noise.static import from_hex, load_or_make
from plytalk.trust.store_errors import Exposed


@pytest.mark.parametrize("dh", [X25519, X448])
def test_it_is_made_once_and_kept_for_this_user_alone(dh, tmp_path):
    file = tmp_path / "folder" / "static"
    made = load_or_make(file, dh)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == made.private.private_bytes_raw().hex() + "\n"
    assert load_or_make(file, dh).public == made.public


def test_without_a_file_it_is_another_each_time():
    assert load_or_make(None, X25519).public != load_or_make(None, X25519).public


def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "static"
    file.write_text("00" * 32)
    file.chmod(0o644)
    with pytest.raises(Exposed):
        load_or_make(file, X25519)


@pytest.mark.parametrize("text", ["", "00" * 31, "00" * 33, "zz" * 32, "00" * 56, "\udcff"])
def test_what_is_no_key_is_refused_and_not_repeated(text, tmp_path):
    file = tmp_path / "static"
    file.write_bytes(text.encode(errors="surrogateescape"))
    file.chmod(0o600)
    with pytest.raises(Usage, match="holds no key for 25519: that is 64 hexadecimal digits") as caught:
        load_or_make(file, X25519)
    assert not text or text not in str(caught.value)


def test_hex_may_come_with_spaces_and_capitals():
    assert from_hex("AB" * 31 + " cd", X25519, "--remote-key") == bytes.fromhex("ab" * 31 + "cd")
