"""What holds over the whole house and no import says: how files are named, and what URNs mean."""

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from chassis.problems import Problem

from deploy.local.prepare import services

ROOT = Path(__file__).parents[1]
PACKAGES = ("chassis", "gateway", *(service.name for service in services()))
#: Words of no domain: what is in a file so named is in the wrong place.
NAMELESS = {"base_service", "common", "helpers", "manager", "managers", "misc", "util", "utils"}


def sources() -> Iterator[Path]:
    """Every source and test of the project."""
    for part in ("libs", "services", "gateway", "web", "deploy", "tests"):
        yield from (ROOT / part).rglob("*.py")


def problems() -> dict[str, list[type[Problem]]]:
    """Every kind of problem by its URN."""
    for package in PACKAGES:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith(".__main__"):
                import_module(module.name)
    found: dict[str, list[type[Problem]]] = defaultdict(list)
    waiting = Problem.__subclasses__()
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.split(".")[0] in PACKAGES and "type" in vars(kind):
            found[kind.type].append(kind)
    return found


def test_a_file_is_named_after_a_word_of_the_domain() -> None:
    paths = list(sources())
    assert len(paths) > 200
    assert [path for path in paths if path.stem in NAMELESS or path.parent.name in NAMELESS] == []


def test_a_urn_means_one_thing_and_says_which_service_means_it() -> None:
    found = problems()
    assert len(found) > 40
    assert {urn: kinds for urn, kinds in found.items() if len(kinds) > 1} == {}
    for urn, [kind] in found.items():
        package = kind.__module__.split(".")[0]
        prefix = "urn:problem:" if package == "chassis" else f"urn:problem:{package}:"
        assert urn.removeprefix(prefix).replace("-", "").isalnum(), f"{kind} is {urn}"
