"""Collect our wheels, and all that they need, into a folder that is also a static index: what another machine installs.

`python scripts/collect_packages.py [--wheels DIR] [--into DIR] [--platform TAG] [--python-version VERSION]`

It runs pip, which must be importable. Dependencies have the locked versions. Ours are given as files, because an index
may have packages of their names by others, and are compared afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import html
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BUILD_TOOLS: Final = ("hatchling", "editables")
"""What an app of ours is built with, in the image."""


def collect(wheels: Path, into: Path, options: Sequence[str] = ()) -> None:
    """Fill an empty folder. Raises RuntimeError if pip fails, or has taken another package for one of ours."""
    ours = sorted(wheels.glob("framework_m*.whl"))
    if not ours:
        raise RuntimeError(f"expected our wheels in {wheels}, got none: run `make build`")
    into.mkdir(parents=True, exist_ok=True)
    if any(into.iterdir()):
        raise RuntimeError(f"expected an empty folder, got {into} with files: remove it")
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(_locked()), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--only-binary", ":all:", "--dest", str(into), "--constraint", str(constraints), *options]
        done = subprocess.run([*command, *map(_requirement, ours), *BUILD_TOOLS], check=False)
    if done.returncode != 0:
        raise RuntimeError("pip could not download the packages: see its messages")
    _compare(ours, into)
    _write_index(into)


def _locked() -> Iterator[str]:
    """Yield the locked versions without hashes, since pip would then require hashes of our wheels, too."""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            yield line.removesuffix("\\").strip()


def _requirement(wheel: Path) -> str:
    """Return a wheel with all its extras, as a requirement by address."""
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        headers = HeaderParser().parsestr(archive.read(metadata).decode())
    extras = ",".join(headers.get_all("Provides-Extra", []))
    return f"{headers['Name']}{f'[{extras}]' if extras else ''} @ {wheel.resolve().as_uri()}"


def _compare(ours: Sequence[Path], into: Path) -> None:
    """Raise RuntimeError unless all packages of our names are ours."""
    expected = {wheel.name: _digest(wheel) for wheel in ours}
    found = {wheel.name: _digest(wheel) for wheel in into.glob("framework_m*")}
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        raise RuntimeError(f"expected our own packages, got others or none for {', '.join(wrong)}")


def _write_index(folder: Path) -> None:
    """Write the pages of a simple index (PEP 503) beside the files: `simple/<name>/index.html`."""
    names: dict[str, list[Path]] = {}
    for wheel in sorted(folder.glob("*.whl")):
        names.setdefault(re.sub(r"[-_.]+", "-", wheel.name.partition("-")[0]).lower(), []).append(wheel)
    _write_page(folder / "simple", {f"{name}/": name for name in names})
    for name, found in names.items():
        links = {f"../../{wheel.name}#sha256={_digest(wheel)}": wheel.name for wheel in found}
        _write_page(folder / "simple" / name, links)


def _write_page(folder: Path, links: dict[str, str]) -> None:
    folder.mkdir()
    lines = [f'<a href="{html.escape(target)}">{html.escape(text)}</a><br>' for target, text in links.items()]
    (folder / "index.html").write_text("\n".join(["<!DOCTYPE html>", *lines, ""]), encoding="utf-8")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _platform_options(platform: str | None, python: str | None) -> list[str]:
    """Return pip's options for packages of another machine; none for this one."""
    options = [f"--platform={tag}" for tag in _compatible_tags(platform)] if platform else []
    return options + ([f"--python-version={python}"] if python else [])


def _compatible_tags(platform: str) -> list[str]:
    """Return the tags of wheels that run on a platform, since pip takes only those that it is given.

    >>> _compatible_tags("manylinux_2_18_x86_64")[:3]
    ['manylinux_2_18_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64']
    """
    found = re.fullmatch(r"manylinux_2_(\d+)_(\w+)", platform)
    if found is None:
        return [platform]
    newest, machine = int(found[1]), found[2]
    tags = []
    for minor in range(newest, 4, -1):
        tags.append(f"manylinux_2_{minor}_{machine}")
        tags += [f"manylinux2014_{machine}"] * (minor == 17)
    return tags


def main() -> None:
    """Read the arguments, collect, and say where."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheels", type=Path, default=ROOT / "dist", help="the folder of our wheels (dist)")
    parser.add_argument("--into", type=Path, default=ROOT / "dist/packages", help="an empty folder (dist/packages)")
    parser.add_argument("--platform", help="of the other machine, such as manylinux_2_28_x86_64")
    parser.add_argument("--python-version", help="of the other machine, such as 3.12")
    given = parser.parse_args()
    try:
        collect(given.wheels, given.into, _platform_options(given.platform, given.python_version))
    except RuntimeError as error:
        sys.exit(f"collect_packages: {error}")
    print(f"{len([*given.into.glob('*.whl')])} packages in {given.into}; also usable as an index: simple/")


if __name__ == "__main__":
    main()
