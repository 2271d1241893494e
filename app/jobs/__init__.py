"""Work done later: thin entry points that find the tenant, call a command, and may run twice."""
