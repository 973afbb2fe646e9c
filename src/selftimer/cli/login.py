"""`login` and `logout`: whose account Selftimer works on."""

from typing import Annotated

from cyclopts import Parameter

from selftimer.cli.options import HERE, AsJson, Workspace


def login(
    *,
    cookie: Annotated[
        bool,
        Parameter(help="Paste the Cookie header, or a request copied as cURL, of a browser that is signed in."),
    ] = False,
    keyring: Annotated[bool, Parameter(help="Keep it in this machine's keyring instead of a file.")] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Sign in to the studio: asks for e-mail and password, tries them, and keeps them for the service.

    What is secret is asked for, or read from standard input, and never a part of the command. The first account that is
    signed in to is the workspace's for good. A running service takes up a new login at once.
    """
    from selftimer.cli.signing_in import log_in

    return log_in(workspace, cookie=cookie, keyring=keyring, as_json=as_json)


def logout(
    *,
    forget_account: Annotated[
        bool, Parameter(help="Forget which account it was as well, so that another one can be signed in to.")
    ] = False,
    workspace: Workspace = HERE,
    as_json: AsJson = False,
) -> int:
    """Forget what `selftimer login` keeps, and the session. The session itself ends in the studio by itself."""
    from selftimer.cli.signing_in import log_out

    return log_out(workspace, forget_account=forget_account, as_json=as_json)
