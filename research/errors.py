"""The one exception for bad input that a user can mend."""


class RoadsegError(ValueError):
    """Bad input, described in one line that names the file, the offending value and the way out.

    The command line prints the message alone, without a traceback, and exits with status 2.
    A ValueError, for those who catch what they call the package with.
    """

    # Where it passes through a layer or a graph, Keras and AutoGraph would write lines around the
    # message, about arguments and source code; these are the marks by which they let it be.
    _keras_call_info_injected = True
    ag_pass_through = True

    status = 2
    """Exit status of a command that ends with it."""
