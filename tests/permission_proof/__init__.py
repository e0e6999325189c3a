"""Permission proofs: random declarations, documents and requests, and their results per architecture section 5."""
