"""The entry of the web server. gunicorn's gevent worker has patched the standard library by now."""

from app import create_app
from app.core import rubbish
from app.web.warming import warm_up

with rubbish.none_yet():
    app = create_app()
    warm_up(app)
