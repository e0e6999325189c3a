"""What adapters of brokers share: the encoding of events, and the reader of a group."""
