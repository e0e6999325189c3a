"""Apps and DocTypes written from templates."""
