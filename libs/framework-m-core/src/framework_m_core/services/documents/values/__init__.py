"""Values of fields beside those that bodies give: what is fixed, copied, given by default and computed."""
