"""Migrations of any store: the files of an app in their order, and what runs its patches."""
