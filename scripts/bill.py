"""The bill of materials (SBOM, CycloneDX): what `uv.lock` has for use, and every network."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from environment import ROOT

_NETWORKS = (
    "import json, tonsure.models as m;"
    "told = [[e.name, e.sha256, e.licence, e.provenance] for e in m.MODELS.values()];"
    "print(json.dumps(told))"
)


def of_release(interpreter: Path, version: str) -> dict[str, Any]:
    """CycloneDX of what is installed for use, and of the networks with hash and licence.

    `interpreter` has uv and the package. The same tree gives the same bill: time and serial number
    are left out.
    """
    line = [
        str(interpreter), "-m", "uv", "export", "--format", "cyclonedx1.5", "--frozen", "--no-dev",
        "--extra", "heif", "--extra", "web", "--quiet", "--preview-features", "sbom-export",
    ]  # fmt: skip
    told = subprocess.run(line, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(told)
    found.pop("serialNumber", None)
    found.get("metadata", {}).pop("timestamp", None)
    found["metadata"]["component"]["version"] = version
    path = os.pathsep.join([str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
    ran = subprocess.run(
        [str(interpreter), "-c", _NETWORKS], check=True, stdout=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip
    found.setdefault("components", []).extend(
        {
            "type": "machine-learning-model",
            "bom-ref": f"model-{name}",
            "name": name,
            "description": provenance,
            "hashes": [{"alg": "SHA-256", "content": digest}],
            "licenses": [{"expression": licence}],
        }
        for name, digest, licence, provenance in json.loads(ran.stdout)
    )
    return found
