"""What the interrupted programs of these tests have in common."""

from __future__ import annotations

PRELUDE = """\
import os, signal, sys, threading, time
signal.alarm(30)  # whoever runs it may be killed before it
# A shell's background job is started with SIGINT ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupt(delay):
    def send():
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=send, daemon=True).start()
def interrupt_now():
    signal.raise_signal(signal.SIGINT)
"""

CAUGHT = """\
try:
    run(main)
except KeyboardInterrupt as error:
    print('interrupted', repr(error.__cause__))
"""
"""Runs main, and prints what became of it."""
