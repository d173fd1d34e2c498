"""A service that the privacy portal can ask: customers, their orders and a newsletter. Copy it and put in your own tables.

    CONNECTOR_SECRET=whsec_… python server.py shop.db 8090

Your usual TLS belongs in front of it. docs/integrate.md says what is asked, and what each answer may hold.
"""

import re
import sys
from collections import Counter
from datetime import date

from door import Conflict, opened

TABLES = {  # what people read about each, and its kind of data
    "orders": ("Your orders", "purchases", {"item": "Item", "invoiced_on": "Invoiced"}),
    "customer": ("Your account", "contact", {"email": "E-mail", "name": "Name", "phone": "Phone", "newsletter": "Newsletter"}),
}
CORRECTABLE = {"name", "phone"}  # columns of customer, called like the portal's fields
ONE = {table: f"SELECT * FROM {table} WHERE id = ?" for table in TABLES}  # another name in a question is a KeyError
LAW, YEARS = "Accounting Act, art. 25", 10


def rows_of(database, identifiers):
    """Everything about the person as (table, row), in the order in which it can be deleted."""
    emails = {each.lower() for each in identifiers.get("email", [])}
    phones = {re.sub(r"\D", "", each) for each in identifiers.get("phone", [])} - {""}
    people = database.execute("SELECT *, lower(email) AS mail FROM customer ORDER BY id").fetchall()  # a larger one: by an index
    mine = [each for each in people if each["mail"] in emails or re.sub(r"\D", "", each["phone"] or "") in phones]
    sold = [each for me in mine for each in database.execute("SELECT * FROM orders WHERE customer = ? ORDER BY id", (me["id"],))]
    return [("orders", each) for each in sold] + [("customer", each) for each in mine]


def finding(table, row):
    label, category, columns = TABLES[table]
    fields = [{"column": column, "label": title, "value": row[column]} for column, title in columns.items()]
    for field in fields if table == "customer" else []:  # what proves whose row it is; what stands here; what may be written
        field |= {"identifying": field["column"] in ("email", "phone"), "correctable": field["column"] in CORRECTABLE}
        field["means"] = field["column"]
    return {"table": table, "key": {"id": row["id"]}, "category": category, "label": label, "fields": fields}


def find(database, data):
    return [finding(*each) for each in rows_of(database, data["identifiers"])]


def plan(database, data):
    """Row by row what an erasure would do. Invoices stay as long as the law says, and their customer without a name."""
    rows, kept = [], set()
    for table, row in rows_of(database, data["identifiers"]):
        what = {"action": "delete", "set": {}, "law": "", "until": None, "why": ""}
        until = f"{int(row['invoiced_on'][:4]) + YEARS}-12-31" if table == "orders" and row["invoiced_on"] else ""
        if until >= date.today().isoformat():
            kept.add(row["customer"])
            what |= {"action": "keep", "law": LAW, "until": until}
        elif table == "customer" and row["id"] in kept:
            what |= {"action": "anonymise", "set": {"email": None, "name": None, "phone": None}, "why": "pointed-at"}
        rows.append({"table": table, "label": TABLES[table][0], "key": {"id": row["id"]}, **what})
    return rows


def erase(database, data):
    """Exactly the plan that was approved: a row more or less, and nothing happens."""
    if plan(database, data) != data["rows"]:
        raise Conflict("unlike-plan")
    counts = Counter((row["table"], row["action"]) for row in data["rows"])
    for row in data["rows"]:
        if row["action"] == "delete":
            database.execute(f"DELETE FROM {row['table']} WHERE id = ?", (row["key"]["id"],))
        for column, value in row["set"].items():
            database.execute(f"UPDATE {row['table']} SET {column} = ? WHERE id = ?", (value, row["key"]["id"]))
    return {"counts": [{"table": table, "action": action, "rows": rows} for (table, action), rows in counts.items()]}


def recheck(database, data):
    """What is left: kept rows as expected, anything else not. By the planned keys, and by every identifier once more."""
    left = {}
    for row in data["plan"]["rows"]:
        there = database.execute(ONE[row["table"]], (row["key"]["id"],)).fetchone()
        emptied = there is not None and all(there[column] == value for column, value in row["set"].items())
        if row["action"] == "keep" or (there is not None if row["action"] == "delete" else not emptied):
            left[row["table"], row["key"]["id"]] = row["action"] == "keep" and emptied
    for table, row in rows_of(database, data["identifiers"]):
        left.setdefault((table, row["id"]), False)
    return [{"table": each[0], "label": TABLES[each[0]][0], "key": {"id": each[1]}, "expected": left[each]} for each in left]


def correct(database, data):
    """Written where it was chosen, or in every row of the person's; and read again. Once more does no harm."""
    mine, done = {row["id"]: row for table, row in rows_of(database, data["identifiers"]) if table == "customer"}, []
    everywhere = [{"table": "customer", "key": {"id": each}, "held": None} for each in mine]
    for field in data["changes"].keys() & CORRECTABLE:
        new = data["changes"][field]
        for name in everywhere if data["rows"] is None else data["rows"].get(field, []):
            row = mine.get(name["key"]["id"]) if name["table"] == "customer" else None
            if row is None:
                raise Conflict("not-theirs")
            if name["held"] not in (None, (row[field] or "").strip()) and row[field] != new:
                raise Conflict("changed-meanwhile")
            database.execute(f"UPDATE customer SET {field} = ? WHERE id = ?", (new, row["id"]))
            now = database.execute(ONE["customer"], (row["id"],)).fetchone()[field]
            done.append({"table": "customer", "key": name["key"], "column": field, "field": field, "old": row[field], "new": now})
    return {"changed": done, "missing": sorted(data["changes"].keys() - CORRECTABLE)}


def consent(database, data):
    """A word with a lower index is an old one that comes late."""
    for table, row in rows_of(database, data["identifiers"]):
        if (table, data["cell"]["purpose"]) == ("customer", "newsletter") and row["told"] < data["index"]:
            new = (data["allowed"], data["index"], row["id"])
            database.execute("UPDATE customer SET newsletter = ?, told = ? WHERE id = ?", new)
    return {}


def check(database, data):
    return {"tables": sorted(TABLES), "problems": []}


if __name__ == "__main__":
    opened(sys.argv[1], int(sys.argv[2]), (find, plan, erase, recheck, correct, consent, check)).serve_forever()
