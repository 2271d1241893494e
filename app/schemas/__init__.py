"""What may come in and what goes out, one noun a file: forms and JSON read by the same schema, JSON written by one."""
