"""docker-compose.yml against the code: what it says of ports, variables, secrets, probes, queues and images is so."""

import asyncio
import json
import os
import re
from base64 import b64decode
from hashlib import sha256
from importlib import import_module
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from chassis import broker, command, probe, settings
from pydantic_settings import BaseSettings
from ruamel.yaml import YAML

from deploy.containers import compose, demo, secrets
from deploy.local.stack import DEFINITIONS, SERVICES
from deploy.servers.errors import LauncherError
from deploy.servers.processes import ROOT

COMPOSE = YAML(typ="safe").load(ROOT / "docker-compose.yml")
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
LASTING = [f"{service}-{part}" for service in SERVICES for part in ("api", "worker")]
STEPS = [f"{service}-{step}" for service in SERVICES for step in ("migrate", "load")]
DOORS = ["gateway", "web"]
OURS = [*LASTING, *STEPS, *DOORS, "sandbox"]


def filled(text: str, values: dict[str, str]) -> str:
    """`text` with `${NAME}`, `${NAME:-default}` and `${NAME:?what is missing}` replaced, as the engine does."""

    def value(found: re.Match[str]) -> str:
        name, kind, other = str(found[1]), found[2], found[3]
        if kind == ":?" and not values.get(name):
            raise LookupError(f"{name}: {other}")
        return values.get(name) or (other if kind in (":-", "-") else "") or ""

    return re.sub(r"\$\{(\w+)(?:(:-|:\?|-)([^}]*))?\}", value, text)


def demo_values() -> dict[str, str]:
    """What deploy/demo.env says."""
    values: dict[str, str] = {}
    for line in (ROOT / "deploy" / "demo.env").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            values[name] = filled(value, values)
    return values


#: What a town says otherwise than the demo.
TOWN = {"ENVIRONMENT": "production", "PAYFIP_SAISIE": "W", "PORTAL_URL": "https://portail.example.org"}


def environment(container: str, **others: str) -> dict[str, str]:
    said = CONTAINERS[container]["environment"]
    return {name: filled(value, demo_values() | others) for name, value in said.items()}


def secret_files(container: str) -> dict[str, str]:
    """The names of its files in /run/secrets, and of the secrets in them."""
    said = [one if isinstance(one, dict) else {"source": one} for one in CONTAINERS[container].get("secrets", [])]
    return {str(one.get("target", one["source"])): one["source"] for one in said}


def part(container: str) -> str:
    return container.partition("-")[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "secrets"
    secrets.write(folder)
    return folder


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Path) -> Any:
    """Reads the settings of a container as its process does: from its environment and its secrets, nothing else."""

    def read(container: str, *, without: str = "", **others: str) -> BaseSettings:
        kind = import_module(f"{part(container)}.settings").Settings
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith(f"{part(container).upper()}_")]:
                patched.delenv(name)
            for name, value in environment(container, **others).items():
                if name != without:
                    patched.setenv(name, value)
            folder = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            for target, source in secret_files(container).items():
                if target != without:
                    (folder / target).write_text((made / source).read_text())
            patched.setattr(settings, "SECRETS", folder)
            read: BaseSettings = settings.read(kind)
            return read

    return read


# ---------------------------------------------------------------------- variables and secrets


@pytest.mark.parametrize("container", [*LASTING, *STEPS, *DOORS])
def test_a_container_is_told_all_that_its_settings_ask_for(inside: Any, container: str) -> None:
    assert inside(container).port == 8000
    assert inside(container, **TOWN).port == 8000


def test_a_town_that_would_charge_nobody_is_refused(inside: Any) -> None:
    with pytest.raises(SystemExit, match="BILLING_PAYFIP_SAISIE"):
        inside("billing-api", **TOWN | {"PAYFIP_SAISIE": "T"})


@pytest.mark.parametrize("missing", ["IDENTITY_WEB_URL", "identity_secret", "identity_amqp_url"])
def test_what_is_not_told_is_missed_in_one_sentence(inside: Any, missing: str) -> None:
    with pytest.raises(SystemExit, match=rf"Set in the environment: {missing.upper()}"):
        inside("identity-api", without=missing)


@pytest.mark.parametrize("container", [*LASTING, *STEPS, *DOORS])
def test_a_container_is_told_nothing_that_no_setting_asks_for(container: str) -> None:
    kind = import_module(f"{part(container)}.settings").Settings
    known = {f"{part(container)}_{field}" for field in kind.model_fields} | {"environment"}
    assert {name.lower() for name in environment(container)} | secret_files(container).keys() <= known


@pytest.mark.parametrize(
    ("container", "network"), [*((name, "door") for name in DOORS), *((name, "front") for name in LASTING)]
)
def test_a_clients_address_is_believed_from_the_network_of_who_stands_before(container: str, network: str) -> None:
    addresses = COMPOSE["networks"][network]["ipam"]["config"][0]
    believed = addresses.get("ip_range", addresses["subnet"])
    assert environment(container)[f"{part(container).upper()}_TRUSTED_PROXIES"] == filled(believed, demo_values())
    assert network in CONTAINERS[container]["networks"]


def test_who_comes_by_a_published_port_is_not_among_those_who_are_believed() -> None:
    """Such a call may come from the bridge's own address."""
    door = {
        name: filled(said, demo_values()) for name, said in COMPOSE["networks"]["door"]["ipam"]["config"][0].items()
    }
    subnet, believed, host = IPv4Network(door["subnet"]), IPv4Network(door["ip_range"]), IPv4Address(door["gateway"])
    assert host in subnet
    assert host not in believed
    assert believed.subnet_of(subnet)
    members = {name for name in CONTAINERS if "door" in CONTAINERS[name].get("networks", ())}
    assert members == {*DOORS, "https"}


def test_only_the_steps_of_the_owner_know_the_owners_password() -> None:
    knowing = {name for name in CONTAINERS if any("_owner_" in secret for secret in secret_files(name))}
    assert knowing == {*STEPS, "postgres"}


def test_a_service_reads_no_secret_of_another() -> None:
    for container in [*LASTING, *STEPS]:
        assert {part(name.replace("_", "-")) for name in secret_files(container)} == {part(container)}


def test_the_town_is_asked_for_what_has_no_default() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    assert asked
    assert asked <= demo_values().keys()


# ---------------------------------------------------------------------- secrets


def test_secrets_are_made_once_and_for_their_owner_alone(made: Path) -> None:
    assert made.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in made.iterdir()} == COMPOSE["secrets"].keys()
    assert all(COMPOSE["secrets"][name]["file"].endswith(f"/{name}") for name in COMPOSE["secrets"])
    before = {path.name: path.read_text() for path in made.iterdir()}
    (made / "planning_database_url").unlink()
    assert secrets.write(made) == ["planning_database_url"]
    after = {path.name: path.read_text() for path in made.iterdir()}
    assert after.pop("planning_database_url") != before.pop("planning_database_url")
    assert after == before


def test_secrets_are_never_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".secrets/", ".env"} <= set(ignored)
    assert all(COMPOSE["secrets"][name]["file"].startswith("${SECRETS:-./.secrets}/") for name in COMPOSE["secrets"])


def test_the_brokers_user_is_the_one_of_the_url(made: Path) -> None:
    url = urlsplit((made / "amqp_url").read_text())
    user = json.loads((made / "rabbitmq_user").read_text())["users"][0]
    digest = b64decode(user["password_hash"])
    assert user["name"] == url.username
    assert url.hostname in CONTAINERS
    assert digest[4:] == sha256(digest[:4] + str(url.password).encode()).digest()


# ---------------------------------------------------------------------- servers


def test_each_service_has_its_database_and_two_roles(made: Path) -> None:
    script = (ROOT / "deploy" / "postgres" / "databases.sh").read_text()
    assert re.search(r"for service in ([\w ]+); do", script)[1].split() == list(SERVICES)  # type: ignore[index]
    for service in SERVICES:
        for secret, role in ((f"{service}_database_url", "app"), (f"{service}_owner_database_url", "owner")):
            url = urlsplit((made / secret).read_text())
            assert (url.username, url.hostname, url.path) == (f"{service}_{role}", "postgres", f"/{service}")
            assert secret in secret_files("postgres")


def test_the_broker_loads_the_topology_that_the_handlers_tables_say() -> None:
    mounted = dict(volume.split(":")[:2] for volume in CONTAINERS["rabbitmq"]["volumes"])
    configuration = (ROOT / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text()
    folder = re.search(r"^load_definitions = (\S+)$", configuration, re.MULTILINE)[1]  # type: ignore[index]
    assert mounted["./deploy/rabbitmq/rabbitmq.conf"] == "/etc/rabbitmq/rabbitmq.conf"
    assert Path(mounted[f"./{DEFINITIONS.relative_to(ROOT)}"]).parent == Path(folder)
    assert [Path(target).parent for target in secret_files("rabbitmq")] == [Path(folder)]
    queues = {queue["name"] for queue in json.loads(DEFINITIONS.read_text())["queues"]}
    assert queues >= {broker.events_queue(service) for service in SERVICES}


# ---------------------------------------------------------------------- images


def test_images_are_the_official_ones_or_made_here() -> None:
    made_here = {name for name in CONTAINERS if "build" in CONTAINERS[name]}
    builders = {f"{service}-migrate": service for service in SERVICES}
    builders |= {"gateway": "gateway", "web": "web", "sandbox": "sandbox", "identity-load": "town"}
    assert made_here == builders.keys()
    for name, built in builders.items():
        build = CONTAINERS[name]["build"]
        assert build["dockerfile"] == "deploy/Dockerfile"
        assert [build.get("target", ""), build.get("args", {}).get("SERVICE", "")].count(built) == 1
        assert CONTAINERS[name]["image"] == f"espace-{built}:${{ESPACE_VERSION:-local}}"
    images = {name: container["image"] for name, container in CONTAINERS.items()}
    assert {images[name] for name in images.keys() - set(OURS)} == {"postgres:17", "rabbitmq:4-management", "caddy:2"}
    for service in SERVICES:
        assert len({images[f"{service}-{one}"] for one in ("migrate", "api", "worker")}) == 1
        assert images[f"{service}-load"] == images["identity-load"]
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert bases == {"python:3.13-slim", "scratch", "libs"}


def test_images_hold_what_the_lock_says_and_run_without_root_or_shell() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "--require-hashes" in DOCKERFILE
    assert all("--no-index" in line for line in DOCKERFILE.replace("\\\n", "").splitlines() if " install " in line)
    assert "USER 10001:10001" in final
    assert 'ENTRYPOINT ["python", "-m"]' in final
    for name in OURS:
        container = CONTAINERS[name]
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert container["command"][0] == ("deploy.sandbox" if name == "sandbox" else part(name))


@pytest.mark.parametrize("container", [*LASTING, *STEPS])
def test_a_container_runs_a_command_of_its_service(container: str) -> None:
    service, _, asked = container.partition("-")
    assert CONTAINERS[container]["command"][:2] == [service, asked]
    arguments = CONTAINERS[container]["command"][1:]
    assert command.parser(service).parse_args(arguments).command == asked


# ---------------------------------------------------------------------- ports, probes and order


def test_of_the_portal_pages_and_gateway_alone_are_published_and_on_loopback_by_default() -> None:
    published = {name: CONTAINERS[name]["ports"] for name in CONTAINERS if "ports" in CONTAINERS[name]}
    in_front = {name for name in published if not CONTAINERS[name].get("profiles")}
    assert in_front == set(DOORS)
    assert published.keys() - in_front == {"https", "sandbox"}
    for name in (*DOORS, "sandbox"):
        for port in published[name]:
            assert filled(port, demo_values()).startswith("127.0.0.1:")
    for name in DOORS:
        assert published[name][0].rpartition(":")[2] == environment(name)[f"{name.upper()}_PORT"]
    arguments = CONTAINERS["sandbox"]["command"]
    assert {port.rpartition(":")[2] for port in published["sandbox"]} <= set(arguments)


def test_nothing_but_the_services_reaches_the_servers() -> None:
    back = {name for name in CONTAINERS if "back" in CONTAINERS[name]["networks"]}
    assert back == {*LASTING, *STEPS, "postgres", "rabbitmq"}
    assert COMPOSE["networks"]["back"]["internal"] is True


def test_addresses_lead_to_containers_that_listen_there() -> None:
    for name in OURS:
        for value in (environment(name) if name != "sandbox" else {}).values():
            for host, port in re.findall(r"http://([a-z-]+):(\d+)", value):
                at = environment(host) if host != "sandbox" else {}
                listens = at.get(f"{part(host).upper()}_PORT") or CONTAINERS[host]["command"]
                assert port in listens, (name, value)
    upstreams = json.loads(environment("gateway")["GATEWAY_UPSTREAMS"])
    assert upstreams == {service: f"http://{service}-api:8000" for service in SERVICES}


@pytest.mark.parametrize("container", [*LASTING, *DOORS, "sandbox"])
def test_health_is_asked_where_it_is_answered(container: str) -> None:
    program, *arguments = CONTAINERS[container]["healthcheck"]["test"][1:]
    port, path = arguments[-2:]
    assert (program, arguments[:-2]) == ("python", ["-S", f"/app/{Path(probe.__file__).relative_to(ROOT)}"])
    assert path == ("/readyz" if container in LASTING else "/healthz")
    listens = [port] if container == "sandbox" else environment(container)[f"{part(container).upper()}_PORT"]
    assert port in listens


def test_documents_lie_in_a_volume_that_api_and_worker_share_and_may_write() -> None:
    for name in ("dossier-api", "dossier-worker"):
        mounted = dict(volume.split(":") for volume in CONTAINERS[name]["volumes"])
        assert mounted == {"documents": environment(name)["DOSSIER_DOCUMENTS"]}
    assert "documents" in COMPOSE["volumes"]
    assert f"install --directory --owner 10001 --group 10001 --mode 700 {mounted['documents']}\n" in DOCKERFILE


def test_each_waits_for_the_health_of_what_it_needs() -> None:
    for name, container in CONTAINERS.items():
        for needed, how in container.get("depends_on", {}).items():
            lasting = "healthcheck" in CONTAINERS[needed]
            assert how["condition"] == ("service_healthy" if lasting else "service_completed_successfully")
            # One of a profile that is not wanted must not hold up one that is.
            assert how.get("required", True) or CONTAINERS[needed].get("profiles"), (name, needed)
    for service in SERVICES:
        needs = {one: set(CONTAINERS[f"{service}-{one}"]["depends_on"]) for one in ("migrate", "load", "api", "worker")}
        assert needs["migrate"] == {"postgres"}
        assert needs["load"] == needs["api"] == {f"{service}-migrate"}
        assert needs["worker"] == {f"{service}-migrate", "rabbitmq"}
        assert f"{service}-api" in CONTAINERS["gateway"]["depends_on"]


def test_without_an_engine_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LauncherError, match=r"Docker Engine .* and its Compose plugin .*: install them"):
        compose.require_engine()
    (tmp_path / "docker").write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "docker").chmod(0o755)
    compose.require_engine()


async def test_the_probe_believes_only_an_answer_of_200(unused_tcp_port: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/readyz" else 503)

    application = web.Application()
    application.router.add_get("/{path}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    assert await asyncio.to_thread(probe.answers, unused_tcp_port, "/readyz")
    assert not await asyncio.to_thread(probe.answers, unused_tcp_port, "/other")
    await runner.cleanup()
    assert not await asyncio.to_thread(probe.answers, unused_tcp_port, "/readyz")


def test_a_second_demo_does_not_touch_a_towns_containers() -> None:
    assert COMPOSE["name"] != demo.PROJECT
