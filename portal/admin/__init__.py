"""The officers' door: today, cases, people, audit."""

from portal.admin import audit, cases, people, sign_in, today

routes = [*sign_in.routes, *today.routes, *cases.routes, *people.routes, *audit.routes]
