"""Permissions of callers: grants, their cache, and the policy engine."""
