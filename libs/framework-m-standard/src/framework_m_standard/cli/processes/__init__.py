"""The processes of `m start` and `m prod`: sockets, workers, and who starts them."""
