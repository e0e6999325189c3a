"""Demo data and demo logins: `python -m crm.demo`, which `make run` calls before the server starts.

Passwords are made per clone, kept in `.m/demo_passwords` for its owner alone, and refused in production.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from framework_m import RequestContext
from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.context import Principal
from framework_m_core.domain.errors import FrameworkError
from framework_m_core.interfaces.identity import Identity, IdentityProtocol

USERS = {
    "admin@example.com": ("Administrator",),
    "manager@example.com": ("Sales Manager",),
    "alice@example.com": ("Sales User",),
    "bob@example.com": ("Sales User",),
}
CUSTOMERS = ("Ada Lovelace", "Blaise Pascal", "Curie & Sons", "Émilie du Châtelet")
ITEMS = (("CHAIR", "Office chair", "249.00"), ("DESK", "Standing desk", "899.00"), ("LAMP", "Desk lamp", "79.50"))


async def load() -> dict[str, str]:
    """Makes the demo users, and for each sales user customers, contacts, items and an invoice, once."""
    async with open_application() as app:
        if app.settings.production:
            raise FrameworkError("demo logins are refused in production: create users with `m user create`")
        passwords = _passwords(app.settings.data_folder / "demo_passwords")
        identity: IdentityProtocol = app.container.get("identity")
        for email, roles in USERS.items():
            user = await identity.find_by_email(email)
            if user is None:
                user = await identity.create(email, passwords[email], roles, for_development=True)
                if "Sales User" in roles:
                    await _documents(app, user, email.partition("@")[0])
            elif await identity.verify_password(email, passwords[email]) is None:
                await identity.set_password(email, passwords[email], for_development=True)
        return passwords


async def _documents(app: Application, user: Identity, who: str) -> None:
    context = RequestContext(Principal(str(user.id), user.roles, user.email), source="cli")
    documents = app.documents.client_for(context)
    for name in CUSTOMERS:
        customer = await documents.create("Customer", {"full_name": f"{name} ({who})", "territory": "North"})
        await documents.create("Contact", {"full_name": f"Assistant of {name}", "customer": customer["id"]})
        await _invoice(app, context, customer["id"])
    for code, description, rate in ITEMS:
        values = {"item_code": f"{code}-{who.upper()}", "description": description, "rate": rate}
        await documents.create("Item", values)


async def _invoice(app: Application, context: RequestContext, customer: UUID) -> Mapping[str, object]:
    lines = [{"description": description, "qty": "2", "rate": rate} for _, description, rate in ITEMS]
    return await app.documents.client_for(context).create("Invoice", {"customer": customer, "items": lines})


def _passwords(file: Path) -> dict[str, str]:
    """The passwords of this clone, made when there are none yet."""
    if file.exists():
        return dict(line.split(" ", 1) for line in file.read_text().splitlines())
    file.parent.mkdir(parents=True, exist_ok=True)
    passwords = {email: secrets.token_urlsafe(9) for email in USERS}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.writelines(f"{email} {password}\n" for email, password in passwords.items())
    return passwords


def main() -> None:
    """Loads the demo and prints the logins."""
    try:
        passwords = asyncio.run(load())
    except FrameworkError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None
    print("The CRM has these demo logins:")
    for email, password in passwords.items():
        print(f"  {email:22} {password:14} {', '.join(USERS[email])}")
    print("Its DocTypes are Customer, Contact, Item and Invoice, and alice has some of each. To log in as alice:")
    print(_login("alice@example.com", passwords["alice@example.com"], os.environ.get("PORT", "8000")))
    print("PORT=8080 make run serves on another port.")


def _login(email: str, password: str, port: str) -> str:
    """A line for a shell: an access token, for as long as 15 minutes."""
    body = json.dumps({"username": email, "password": password})
    return f"curl -s http://localhost:{port}/api/v1/auth/login -H 'content-type: application/json' -d '{body}'"


if __name__ == "__main__":
    main()
