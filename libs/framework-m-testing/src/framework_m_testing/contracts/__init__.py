"""Contract suites for the adapters of each port. Subclass one, provide its fixtures, and run pytest."""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))
