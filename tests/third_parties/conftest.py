"""The packages' own tests run in environments of their own: `tests/isolation/test_contracts_of_others.py`."""

collect_ignore_glob = ["*"]
