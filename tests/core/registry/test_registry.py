import os
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from strangers import TROUBLE, bad, good, plant, plant_metadata

from plytalk.core.contracts.errors import BrokenPlugin, DuplicateLayer, Refused, UnknownLayer
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.kinds import KINDS
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.registry.registry import Registry
from plytalk.testing import stack_of


def sentences(registry: Registry) -> list[str]:
    return [problem.error.sentence for problem in registry.problems]


# -- what is there


def test_every_kind_of_layer_but_auth_and_feature_has_a_built_in_one() -> None:
    registry = Registry()
    for kind in KINDS:
        for name in registry.names(kind):
            assert registry.layer(kind, name).name == name
            assert registry.layer(kind, name).kind == kind
    assert not registry.problems
    assert {kind for kind in KINDS if registry.names(kind)} >= set(KINDS) - {"auth", "feature"}


PROFILE = """
from plytalk import Profile, hookimpl

@hookimpl
def profiles():
    return [Profile("mine", "Mine.", 1, {"cipher": "none"}, is_default=True)]
"""


def test_the_default_profile_says_so_itself_and_names_what_is_usual() -> None:
    registry = Registry()
    assert registry.default_profile in registry.profiles()
    for kind, name in registry.default_profile.otherwise.items():
        assert registry.layer(kind, "") is registry.layer(kind, name)
    with pytest.raises(UnknownLayer, match="There is no framer"):
        registry.layer("framer", "")


def test_two_default_profiles_are_none(site: Path) -> None:
    plant(site, "plytalk-profile-mine", {"profile-mine": PROFILE})
    registry = Registry()
    with pytest.raises(UnknownLayer, match="The profiles `plytalk1` and `mine` are each the default") as error:
        registry.default_profile  # noqa: B018
    assert "--profile" in error.value.hint
    assert Registry(blocked=["plytalk1"]).default_profile.name == "mine"
    with pytest.raises(UnknownLayer, match="No installed profile is the default"):
        Registry(blocked=["plytalk1", "mine"]).default_profile  # noqa: B018


def test_a_broken_profile_hides_no_other(site: Path) -> None:
    plant(site, "plytalk-profile-mine", {"profile-mine": "raise ValueError"})
    assert {profile.name for profile in Registry().profiles()} >= {"plytalk1", "secure-chat"}


def test_finding_imports_nothing(site: Path) -> None:
    plant(site, "plytalk-cipher-a", {"cipher-a": good("a")})
    registry = Registry()
    assert "a" in registry.names("cipher")
    assert "plytalk_cipher_a_cipher_a" not in sys.modules
    assert registry.layer("cipher", "a").summary() == "A stranger's cipher."
    assert "plytalk_cipher_a_cipher_a" in sys.modules


def test_one_layer_is_loaded_and_its_neighbour_is_not(site: Path) -> None:
    plant(site, "plytalk-cipher-two", {"cipher-a": good("a"), "cipher-b": good("b")})
    Registry().layer("cipher", "a")
    assert "plytalk_cipher_two_cipher_a" in sys.modules
    assert "plytalk_cipher_two_cipher_b" not in sys.modules


def test_an_unknown_layer_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownLayer, match="no cipher called `aesgmc`") as error:
        Registry().layer("cipher", "aesgmc")
    assert "Did you mean `aesgcm`?" in error.value.hint


def test_what_was_typed_is_shown_harmless() -> None:
    with pytest.raises(UnknownLayer) as error:
        Registry().layer("cipher", "\x1b[31m")
    assert "\x1b" not in error.value.sentence


# -- blocking


@pytest.mark.parametrize("name", ["a", "cipher-a", "plytalk-cipher-a", "Plytalk.Cipher_A"])
def test_a_blocked_plugin_is_not_there_and_not_imported(site: Path, name: str) -> None:
    plant(site, "plytalk-cipher-a", {"cipher-a": "raise SystemExit('imported')"})
    registry = Registry([name])
    registry.load_all()
    assert not registry.problems
    assert "a" not in registry.names("cipher")
    with pytest.raises(UnknownLayer, match="is blocked"):
        registry.layer("cipher", "a")


def test_a_name_that_nothing_has_cannot_be_blocked(site: Path) -> None:
    plant(site, "plytalk-cipher-a", {"cipher-a": "raise SystemExit('imported')"})
    for wrong in ("plytalk-cipher-b", "cipher-", "A", ""):
        with pytest.raises(UnknownLayer, match=rf"no plugin called `{wrong}` that could be blocked"):
            Registry(["a", wrong])


def test_a_built_in_layer_can_be_blocked_too() -> None:
    with pytest.raises(UnknownLayer, match="is blocked"):
        Registry(["aesgcm"]).layer("cipher", "aesgcm")


# -- trouble


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_is_named_and_stays_with_the_one_that_has_it(site: Path, trouble: str, capfd: pytest.CaptureFixture[str]) -> None:
    plant(site, "plytalk-cipher-bad", {f"cipher-{trouble}": bad(trouble)})
    plant(site, "plytalk-cipher-fine", {"cipher-fine": good("fine")})
    registry = Registry()
    working = [found.key for found, _ in registry.load_all()]
    assert "cipher-fine" in working
    assert f"cipher-{trouble}" not in working
    [sentence] = [one for one in sentences(registry) if "which no entry point names" not in one]
    assert TROUBLE[trouble][1] in sentence
    assert "plytalk-cipher-bad 1.0" in sentence
    for _ in range(2):
        with pytest.raises(BrokenPlugin) as error:
            registry.layer("cipher", trouble)
        assert error.value.exit_code == 7
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("trouble", TROUBLE)
def test_no_hook_of_a_broken_plugin_is_ever_called(site: Path, trouble: str) -> None:
    hook = "\nfrom plytalk import hookimpl\n\n@hookimpl\ndef session_closed(session, ending):\n    raise AssertionError\n"
    plant(site, "plytalk-cipher-bad", {f"cipher-{trouble}": bad(trouble) + hook})
    registry = Registry()
    with pytest.raises(BrokenPlugin):
        registry.layer("cipher", trouble)
    if trouble not in ("nothing", "other-name"):  # these work as plugins, only not under this name
        registry.manager.hook.session_closed(session=None, ending=None)


def test_an_entry_point_that_points_nowhere(site: Path) -> None:
    plant_metadata(site, "plytalk-cipher-gone", "[plytalk]\ncipher-gone = plytalk_cipher_gone\n")
    with pytest.raises(BrokenPlugin, match="No module named 'plytalk_cipher_gone'"):
        Registry().layer("cipher", "gone")


@pytest.mark.parametrize("value", ["plytalk_cipher_gone:Gone", "plytalk_cipher_gone [more]"])
def test_an_entry_point_that_does_not_name_a_module_alone(site: Path, value: str) -> None:
    plant_metadata(site, "plytalk-cipher-gone", f"[plytalk]\ncipher-gone = {value}\n")
    with pytest.raises(BrokenPlugin, match="which is not a module"):
        Registry().layer("cipher", "gone")


def test_an_entry_point_without_a_module_takes_no_name(site: Path) -> None:
    plant_metadata(site, "plytalk-cipher-hers", "[plytalk]\ncipher-aesgcm = plytalk_cipher_hers:Hers\n")
    assert Registry().layer("cipher", "aesgcm").name == "aesgcm"


def test_a_plugin_that_prints_is_heard_by_nobody_and_works(site: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plant(site, "plytalk-cipher-loud", {"cipher-loud": "import sys\nprint('BUY')\nprint('ME', file=sys.stderr)\n" + good("loud")})
    registry = Registry()
    assert registry.layer("cipher", "loud").name == "loud"
    assert capfd.readouterr() == ("", "")
    [problem] = registry.problems
    assert problem.usable
    assert "prints when it is imported: 'BUY ME'" in problem.error.sentence


def test_a_plugin_is_imported_afresh_in_each_test_however_close_they_follow(site: Path) -> None:
    sys.modules["plytalk_cipher_late_cipher_late"] = ModuleType("plytalk_cipher_late_cipher_late")  # left by another test
    before = os.stat(site)
    Registry().names("cipher")  # looks into the folder, and keeps what it has seen
    with pytest.raises(ModuleNotFoundError):
        import_module("plytalk_cipher_later")
    plant(site, "plytalk-cipher-late", {"cipher-late": good("late")})
    os.utime(site, ns=(before.st_atime_ns, before.st_mtime_ns))  # as if all that had happened within one tick of the clock
    assert Registry().layer("cipher", "late").name == "late"


def test_a_layer_that_no_entry_point_names_is_mentioned(site: Path) -> None:
    plant(site, "plytalk-cipher-two", {"cipher-a": good("a").replace("[Good]", "[Good, type('B', (Good,), {'name': 'b'})]")})
    registry = Registry()
    registry.layer("cipher", "a")
    [problem] = registry.problems
    assert problem.usable
    assert "brings cipher-b, which no entry point names" in problem.error.sentence
    with pytest.raises(UnknownLayer):
        registry.layer("cipher", "b")


def test_ctrl_c_while_a_plugin_is_imported_is_not_the_plugins_fault(site: Path) -> None:
    plant(site, "plytalk-cipher-slow", {"cipher-slow": "raise KeyboardInterrupt"})
    registry = Registry()
    with pytest.raises(KeyboardInterrupt):
        registry.layer("cipher", "slow")
    assert not registry.problems


def test_what_a_plugin_says_is_shortened_and_harmless(site: Path) -> None:
    plant(site, "plytalk-cipher-bad", {"cipher-bad": "raise ValueError('\\x1b[2J\\n' + 'word ' * 5000)\n"})
    registry = Registry()
    registry.load_all()
    [sentence] = sentences(registry)
    assert "\x1b" not in sentence
    assert len(sentence) < 700


# -- names that are taken


def test_a_built_in_name_stays_with_the_built_in_layer(site: Path) -> None:
    plant(site, "plytalk-cipher-evil", {"cipher-aesgcm": good("aesgcm")})
    registry = Registry()
    assert registry.layer("cipher", "aesgcm").__module__ == "plytalk.plugins.ciphers.aesgcm"
    [sentence] = sentences(registry)
    assert "plytalk-cipher-evil 1.0 brings a cipher called `aesgcm`" in sentence
    assert "that plytalk " in sentence
    registry.load_all()
    assert "plytalk_cipher_evil_cipher_aesgcm" not in sys.modules


def test_a_name_that_one_distribution_claims_twice_is_said_so(site: Path) -> None:
    plant_metadata(site, "plytalk-cipher-x", "[plytalk]\ncipher-x = one\ncipher-x = two\n")
    with pytest.raises(DuplicateLayer, match="brings a cipher called `x` twice, in `one` and in `two`"):
        Registry().layer("cipher", "x")


def test_of_two_strangers_with_one_name_neither_is_chosen_until_one_is_blocked(site: Path) -> None:
    plant(site, "plytalk-cipher-one", {"cipher-x": good("x")})
    plant(site, "plytalk-cipher-two", {"cipher-x": good("x")})
    registry = Registry()
    with pytest.raises(DuplicateLayer) as error:
        registry.layer("cipher", "x")
    assert "plytalk-cipher-one" in error.value.sentence
    assert "plytalk-cipher-two" in error.value.sentence
    assert {problem.origin for problem in registry.problems} == {"plytalk-cipher-one 1.0", "plytalk-cipher-two 1.0"}
    for blocked, left in (("one", "two"), ("two", "one")):
        chosen = Registry([f"plytalk-cipher-{blocked}"]).layer("cipher", "x")
        assert chosen.__module__ == f"plytalk_cipher_{left}_cipher_x"


def test_of_three_strangers_each_is_reported_once(site: Path) -> None:
    for number in ("one", "two", "three"):
        plant(site, f"plytalk-cipher-{number}", {"cipher-x": good("x")})
    assert sorted(problem.origin.split()[0] for problem in Registry().problems) == [
        "plytalk-cipher-one",
        "plytalk-cipher-three",
        "plytalk-cipher-two",
    ]


def test_a_stranger_cannot_slip_in_another_layer_or_profile_under_a_built_in_name(site: Path) -> None:
    layers = good("x").replace("[Good]", "[Good, type('B', (Good,), {'name': 'aesgcm'})]")
    profiles = "\nfrom plytalk import Profile\n\n@hookimpl\ndef profiles():\n    return [Profile('secure-chat', 'Mine', 1, {})]\n"
    plant(site, "plytalk-cipher-x", {"cipher-x": layers + profiles})
    registry = Registry()
    registry.layer("cipher", "x")
    assert registry.layer("cipher", "aesgcm").__module__ == "plytalk.plugins.ciphers.aesgcm"
    assert registry.profile("secure-chat").port == 8000


def test_a_strangers_profile_is_found_by_its_entry_point(site: Path) -> None:
    text = (
        "from plytalk import Profile, hookimpl\n\n@hookimpl\ndef profiles():\n    return [Profile('mine', 'Mine', 4321, {%s})]\n"
    )
    plant(site, "plytalk-profile-mine", {"profile-mine": text % "'cipher': 'none'"})
    assert Registry().profile("mine").port == 4321
    plant(site, "plytalk-profile-odd", {"profile-odd": text.replace("'mine'", "'odd'") % "'cypher': 'none'"})
    with pytest.raises(BrokenPlugin, match="'cypher', which is not a kind of layer"):
        Registry().profile("odd")


def test_a_module_is_imported_once_for_all_its_layers(site: Path) -> None:
    text = good("a").replace("[Good]", "[Good, type('B', (Good,), {'name': 'b'})]")
    (site / "plytalk_both.py").write_text(text)
    plant_metadata(site, "plytalk-both", "[plytalk]\ncipher-a = plytalk_both\ncipher-b = plytalk_both\n")
    registry = Registry()
    a, b = registry.layer("cipher", "a"), registry.layer("cipher", "b")
    assert issubclass(b, a)
    assert a is import_module("plytalk_both").Good
    assert not registry.problems


# -- who hears the hooks --------------------------------------------------------------------------------------------------


class LineSubscriber(Feature):
    """Hears."""

    name = "subscriber"

    def __init__(self) -> None:
        self.heard: list[str] = []

    @property
    def summary(self) -> str:
        raise AssertionError("hooks are looked for among functions alone")

    @hookimpl
    def turned_away(self, address: str) -> None:
        self.heard.append(address)


class StaticSubscriber(LineSubscriber):
    """Hears with a function of its class, too."""

    name = "static-subscriber"

    @staticmethod
    @hookimpl
    def reread() -> list[str]:
        return ["read again"]


class Deaf(Feature):
    """Expects a hook that there is not."""

    name = "deaf"

    @hookimpl
    def turned_around(self) -> None: ...


class Other(Feature):
    """Expects another argument."""

    name = "other"

    @hookimpl
    def turned_away(self, place: str) -> None: ...


def test_the_features_of_a_stack_hear_with_their_methods_once_they_are_to_hear() -> None:
    registry, stack = Registry(points=[]), stack_of(LineSubscriber)
    registry.manager.hook.turned_away(address="before", error=Refused())
    registry.hear(stack)
    registry.manager.hook.turned_away(address="192.0.2.7:1", error=Refused())
    [subscriber] = stack.features
    assert isinstance(subscriber, LineSubscriber)
    assert subscriber.heard == ["192.0.2.7:1"]


def test_a_feature_hears_with_what_it_inherits_and_with_functions_of_its_class() -> None:
    registry, stack = Registry(points=[]), stack_of(StaticSubscriber)
    registry.hear(stack)
    registry.manager.hook.turned_away(address="192.0.2.7:1", error=Refused())
    [subscriber] = stack.features
    assert isinstance(subscriber, StaticSubscriber)
    assert subscriber.heard == ["192.0.2.7:1"]
    assert registry.manager.hook.reread() == [["read again"]]


@pytest.mark.parametrize("feature", [Deaf, Other])
def test_a_feature_whose_hooks_do_not_fit_is_named(feature: type[Feature]) -> None:
    with pytest.raises(BrokenPlugin, match=f"The feature `{feature.name}` has hooks that do not fit"):
        Registry(points=[]).hear(stack_of(feature))


# -- core knows no plugin


def test_core_names_no_option_of_a_layer_and_no_profile() -> None:
    registry = Registry()
    words = {f"--{option.name}" for layer in registry.layers(KINDS) for option in layer.options}
    words |= {f"--profile {profile.name}" for profile in registry.profiles()} | {f'"{one.name}"' for one in registry.profiles()}
    named = re.compile("|".join(rf"{re.escape(word)}(?![\w-])" for word in sorted(words)))
    files = (Path(__file__).parents[3] / "core").rglob("*.py")
    assert [(file.name, found) for file in sorted(files) for found in named.findall(file.read_text())] == []


def test_messages_are_several_and_other_layers_one() -> None:
    for kind, said in (("messages", "There are no messages called `x-y`."), ("cipher", "There is no cipher called `x-y`.")):
        with pytest.raises(UnknownLayer) as caught:
            Registry().layer(kind, "x-y")
        assert str(caught.value) == said
