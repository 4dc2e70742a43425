"""A small service whose sessions should be gone after each request: one stays, in three places."""
import threading
import time

import holdfast


class Session:
    def __init__(self, user):
        self.user = user
        self.rows = list(range(1000))


class Failed(Exception):
    pass


RECENT = {"failures": []}
mail = threading.Event()


def send_mail(session):
    mail.wait()


def load(session):
    rows = session.rows[:10]
    raise Failed(f"{len(rows)} rows are too few")


def handle(user):
    session = Session(user)
    holdfast.should_go_away(session, "session", within=1)
    threading.Thread(target=send_mail, args=(session,), name="mail", daemon=True).start()
    try:
        load(session)
    except Failed as error:
        RECENT["failures"].append(error)


holdfast.configure(seconds=30)
handle("ada")
while holdfast.pending():
    time.sleep(0.01)
mail.set()
