"""nginx in front of a running product, configured as the deployment page shows."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.journeys.product import ROOT, Product, free_port


@contextmanager
def running_nginx(product: Product, folder: Path, changes: Mapping[str, str]) -> Iterator[str]:
    """Yields the address of the product behind nginx, whose configuration differs from the page's by `changes`."""
    port = free_port()
    page = (ROOT / "docs/user/deployment.md").read_text(encoding="utf-8")
    shown = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)[0]
    for before, after in {
        **changes,
        "listen 8080": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8000": f"127.0.0.1:{product.port}",
    }.items():
        assert before in shown, before
        shown = shown.replace(before, after)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{ }}\nhttp {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{shown}\n}}\n",
        encoding="utf-8",
    )
    running = subprocess.Popen((_nginx(), "-p", str(folder), "-c", str(folder / "nginx.conf")))
    try:
        _wait(f"http://127.0.0.1:{port}/erp/health")
        yield f"http://127.0.0.1:{port}/erp"
    finally:
        running.terminate()
        running.wait(timeout=10)


def _nginx() -> str:
    """The path of nginx, installed where it is missing and that is possible."""
    found = _find_nginx()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", "nginx-light")):
            subprocess.run(("apt-get", *command), check=False, stdout=subprocess.DEVNULL)
        found = _find_nginx()
    assert found, "nginx is missing: install the package `nginx-light` (apt-get install nginx-light, as root)"
    return found


def _find_nginx() -> str | None:
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


def _wait(address: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if httpx.get(address, timeout=1).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("nginx does not serve the app")
