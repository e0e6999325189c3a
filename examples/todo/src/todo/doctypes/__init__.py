"""The documents of the todo app."""
