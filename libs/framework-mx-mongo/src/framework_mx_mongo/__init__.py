"""MongoDB as the primary store of Framework M."""
