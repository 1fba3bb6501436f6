"""The distribution of a module: one rule for all distributions."""

from pathlib import Path

import pytest
from strangers import plant_metadata

from plytalk.core.contracts.origins import Owner, Owners, origin, package_of


@pytest.mark.parametrize(
    ("modules", "package"),
    [
        (["one"], "one"),
        (["one.layer"], "one"),
        (["one.two.layer"], "one.two"),
        (["one.a.x", "one.a.y", "one.b.z"], "one"),
        (["one", "one.more"], "one"),
        (["one", "two"], ""),
        ([], ""),
    ],
)
def test_the_package_of_a_distribution(modules: list[str], package: str) -> None:
    assert package_of(modules) == package


def test_modules_that_no_entry_point_names_belong_to_the_distribution_too(site: Path) -> None:
    plant_metadata(site, "plytalk-cipher-x", "[plytalk]\ncipher-x = pkg_x.layer\n\n[other]\na = b\n")
    plant_metadata(site, "two", "[plytalk]\ncipher-y = y\ncipher-z = z\nhandshake-z = z\n")
    owners = Owners()
    assert owners.of("pkg_x.layer") == owners.of("pkg_x.helper") == Owner("plytalk-cipher-x 1.0", ("cipher-x",))
    assert owners.of("y") == Owner("two 1.0", ("cipher-y",))
    assert owners.of("z") == Owner("two 1.0", ("cipher-z", "handshake-z"))
    for nobody in ("pkg_xy", "z.more.b", "asyncio.events", "b", ""):
        assert owners.of(nobody) is None
    assert origin("pkg_x.helper") == "plytalk-cipher-x 1.0"


def test_a_damaged_distribution_does_not_hide_the_others(site: Path) -> None:
    plant_metadata(site, "damaged", "[plytalk]\nno equals sign\n")
    plant_metadata(site, "sound", "[plytalk]\ncipher-y = y\n")
    assert Owners().of("y") == Owner("sound 1.0", ("cipher-y",))


def test_ours_are_known_by_the_same_rule() -> None:
    owners = Owners()
    plugin = owners.of("plytalk.plugins.features.rooms")
    helper = owners.of("plytalk.plugins.rooms.hub")
    assert plugin
    assert helper
    assert plugin.title.startswith("The plugin `feature-rooms` of plytalk ")
    assert helper.title == f"A plugin of {plugin.distribution}"
    for framework in ("plytalk.core.pipeline.connection", "plytalk.cli.main", "plytalk"):
        assert owners.of(framework) is None
