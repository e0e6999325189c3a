"""How documents are stored and found: values in BSON, filters as queries, indexes and validators."""
