"""Contract suites, fakes and generators for adapters and apps of Framework M."""
