"""One function per operation that changes anything: permission, rule, audit, announcement, transaction."""
