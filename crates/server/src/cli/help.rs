//! What the help of `labserver` says besides its options, and under which headings those stand.

/// What follows the options.
pub(super) const EXAMPLES: &str = "\
First steps:
  labserver --mode atm                  the bank, on 127.0.0.1:9005
  labclient atm                         in another terminal: the cash
                                        machine; card 123456789, PIN 1234
  labserver ledger audit                where the money is

Examples:
  labserver --mode text --wire line     for netcat or telnet
  labserver --mode all --bind 0.0.0.0   every service, for a class
  labserver --mode text,chat --port 9100
                                        two of them, on 9106 and 9108
  labserver --handout atm-login         for the cash machine of report 000
  labserver --mode proxy --to localhost:9005 --wire netstring \\
            --fault drop-reply=#3       stand before a server, and lose its
                                        third message

When it is ready it prints one line a socket on standard output, as in
`listening atm tcp 127.0.0.1:9005`. Everything else goes to standard error.";

/// What follows the examples where there is room for it.
pub(super) const PARTICULARS: &str = "\
Signals:
  SIGTERM, SIGINT, SIGHUP               open conversations may end, for 5 s
                                        at most
  SIGTERM, SIGINT once more             at once

Files:
  ~/.local/state/socketlab/bank.db      the bank's ledger, or in
                                        $XDG_STATE_HOME/socketlab

Environment:
  REDISCLI_AUTH                         the password of the Redis of --room
  NO_COLOR, CLICOLOR, CLICOLOR_FORCE    whether there are colours
  TERM                                  dumb has none

Exit status:
  0  it was asked to stop, or did what it was asked
  1  it could not, or a check or an audit found something
  2  usage";

// The headings of the options, in the order of the help.
pub(super) const SERVICE: &str = "Service";
pub(super) const NETWORK: &str = "Network";
pub(super) const FAULTS: &str = "Faults";
pub(super) const RECORDING: &str = "Recording";
pub(super) const PAGE: &str = "Live page";
pub(super) const LOG: &str = "Log";
