"""What is declared: DocTypes, controllers and event handlers, compiled into one immutable registry. No I/O."""
