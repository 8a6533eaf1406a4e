"""The files under deploy/ are what the tools that read them ask for, and agree with each other and with the code."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from slo_portal.stack import WEB_OPTIONS
from tests.slo_portal.portal_process import environment

ROOT = Path(__file__).resolve().parents[2]
DEPLOY, VENDOR = ROOT / "deploy", Path(__file__).with_name("vendor")
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
NOT_KUBERNETES = {"Kustomization", "Component", "ServiceMonitor"}  # kustomize's own, and the Prometheus operator's


def documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yml")):
        for found in yaml.safe_load_all(path.read_text()):
            yield f"{path.stem}: {found['kind']}", found


MANIFESTS = [(name, found) for name, found in documents() if found["kind"] not in NOT_KUBERNETES]


def schema_of(found: dict[str, Any]) -> dict[str, Any]:
    known = json.loads((VENDOR / "kubernetes.json").read_text())
    group, _, version = found["apiVersion"].rpartition("/")
    name = "-".join(filter(None, [found["kind"].lower(), group.removesuffix(".k8s.io"), version]))
    return {**known["kinds"][name], "definitions": known["definitions"]}


def mistakes(schema: dict[str, Any], found: Any) -> list[str]:
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(schema).iter_errors(found)]


def containers() -> Iterator[dict[str, Any]]:
    def search(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield from value if key in ("containers", "initContainers") else search(value)

    for _, found in MANIFESTS:
        yield from search(found)


@pytest.mark.parametrize("found", [found for _, found in MANIFESTS], ids=[name for name, _ in MANIFESTS])
def test_kubernetes_takes_a_manifest(found):
    schema = schema_of(found)
    assert mistakes(schema, found) == []
    assert mistakes(schema, {**found, "speck": {}}) != []


def test_every_manifest_is_in_the_kustomization_and_no_other():
    folder = DEPLOY / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yml").read_text())["resources"]
    assert {*listed, "kustomization.yml"} == {path.name for path in folder.glob("*.yml")}


def test_no_container_may_do_more_than_it_needs():
    found = list(containers())
    assert len(found) >= 6
    for one in found:
        assert one["securityContext"]["readOnlyRootFilesystem"] is True
        assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in one["resources"]["limits"]


def test_docker_compose_takes_the_file():
    schema = json.loads((VENDOR / "compose-spec.json").read_text())
    plain = {key: value for key, value in COMPOSE.items() if key != "name"}  # which is younger than this schema
    assert mistakes(schema, plain) == []
    assert mistakes(schema, {**plain, "services": {"web": {"imago": "slo-portal"}}}) != []
    for name, service in COMPOSE["services"].items():
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"]), name
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"]), name
        assert set(service.get("depends_on", {})) <= set(COMPOSE["services"]), name


def test_the_image_holds_all_that_the_portal_reads_and_only_that():
    """Docker does not run here: the file is read, and the test below does what its second half does."""
    kept = in_the_image()
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")} | {"slo_portal"}
    assert apps | {"manage.py", "gunicorn.conf.py", "pyproject.toml", "requirements.txt", "docs"} <= kept
    assert all((ROOT / name).exists() for name in kept)
    assert not {"tests", "benchmarks", "var", ".env", ".git"} & kept
    text = (DEPLOY / "Dockerfile").read_text()
    assert "--require-hashes" in text
    assert text.rstrip().split("\nUSER ")[1].split()[0] == "10001:10001"


@pytest.mark.slow
def test_what_the_image_holds_is_enough(tmp_path):
    for name in in_the_image():
        there = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        there(ROOT / name, tmp_path / name)
    env = environment(tmp_path / "var", SECRET_KEY="image-only-0123456789-abcdefghijklmnopqrst")
    text = (DEPLOY / "Dockerfile").read_text()
    assert "manage.py collectstatic --no-input" in text
    for command in (["manage.py", "collectstatic", "--no-input"], ["-c", "import slo_portal.wsgi, slo_portal.celery"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "var" / "static" / "staticfiles.json").exists()
    assert not (tmp_path / "var" / "secret-key").exists()


def in_the_image() -> set[str]:
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    return {line[1:] for line in lines if line.startswith("!")}


def commands() -> dict[str, list[str]]:
    """What each deployment starts, by the name of its file and program."""
    found = {f"compose {name}": one["command"] for name, one in COMPOSE["services"].items() if "command" in one}
    found |= {f"kubernetes {one['name']}": one.get("args", []) for one in containers()}
    for path in (DEPLOY / "systemd").glob("*.service"):
        for line in re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE):
            found[f"systemd {path.stem}"] = shlex.split(line)
    dockerfile = (DEPLOY / "Dockerfile").read_text().replace("\\\n", "")
    found["docker web"] = json.loads(dockerfile.rpartition("\nCMD ")[2])
    return found


def test_all_of_them_start_the_portal_in_the_same_way():
    known = commands()
    webs = [" ".join(line) for line in known.values() if "slo_portal.wsgi" in line]
    assert len(webs) == 2
    for web in webs:
        for option in ("--worker-class slo_portal.web_worker.Worker", "--no-control-socket", "--threads 8"):
            assert option in web
            assert option in WEB_OPTIONS
    for program, number in (("worker", 3), ("beat", 3)):
        assert len([line for line in known.values() if "celery" in line and program in line]) == number


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_takes_the_units(tmp_path):
    here = []
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/slo-portal", str(ROOT))
        here.append(tmp_path / path.name.replace("@.", "@1."))
        here[-1].write_text(text)
    assert len(here) == 8
    verify = ["systemd-analyze", "verify", "--man=no"]
    done = subprocess.run([*verify, *map(str, here)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("slo-portal-web.service", "slo-portal-worker@1.service", "slo-portal-beat.service"):
        rated = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(tmp_path / name)]
        assert subprocess.run(rated, capture_output=True).returncode == 0, name  # an exposure of 2.0 of 10
    broken = tmp_path / "broken.service"
    broken.write_text("[Service]\nExecStart=/nowhere/at/all\n")
    assert subprocess.run([*verify, str(broken)], capture_output=True).returncode != 0


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl")
@pytest.mark.slow
def test_kustomize_takes_the_kustomization():
    done = subprocess.run(["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == len(MANIFESTS)
    for found in made:
        assert mistakes(schema_of(found), found) == []
