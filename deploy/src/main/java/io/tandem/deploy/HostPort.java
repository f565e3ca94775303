package io.tandem.deploy;

import java.net.InetSocketAddress;
import java.util.List;

/** An address as people write it. */
record HostPort(String host, int port) {
  /** All of them, not looked up; blank ones are left out. */
  static List<InetSocketAddress> unresolved(String option, List<String> texts) {
    return texts.stream()
        .map(String::strip)
        .filter(text -> !text.isEmpty())
        .map(text -> parse(option, text))
        .map(address -> InetSocketAddress.createUnresolved(address.host(), address.port()))
        .distinct()
        .toList();
  }

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
