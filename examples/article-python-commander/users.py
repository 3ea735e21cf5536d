"""Makes the SQLite database that the intent asks: `python users.py users.db`."""

import sqlite3
import sys

USERS = [("Amelia", "Dallas", 1), ("Bessie", "Chicago", 0), ("Harriet", "Houston", 1)]


def main() -> None:
    database = sqlite3.connect(sys.argv[1])
    with database:
        database.execute("CREATE TABLE users (name TEXT NOT NULL, city TEXT NOT NULL, active INTEGER NOT NULL)")
        database.executemany("INSERT INTO users VALUES (?, ?, ?)", USERS)
    database.close()


if __name__ == "__main__":
    main()
