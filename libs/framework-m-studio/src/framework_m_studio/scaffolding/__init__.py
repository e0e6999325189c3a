"""Generation of apps and DocTypes from templates."""
