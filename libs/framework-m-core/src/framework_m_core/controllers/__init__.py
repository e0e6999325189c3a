"""What app authors subclass and decorate."""
