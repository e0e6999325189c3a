"""The pages that are followed from the top: every command on them is run, every file written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.docs.pages import Block, Page
from tests.journeys.docs.story import follow, matches
from tests.journeys.product import ROOT

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Story:
    """A page; `anew` where each of its sections begins in an empty folder, `stops` where servers end with theirs.

    `beside` where it is followed in the folder that it stands in, which is copied.
    """

    page: str
    anew: bool = False
    stops: bool = False
    beside: bool = False


STORIES = (
    Story("README.md", anew=True),
    Story("CONTRIBUTING.md"),
    Story("docs/user/getting-started.md"),
    Story("docs/user/routes.md"),
    Story("docs/user/testing.md"),
    Story("docs/user/cli.md", stops=True),
    Story("examples/todo/README.md", beside=True),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.page)
def test_a_page_can_be_followed(story: Story, tmp_path: Path) -> None:
    page = Page(ROOT / story.page)
    copied = page.path.parent if story.beside else None
    follow(page.blocks, tmp_path, anew=story.anew, stops=story.stops, copied=copied)


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([Block("sh", "m strat")], "m strat"),
        ([Block("sh", "false\ntrue")], "this failed"),
        ([Block("sh", "make sense")], "this failed"),
        ([Block("sh", "m start")], "did not become healthy"),
        ([Block("sh", "echo begun; sleep 300 | cat")], "(?s)not done after 2 seconds.*sleep 300.*begun"),
        ([Block("sh", "echo '{\"a\": 1}'"), Block("json", '{"a": 2}')], "was promised"),
        ([Block("sh", "A=1"), Block("sh", "test $A = 2")], "this failed"),
    ],
    ids=lambda part: part[0].text if isinstance(part, list) else "",
)
def test_what_does_not_work_fails(
    blocks: list[Block], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.journeys.docs.shell._COMMAND_TIMEOUT_SECONDS", 2)
    with pytest.raises(AssertionError, match=said):
        follow(blocks, tmp_path)


def test_files_last_and_a_section_may_begin_anew(tmp_path: Path) -> None:
    made, looked = Block("toml", "# a/b.toml\nx = 1\n", "One"), Block("sh", "test -e a/b.toml", "Two")
    follow([made, looked], tmp_path / "one")
    with pytest.raises(AssertionError):
        follow([made, looked], tmp_path / "other", anew=True)


def test_an_answer_may_hold_more_than_was_promised() -> None:
    assert matches({"a": [{"b": 1, "c": 2}], "d": 3}, {"a": [{"b": 1}]})
    assert not matches({"a": [{"b": 1}, {"b": 1}]}, {"a": [{"b": 1}]})
    assert not matches({}, {"a": None})
