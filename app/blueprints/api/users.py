"""The people of an organisation in JSON: whom a task can be assigned to."""

from app.blueprints.api import api
from app.queries.users import list_people
from app.schemas.users import UserOut
from app.web.fieldsets import with_fields
from app.web.listing import whole_list
from app.web.parsing import read_parameters
from app.web.sign_in import current_actor


@api.get("/users")
def list_users():
    """Everybody who works here, by name."""
    given = read_parameters("fields")
    return whole_list(with_fields(given, UserOut, [UserOut.of(person) for person in list_people(current_actor())]))
