"""What the Python programs share: steps with their time, the records and their check."""

import contextlib
import logging
import os
import sys
import threading
import time
import traceback
from collections import Counter

logging.basicConfig(level=os.environ.get("LOG_LEVEL", "WARNING"), format="%(asctime)s %(name)s %(message)s")

BOOTSTRAP = os.environ["BOOTSTRAP"]
RUN = os.environ["RUN"]
KEYS = 50
PATIENCE = 60.0


@contextlib.contextmanager
def step(name):
    """Prints `step NAME SECONDS`, which run.sh reads; an error ends the program."""
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"step {name} FAILED after {time.monotonic() - start:.1f} s", flush=True)
        traceback.print_exc()
        # Clients leave threads behind that would keep the program alive.
        sys.stderr.flush()
        os._exit(1)
    print(f"step {name} {time.monotonic() - start:.1f}", flush=True)


def name(what):
    return f"{RUN}-{what}"


def key(i):
    return f"k{i % KEYS}".encode()


def value(i):
    return f"value {i}".encode()


def header(i):
    return f"{i}".encode()


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")


def wait(what, condition, patience=PATIENCE):
    """Waits until `condition()` is true and returns what it gave."""
    deadline = time.monotonic() + patience
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.05)
    return result


def check(records, numbers):
    """`records` are (key, value, header): exactly `numbers`, in order for each key."""
    seen = [int(value.decode().removeprefix("value ")) for _, value, _ in records]
    missing, extra = Counter(numbers) - Counter(seen), Counter(seen) - Counter(numbers)
    equal((sorted(missing), sorted(extra)), ([], []), "records that are missing, or once too many")
    last = {}
    for i, (k, _, h) in zip(seen, records):
        equal((k, h), (key(i), header(i)), f"key and header of record {i}")
        if last.get(k, -1) > i:
            raise AssertionError(f"{k} has record {i} after {last[k]}")
        last[k] = i


def shared_out(assignments, partitions=3):
    """True when every member has something, and each partition one owner."""
    owned = [p for a in assignments for p in a]
    return all(assignments) and sorted(owned) == list(range(partitions))


class Member:
    """A consumer of a group in its own thread, which commits what it reads.

    A client says how: `poll` gives records, `commit` whether it did, `owned`
    the partitions.
    """

    def __init__(self, consumer):
        self.consumer = consumer
        self.records = []
        self.assignment = ()
        self.error = None
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            pending = []
            while not self.ended.is_set():
                pending += self.poll(self.consumer)
                if pending and self.commit(self.consumer):
                    self.records += pending
                    pending = []
                self.assignment = self.owned(self.consumer)
            self.consumer.close()
        except BaseException as error:
            self.error = error
            raise

    def close(self):
        self.ended.set()
        self.thread.join(PATIENCE)
        if self.thread.is_alive() or self.error:
            raise AssertionError(f"the consumer did not close: {self.error}")


def group_of_three(start, produce, resume):
    """Two members, a third joins, one leaves, and a new one resumes from the commit.

    `start()` gives a member, `produce(numbers)` writes, `resume` is called
    while two members are in the group.
    """
    members = [start(), start()]

    def settled(count):
        for member in members:
            if member.error:
                raise member.error
        return len(members) == count and shared_out([m.assignment for m in members])

    def read(numbers):
        for member in members:
            member.records.clear()
        produce(numbers)
        wait(
            f"{len(numbers)} records",
            lambda: any(m.error for m in members) or sum(len(m.records) for m in members) >= len(numbers),
        )
        settled(len(members))
        check([r for m in members for r in m.records], numbers)

    wait("two members share the topic", lambda: settled(2))
    read(range(0, 1000))
    members.append(start())
    wait("three members share the topic", lambda: settled(3))
    read(range(1000, 1300))
    members.pop(0).close()
    wait("the two that stay share the topic", lambda: settled(2))
    read(range(1300, 1400))
    resume()
    for member in members:
        member.close()
    members[:] = []
    produce(range(1400, 1450))
    members.append(start())
    wait("50 records", lambda: len(members[0].records) >= 50)
    check(members[0].records, range(1400, 1450))
    members[0].close()
