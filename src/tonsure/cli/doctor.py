"""`tonsure doctor`: is this installation sound?"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from typing import Any

import typer

from ..errors import fault
from . import options
from .console import emit, ending

_PACKAGES = (
    "numpy", "Pillow", "onnxruntime", "opencv-python-headless", "typer", "rich", "pillow-heif",
    "torch",
)  # fmt: skip
_OPTIONAL = {"pillow-heif": "heif", "torch": "lab"}


_INSTEAD = {"onnxruntime": ("onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")}


def doctor(as_json: options.Json = False, debug: options.Debug = False) -> None:
    """Check this installation.

    Prints versions, models and where each setting comes from, and makes one person bald as a test.
    Exit code 0 if all is well, 6 if a model is missing or damaged, 1 if the test fails.
    """
    with ending(debug):
        record = _examine(debug)
        if as_json:
            emit(record)
        else:
            _print(record)
        if not set(record["models"].values()) <= {"as shipped", "not installed"}:
            raise typer.Exit(6)
        if not record["test"]["passed"]:
            raise typer.Exit(record["test"]["exit_code"])


def _examine(debug: bool) -> dict[str, Any]:
    import platform
    from dataclasses import asdict
    from importlib.metadata import PackageNotFoundError, version

    from .. import __version__
    from ..models import MODELS
    from ..photo import readable
    from ..settings import load
    from .models import state

    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        versions[package] = None
        for name in (package, *_INSTEAD.get(package, ())):
            with suppress(PackageNotFoundError):
                versions[package] = version(name)
    loaded = load()
    values = asdict(loaded.settings)
    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "executable": sys.executable,
        "packages": versions,
        **_device(loaded.settings.device),
        "formats": [name.lower() for name in readable()],
        "models": {name: state(entry) for name, entry in MODELS.items()},
        "settings": {
            name: {"value": values[name], "from": origin} for name, origin in loaded.origins.items()
        },
        "settings_file": str(loaded.file),
        "test": _test(loaded.settings.threads, loaded.settings.device, debug),
    }


def _device(wanted: str) -> dict[str, Any]:
    """The device and provider that networks run on, and the devices that may be chosen here."""
    from ..errors import TonsureError
    from ..models import device, open, session

    try:
        with device.on(device.check(wanted)):
            ran = session.opened_on(open("face_mesh"))
    except TonsureError:  # the test photo tells it
        return {"device": None, "provider": None, "devices": []}
    return {"device": ran, "provider": device.DEVICES.get(ran, ran), "devices": device.here()}


def _test(threads: int | None, device: str, debug: bool) -> dict[str, Any]:
    """The whole way on the photo that ships with the package."""
    from ..editor import Editor
    from ..examples import ASTRONAUT

    began = time.perf_counter()
    try:
        with Editor(threads=threads, device=device).open(ASTRONAUT) as shot:
            before = shot.photo.pixels
            after = shot.bald().photo.pixels
    except Exception as error:
        if debug:
            raise
        known = fault(error)
        code, said = known.exit_code, known.said("cli")
        return {"passed": False, "said": said, "seconds": None, "exit_code": code}
    changed = float((before != after).any(axis=2).mean())
    passed = 0.02 < changed < 0.9
    said = f"{changed:.0%} of the photo's pixels changed"
    seconds = round(time.perf_counter() - began, 2)
    return {"passed": passed, "said": said, "seconds": seconds, "exit_code": 0 if passed else 1}


def _print(record: dict[str, Any]) -> None:
    print(f"tonsure {record['version']}, Python {record['python']}, {record['system']}")
    print(f"  {record['executable']}")
    print("packages")
    for name, version in record["packages"].items():
        extra = f" (for the extra {_OPTIONAL[name]})" if name in _OPTIONAL else ""
        print(f"  {name:<22} {version or 'not installed'}{extra}")
    told = f" (there is: {', '.join(record['devices'])})" if record["devices"] else ""
    print(f"networks run on {record['provider'] or 'nothing, see below'}{told}")
    for name, state in record["models"].items():
        print(f"  {name:<16} {state}")
    print(f"formats read: {', '.join(record['formats'])}")
    print(f"settings (file: {record['settings_file']})")
    for name, setting in record["settings"].items():
        value = "automatic" if setting["value"] is None else setting["value"]
        print(f"  {name:<16} {value} ({setting['from']})")
    test = record["test"]
    time_taken = f" in {test['seconds']} s" if test["seconds"] is not None else ""
    print(f"test photo: {'passed' if test['passed'] else 'FAILED'}, {test['said']}{time_taken}")
