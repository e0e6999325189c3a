"""Samples: values that fields accept, bodies and documents made of them."""
