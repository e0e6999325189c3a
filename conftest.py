"""Fixtures that every suite of the workspace may ask for."""

import pytest

pytest_plugins = (
    "tests.servers",
    "tests.mariadb_server",
    "tests.mongo_server",
    "tests.redis_server",
    "tests.nats_server",
)


class _Failures:
    """Names each failed test at once: a run that is ended from outside prints no summary."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._terminal.write_line(f" {report.nodeid} ({report.when})", red=True)


@pytest.hookimpl(trylast=True)  # the terminal is configured first
def pytest_configure(config: pytest.Config) -> None:
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.register(_Failures(terminal))
