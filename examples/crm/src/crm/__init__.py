"""A small CRM: what Framework M's documentation and journeys use."""
