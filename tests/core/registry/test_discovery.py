from pathlib import Path

import pytest
from strangers import good, plant, plant_metadata

from plytalk.core.registry.registry import Registry


def sentences(registry: Registry) -> list[str]:
    return [problem.error.sentence for problem in registry.problems]


@pytest.mark.parametrize(
    "name", ["cipher", "cipher-", "-x", "cypher-x", "Cipher-x", "cipher-X", "cipher-\x1b[31m", "cipher-a b", "x", "cipher--x"]
)
def test_a_bad_name_of_an_entry_point_is_a_problem_and_no_layer(site: Path, name: str) -> None:
    plant_metadata(site, "plytalk-cipher-odd", f"[plytalk]\n{name} = plytalk_cipher_odd\n")
    registry = Registry()
    [sentence] = sentences(registry)
    assert "is not called KIND-NAME" in sentence
    assert "plytalk-cipher-odd 1.0" in sentence
    assert "\x1b" not in sentence
    assert not [found for found in registry.found.values() if found.distribution != "plytalk"]


@pytest.mark.parametrize("value", ["module:Class", "module [extra]", "", "no-module", "a..b"])
def test_a_value_that_is_no_module_is_a_problem(site: Path, value: str) -> None:
    plant_metadata(site, "plytalk-cipher-odd", f"[plytalk]\ncipher-odd = {value}\n")
    registry = Registry()
    assert "which is not a module" in sentences(registry)[0]
    assert "odd" not in registry.names("cipher")


@pytest.mark.parametrize("text", ["[plytalk]\nrubbish\n", b"[plytalk]\ncipher-x = \xff\xfe\n"])
def test_damaged_metadata_is_a_problem_and_hides_nobody_else(site: Path, text: str | bytes) -> None:
    plant_metadata(site, "plytalk-cipher-damaged", text)
    plant(site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    registry = Registry()
    assert "plytalk_cipher_damaged-1.0.dist-info cannot be read" in sentences(registry)[0]
    assert registry.layer("cipher", "fine").name == "fine"
    assert "aesgcm" in registry.names("cipher")


def test_damaged_metadata_of_somebody_who_has_nothing_to_do_with_us_is_none_of_our_business(site: Path) -> None:
    plant_metadata(site, "unrelated", b"[console_scripts]\nx = \xff\xfe\n")
    plant_metadata(site, "related", "[plytalk]\nrubbish\n")
    [sentence] = sentences(Registry())
    assert "related-1.0.dist-info cannot be read" in sentence


def test_a_distribution_without_a_name_is_no_reason_to_stop(site: Path) -> None:
    plant(site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    (site / "plytalk_cipher_fine-1.0.dist-info" / "METADATA").write_text("")
    assert Registry().layer("cipher", "fine").name == "fine"


def test_the_same_distribution_twice_on_the_path_is_one(site: Path) -> None:
    plant(site, "plytalk-cipher-x", {"cipher-x": good("x")})
    plant(site, "plytalk-cipher-x", {"cipher-x": good("x")}, version="0.9")
    registry = Registry()
    assert registry.layer("cipher", "x").name == "x"
    assert not registry.problems
