"""Prints tests/architecture/core_layers.toml as the sources stand; read what changes before a commit."""

from pathlib import Path

CORE = Path(__file__).resolve().parents[1] / "libs/framework-m-core/src/framework_m_core"
KINDS = {
    ".": "the front door",
    "domain": "nouns: pure, pydantic only",
    "interfaces": "the ports, one protocol a file",
    "controllers": "the Controller class and its decorators",
    "registry": "what is declared; no I/O",
    "services": "use cases, one noun a file",
    "container": "the DI container, app lifetime only",
    "bootstrap": "settings, discovery, composition, lifespan",
    "cli": "the m app; one command group a file",
}


def main() -> None:
    """Writes the lists to stdout."""
    print("# Every file of framework_m_core, by folder. A new file is named after the capability it serves.")
    print("# `python scripts/list_core_files.py` prints this file anew.\n\n[files]")
    for folder, kind in KINDS.items():
        names = sorted(path.stem for path in (CORE / folder).glob("*.py"))
        listed = [name for name in names if folder == "." or name != "__init__"]
        key = '"."' if folder == "." else folder
        print(f"{key} = [ # {kind}", *(f'    "{name}",' for name in listed), "]", sep="\n")


if __name__ == "__main__":
    main()
