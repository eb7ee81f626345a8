"""The one exception for bad input that a user can mend."""


class RoadsegError(Exception):
    """Bad input, described in one line that names the file, the offending value and the way out.

    The command line prints the message alone, without a traceback, and exits with status 2.
    """
