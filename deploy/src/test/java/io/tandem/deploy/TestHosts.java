package io.tandem.deploy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Hosts that are network namespaces of this one, on a bridge of their own, whose links a test can
 * cut. What is cut is silent: nobody is told that nobody listens. Needs root and iproute2.
 */
final class TestHosts implements AutoCloseable {
  /** Nobody has this address: what is sent there is lost on the way. */
  private static final String NOWHERE = "02:00:00:00:00:ff";

  private final String prefix = "td" + ProcessHandle.current().pid();
  private final String subnet = "10.213." + ProcessHandle.current().pid() % 250 + ".";
  private final Map<String, Integer> numbers = new LinkedHashMap<>();

  /** Makes these; each name is a letter. */
  TestHosts(Collection<String> names) throws IOException, InterruptedException {
    try {
      ip("link", "add", bridge(), "type", "bridge");
      ip("address", "add", gateway() + "/24", "dev", bridge());
      ip("link", "set", bridge(), "up");
      for (String name : names) {
        numbers.put(name, 2 + numbers.size());
        add(name);
      }
    } catch (IOException e) {
      try {
        close();
      } catch (IllegalStateException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  /** Why there can be none here, or nothing. */
  static String missing() throws InterruptedException {
    try (TestHosts trial = new TestHosts(List.of("z"))) {
      ip("netns", "exec", trial.namespace("z"), "true");
      return "";
    } catch (IOException e) {
      return e.getMessage();
    }
  }

  private void add(String name) throws IOException, InterruptedException {
    ip("netns", "add", namespace(name));
    ip("link", "add", port(name), "type", "veth", "peer", "name", "e0", "netns", namespace(name));
    ip("link", "set", port(name), "master", bridge());
    ip("link", "set", port(name), "up");
    ip("-n", namespace(name), "address", "add", address(name) + "/24", "dev", "e0");
    ip("-n", namespace(name), "link", "set", "lo", "up");
    ip("-n", namespace(name), "link", "set", "e0", "up");
  }

  private String bridge() {
    return prefix + "br";
  }

  private String namespace(String name) {
    return prefix + name;
  }

  private String port(String name) {
    return prefix + "p" + name;
  }

  /** This host's address among them. */
  String gateway() {
    return subnet + "1";
  }

  String network() {
    return subnet + "0/24";
  }

  String address(String name) {
    return subnet + numbers.get(name);
  }

  /** The command that runs another on that host. */
  List<String> on(String name) {
    return List.of("ip", "netns", "exec", namespace(name));
  }

  /** Cuts that host off from all others and from this one. */
  void cut(String name) throws IOException, InterruptedException {
    ip("link", "set", port(name), "down");
  }

  void mend(String name) throws IOException, InterruptedException {
    ip("link", "set", port(name), "up");
  }

  /** Nothing goes between the two sides any more; this host reaches both. */
  void part(List<String> left, List<String> right) throws IOException, InterruptedException {
    for (String a : left) {
      for (String b : right) {
        lose(a, b);
        lose(b, a);
      }
    }
  }

  private void lose(String from, String to) throws IOException, InterruptedException {
    ip(
        "-n",
        namespace(from),
        "neighbour",
        "replace",
        address(to),
        "lladdr",
        NOWHERE,
        "dev",
        "e0",
        "nud",
        "permanent");
  }

  /** Ends {@link #part}. */
  void join(List<String> left, List<String> right) throws IOException, InterruptedException {
    for (String a : left) {
      for (String b : right) {
        ip("-n", namespace(a), "neighbour", "del", address(b), "dev", "e0");
        ip("-n", namespace(b), "neighbour", "del", address(a), "dev", "e0");
      }
    }
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + ": " + said.strip());
    }
  }

  /** Removes all; every process on them must have ended. */
  @Override
  public void close() throws InterruptedException {
    List<String> left = new ArrayList<>();
    for (String name : numbers.keySet()) {
      // Connections that nobody answers any more keep the namespace for a while, but not the link.
      remove(left, "link", "del", port(name));
      remove(left, "netns", "del", namespace(name));
    }
    remove(left, "link", "del", bridge());
    if (!left.isEmpty()) {
      throw new IllegalStateException("not removed: " + left);
    }
  }

  private static void remove(List<String> left, String... arguments) throws InterruptedException {
    try {
      ip(arguments);
    } catch (IOException e) {
      left.add(e.getMessage());
    }
  }
}
