"""Make the schemas that the tests check deploy/ against, without explanations and with what our files use only.

tools/vendor.sh calls this:

    python schemas.py WHEEL_OF_KUBERNETES_VALIDATE COMPOSE_SPEC_JSON FOLDER
"""

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KUBERNETES = "v1.37.0"
KINDS = (
    "configmap-v1", "cronjob-batch-v1", "deployment-apps-v1", "horizontalpodautoscaler-autoscaling-v2",
    "ingress-networking-v1", "job-batch-v1", "namespace-v1", "networkpolicy-networking-v1",
    "persistentvolumeclaim-v1", "poddisruptionbudget-policy-v1", "service-v1",
)  # fmt: skip
OURS = "#/definitions/"


def bare(node: Any) -> Any:
    """Without what explains, with references into the same document."""
    if isinstance(node, list):
        return [bare(one) for one in node]
    if not isinstance(node, dict):
        return node
    kept = {key: bare(value) for key, value in node.items() if not (key == "description" and isinstance(value, str))}
    if isinstance(kept.get("$ref"), str):  # a property may have that name
        kept["$ref"] = OURS + kept["$ref"].rpartition("/")[2]
    return kept


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict) and isinstance(node.get("$ref"), str):
        yield node["$ref"].removeprefix(OURS)
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from references(one)


def kubernetes(wheel: str) -> dict[str, Any]:
    folder = f"kubernetes_validate/kubernetes-json-schema/{KUBERNETES}-local-strict"
    with zipfile.ZipFile(wheel) as archive:
        read = {name: bare(json.loads(archive.read(f"{folder}/{name}.json"))) for name in (*KINDS, "_definitions")}
    known = read.pop("_definitions")["$defs"]
    wanted, found = {name for kind in read.values() for name in references(kind)}, {}
    while wanted:
        name = wanted.pop()
        found[name] = known[name]
        wanted |= set(references(known[name])) - set(found)
    return {"kinds": read, "definitions": dict(sorted(found.items()))}


def main(wheel: str, compose: str, folder: str) -> None:
    made = {"kubernetes.json": kubernetes(wheel), "compose-spec.json": bare(json.loads(Path(compose).read_text()))}
    for name, schema in made.items():
        Path(folder, name).write_text(json.dumps(schema, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
