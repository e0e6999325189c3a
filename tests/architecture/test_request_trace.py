"""A request passes through no more of our files and functions than it did."""

from __future__ import annotations

from pathlib import Path

from scripts.trace_request import measure
from tests.architecture.ratchets import ratchet


async def test_a_warm_request_passes_through_no_more_of_ours(tmp_path: Path) -> None:
    found = await measure(tmp_path)
    counted = {name: [len({code.co_filename for code in codes}), len(codes)] for name, codes in found.items()}
    assert counted.keys() == ratchet("traced_requests").keys()
    for name, maximum in ratchet("traced_requests").items():
        assert all(count <= bound for count, bound in zip(counted[name], maximum, strict=True)), (name, counted[name])
    assert all(files > 5 and functions > 10 for files, functions in counted.values()), "nothing was traced"
