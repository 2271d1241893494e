"""The entry of the web server. gunicorn's gevent worker has patched the standard library by now."""

from app import create_app

app = create_app()
