"""dependency-injector costs a start no more than itself."""

from __future__ import annotations

import subprocess
import sys

from framework_m_core.container.injector_import import INTEGRATIONS

SCRIPT = """
import sys
import framework_m_core.container.container
print(*sys.modules)
for name in sys.argv[1:]:
    assert sys.modules.get(name, name) is not None, name
"""


def test_no_integration_is_imported_however_much_is_installed() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, *INTEGRATIONS], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "dependency_injector.providers" in loaded
    assert not loaded & {*INTEGRATIONS}


def test_an_integration_can_be_imported_afterwards() -> None:
    script = "import framework_m_core.container.container, starlette"
    subprocess.run([sys.executable, "-c", script], check=True)
