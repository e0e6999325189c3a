"""Where a development server listens."""

from __future__ import annotations

import socket

import pytest

from framework_m_standard.cli.processes.server_setup import warn_if_open


@pytest.mark.parametrize(
    ("family", "host", "warns"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET, "127.0.0.2", False),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET6, "::", True),
    ],
)
def test_a_development_server_for_everybody_is_warned_of(
    family: socket.AddressFamily, host: str, warns: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket(family) as bound:
        try:
            bound.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        warn_if_open(bound)
    assert (f"listening on {host}" in capsys.readouterr().err) is warns
