package io.tandem.deploy;

/** An address as people write it. */
record HostPort(String host, int port) {
  static HostPort parse(String option, String text) {
    int colon = text.lastIndexOf(':');
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      if (colon > 0 && port > 0 && port < 65536) {
        return new HostPort(text.substring(0, colon), port);
      }
    } catch (NumberFormatException e) {
      // answered below, like every other mistake
    }
    throw new CommandException(
        ExitCode.USAGE,
        "%s %s: give HOST:PORT, for example 127.0.0.1:25520".formatted(option, text));
  }
}
