"""What links lead to: targets by id and by name, their titles, and expansion."""
