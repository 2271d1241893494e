"""Lists, boards, reports, search: filtered by tenant and permission, loaded at once, paged by key."""
