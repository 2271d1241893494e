"""What lies in PostgreSQL: the format of its chains, and their verification."""
