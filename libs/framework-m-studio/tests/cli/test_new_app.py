"""`m new app`: what it writes works at once, and what it cannot write leaves nothing behind."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import Run, is_one_line

FILES = {
    ".dockerignore",
    ".gitignore",
    ".pre-commit-config.yaml",
    "Dockerfile",
    "README.md",
    "framework_config.toml",
    "pyproject.toml",
    "src/shop/__init__.py",
    "src/shop/doctypes/__init__.py",
    "src/shop/doctypes/task.py",
    "src/shop/migrations/README.md",
    "tests/conftest.py",
    "tests/test_task.py",
}


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_files_and_the_next_steps(run: Run, tmp_path: Path) -> None:
    made = run("m", "new", "app", "shop")
    assert (made.returncode, made.stderr) == (0, "")
    assert files_in(tmp_path) == {f"shop/{file}" for file in FILES}
    assert made.stdout == (
        f"created the app shop in {tmp_path}/shop; next:\n\n"
        '  cd shop\n  m user create you@example.com --role "Shop Manager"\n  m start\n'
    )


def test_an_app_on_mongodb_needs_no_sql(run: Run, tmp_path: Path) -> None:
    made = run("m", "new", "app", "shop", "--variant", "mongo")
    assert (made.returncode, "[mongo] url" in made.stdout) == (0, True)
    shop = tmp_path / "shop"
    assert files_in(shop) == FILES
    needed = tomllib.loads((shop / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needed == ["framework-m-standard[openapi]==1.0.0", "framework-mx-mongo==1.0.0"]
    settings = tomllib.loads((shop / "framework_config.toml").read_text())
    assert settings["mongo"]["database"] == "shop"
    readme = (shop / "README.md").read_text()
    assert ("MONGODB_URL" in readme, "DATABASE_URL" in readme) == (True, False)
    for command in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        done = run(*command, folder=shop)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_an_unknown_variant_is_refused(run: Run, tmp_path: Path) -> None:
    refused = run("m", "new", "app", "shop", "--variant", "oracle")
    assert refused.returncode != 0
    assert files_in(tmp_path) == set()


@pytest.mark.slow
def test_its_tests_and_checks_pass(run: Run, shop: Path) -> None:
    for command in (
        ["pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "."],
        ["hadolint", "Dockerfile"],
        ["pre-commit", "validate-config"],
    ):
        done = run(*command, folder=shop)
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_project_says_what_it_needs(shop: Path) -> None:
    project = tomllib.loads((shop / "pyproject.toml").read_text())
    assert project["project"]["dependencies"] == ["framework-m==1.0.0"]
    assert project["project"]["entry-points"] == {"framework_m.apps": {"shop": "shop"}}
    assert {"framework-m-studio==1.0.0", "framework-m-testing==1.0.0"} <= set(project["dependency-groups"]["dev"])


def test_the_image_holds_no_secret_and_no_rights(shop: Path) -> None:
    image = (shop / "Dockerfile").read_text()
    stages = image.split("FROM ")[1:]
    assert len(stages) == 2, "the tools that build stay out of the image"
    assert re.search(r"^USER [1-9]\d*$", stages[1], re.MULTILINE)
    assert "M_FRAMEWORK__ENV=production" in stages[1]
    assert "HEALTHCHECK" in stages[1] and "/health" in stages[1]
    assert not re.search(r"secret|password|token|curl", image, re.IGNORECASE)
    assert "\nADD " not in image
    assert "COPY framework_config.toml ./" in stages[1]
    ignored = (shop / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*", "only what is named gets into the image"
    copied = {name for names in re.findall(r"^COPY (?!--)(.*) \S+$", image, re.MULTILINE) for name in names.split()}
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert {".m/", ".env", "*.key"} <= set((shop / ".gitignore").read_text().splitlines())


def test_git_takes_no_database_with_its_companions(shop: Path) -> None:
    subprocess.run(["git", "init", "-q", str(shop)], check=True)
    for suffix in ("", "-wal", "-shm", "-journal", "-migrate"):
        for name in ("shop.db", "shop.sqlite3"):
            subprocess.run(["git", "check-ignore", "-q", f"{name}{suffix}"], cwd=shop, check=True)


def test_nothing_is_open_to_everybody(shop: Path) -> None:
    source = (shop / "src/shop/doctypes/task.py").read_text()
    assert '"delete": {"Shop Manager": "all"}' in source
    assert "Guest" not in source


def test_a_dash_in_the_name(run: Run, tmp_path: Path) -> None:
    made = run("m", "new", "app", "blue-shop")
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "blue-shop/src/blue_shop/doctypes/task.py").exists()
    assert 'name = "blue-shop"' in (tmp_path / "blue-shop/pyproject.toml").read_text()
    shown = run("m", "info", "doctype", "Task", folder=tmp_path / "blue-shop")
    assert "Blue Shop User (own), Blue Shop Manager (all)" in shown.stdout


def test_this_folder_becomes_the_app(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    made = run("m", "new", "app", "shop", "--here")
    assert made.returncode == 0, made.stderr
    assert files_in(tmp_path) == FILES
    assert "cd " not in made.stdout


def test_another_folder_becomes_the_app(run: Run, tmp_path: Path) -> None:
    made = run("m", "new", "app", "shop", "--into", "some where/new")
    assert made.returncode == 0, made.stderr
    assert files_in(tmp_path / "some where/new") == FILES
    assert "cd 'some where/new'" in made.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Shop", "did you mean 'shop'?"),
        ("blue shop", "did you mean 'blue-shop'?"),
        ("../shop", "did you mean 'shop'?"),
        ("1shop", "did you mean 'shop'?"),
        ("s" * 31, "at most 30 lower-case letters"),
        ("", "expected at most 30"),
        ("class", "a Python keyword"),
        ("match", "a Python keyword"),
        ("json", "Python's standard library"),
        ("framework-m", "has another meaning"),
        ("framework_m_shop", "has another meaning"),
        ("tests", "has another meaning"),
        ("pydantic", "a package of this name is installed"),
    ],
)
def test_a_name_that_cannot_be_is_explained(run: Run, tmp_path: Path, name: str, said: str) -> None:
    refused = run("m", "new", "app", name)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert is_one_line(refused)
    assert list(tmp_path.iterdir()) == []


def test_who_is_in_the_app_already_is_told_so(run: Run, shop: Path) -> None:
    refused = run("m", "new", "app", "shop", folder=shop / "src")
    assert refused.returncode == 2 and is_one_line(refused)
    assert_names(refused.stderr, "in that app", str(shop))


def test_what_is_there_is_never_overwritten(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine")
    for options in ([], ["--into", "shop"], ["--here"]):
        refused = run("m", "new", "app", "shop", *options)
        assert refused.returncode == 2, options
        assert_names(refused.stderr, "empty folder")
        assert is_one_line(refused), options
    assert files_in(tmp_path) == {"shop/notes.txt"}


def test_a_file_in_the_way_and_two_places(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("mine")
    refused = run("m", "new", "app", "shop")
    assert_names(refused.stderr, "folder", "file", "shop")
    assert_names(run("m", "new", "app", "shop", "--here", "--into", "x").stderr, "one of --here and --into")
    assert files_in(tmp_path) == {"shop"}


def test_a_place_that_cannot_be_written_is_said(run: Run) -> None:
    refused = run("m", "new", "app", "shop", "--into", "/proc/shop")
    assert refused.returncode == 2
    assert "cannot write /proc/shop" in refused.stderr
    assert is_one_line(refused)
