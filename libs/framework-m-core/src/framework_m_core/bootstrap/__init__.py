"""From installed packages and configuration to a running application."""
