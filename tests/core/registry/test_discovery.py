import importlib.metadata
import sys
import zipfile
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
from strangers import good, plant, plant_metadata

from plytalk.core.registry.discovery import MetadataFolder, distributions
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


def entry_points(found: object) -> list[str]:
    return sorted(text for each in found if (text := each.read_text("entry_points.txt")))  # type: ignore[attr-defined]


def test_the_folders_of_the_path_hold_what_importlib_metadata_finds(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    (site / "old.egg-info").write_text("Name: old")  # a file, as distutils wrote it
    monkeypatch.setattr(PathFinder, "find_distributions", usual_finder())
    monkeypatch.setattr(sys, "path", [*sys.path, str(site / "is-not-there")])
    assert all(isinstance(each, MetadataFolder) for each in distributions())
    assert entry_points(distributions()) == entry_points(importlib.metadata.distributions())


def test_a_folder_that_a_program_has_put_into_the_path_as_a_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    monkeypatch.setattr(PathFinder, "find_distributions", usual_finder())
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])
    assert "fine" in Registry().names("cipher")


def usual_finder() -> object:
    """Python's own, where the tests hide what else is installed."""

    def find_distributions(*context: object) -> object:
        return importlib.metadata.MetadataPathFinder.find_distributions(*context)  # type: ignore[arg-type]

    find_distributions.__module__ = PathFinder.__module__
    return staticmethod(find_distributions)


def test_a_plugin_in_a_zip_archive_is_found(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(site, "plytalk-cipher-zipped", {"cipher-zipped": good("zipped")})
    with zipfile.ZipFile(tmp_path / "zipped.zip", "w") as archive:
        for file in [*site.glob("*.py"), *site.glob("*.dist-info/*")]:
            archive.write(file, file.relative_to(site))
            file.unlink()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "zipped.zip"), *sys.path])
    assert Registry().layer("cipher", "zipped").name == "zipped"


def test_a_plugin_that_another_finder_knows_is_found(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "plytalk-cipher-known", {"cipher-known": good("known")})

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            return PathFinder.find_spec(name, [str(tmp_path)]) if name == "plytalk_cipher_known_cipher_known" else None

        @staticmethod
        def find_distributions(context: importlib.metadata.DistributionFinder.Context) -> object:
            return map(importlib.metadata.PathDistribution, tmp_path.glob("*.dist-info"))

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert Registry().layer("cipher", "known").name == "known"
