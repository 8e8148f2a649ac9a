"""All routes there are, whichever function answers them."""

from api.ferments.exporting.routes import routes as export
from api.ferments.routes import routes as ferments
from api.ferments.sharing.routes import routes as public
from api.kernel.routes import routes as kernel
from api.markets.routes import routes as markets
from api.people.routes import account
from api.people.routes import routes as people
from api.people.signin.routes import routes as auth

CONTEXTS = (auth, kernel, markets, account, people, ferments, export, public)
