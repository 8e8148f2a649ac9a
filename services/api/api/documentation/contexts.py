"""All routes, whichever function answers them."""

from api.ferments.exporting.routes import routes as export
from api.ferments.routes import routes as ferments
from api.ferments.sharing.routes import routes as public
from api.kernel.routes import routes as kernel
from api.markets.routes import routes as markets
from api.observability.commands.routes import routes as observability_commands
from api.observability.healthz.routes import routes as healthz
from api.observability.queries.routes import routes as observability_queries
from api.people.routes import account
from api.people.routes import routes as people
from api.people.signin.routes import routes as auth

CONTEXTS = (
    auth,
    kernel,
    markets,
    observability_commands,
    observability_queries,
    account,
    people,
    ferments,
    export,
    public,
    healthz,
)
