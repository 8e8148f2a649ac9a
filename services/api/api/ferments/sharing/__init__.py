"""What people share of their batches, for everybody who has the address."""
