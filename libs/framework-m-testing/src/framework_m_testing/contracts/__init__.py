"""Contract suites: what every adapter of a port must do. Subclass one, give it a harness, and run pytest."""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))
