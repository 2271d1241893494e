"""What the embedded stack would have mailed, to be read here: on a developer's machine only."""

from flask import Blueprint

from app.web.door import public
from app.web.mail_folder import sent_mail, sent_mails
from app.web.responses import show

bp = Blueprint("mails", __name__)


@bp.get("/mail")
@public
def index():
    """The newest mails of this machine."""
    return show("mails/index.html", mails=sent_mails())


@bp.get("/mail/<uuid:mail_id>", endpoint="show")
@public
def show_mail(mail_id):
    """One mail, with its links to follow."""
    return show("mails/show.html", mail=sent_mail(mail_id))
