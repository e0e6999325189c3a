"""Print tests/architecture/core_layers.toml for the current sources; review the changes before a commit."""

import ast
from pathlib import Path

CORE = Path(__file__).resolve().parents[1] / "libs/framework-m-core/src/framework_m_core"


def main() -> None:
    """Write the lists to stdout, each folder with its docstring."""
    print("# Every file of framework_m_core, by folder. A new file is named after the capability it serves.")
    print("# `python scripts/list_core_files.py` prints this file anew.\n\n[files]")
    for front in sorted(CORE.rglob("__init__.py")):
        folder = front.parent.relative_to(CORE).as_posix()
        names = sorted(path.stem for path in front.parent.glob("*.py") if folder == "." or path != front)
        if names:
            described = ast.get_docstring(ast.parse(front.read_text(encoding="utf-8")))
            print(f'"{folder}" = [ # {described}', *(f'    "{name}",' for name in names), "]", sep="\n")


if __name__ == "__main__":
    main()
