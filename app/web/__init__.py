"""The mechanisms of HTTP: reading a request, saying who asks, showing the result."""
