"""The concrete DocType class and the built-in DocTypes."""
