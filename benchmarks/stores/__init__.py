"""The databases of the contenders: made, filled, counted and dropped."""
