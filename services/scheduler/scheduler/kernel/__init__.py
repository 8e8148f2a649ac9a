"""What the kernel watch needs done when time has come."""
