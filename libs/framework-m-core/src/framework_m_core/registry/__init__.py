"""What is declared: DocTypes, controllers and event handlers, compiled into one immutable snapshot. No I/O."""
