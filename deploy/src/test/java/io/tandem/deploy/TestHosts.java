package io.tandem.deploy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Hosts that are network namespaces of this one, on a bridge of their own, whose links a test can
 * cut, or make lose packets. What is cut is silent: nobody is told that nobody listens. Needs root
 * and iproute2; {@link #lose} needs iptables, since many kernels have no netem.
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
        misdirect(a, b);
        misdirect(b, a);
      }
    }
  }

  private void misdirect(String from, String to) throws IOException, InterruptedException {
    neighbour(List.of("-n", namespace(from)), "replace", address(to), "e0");
  }

  private void neighbour(List<String> where, String verb, String address, String link)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(where);
    command.addAll(List.of("neighbour", verb, address, "dev", link));
    if (verb.equals("replace")) {
      command.addAll(List.of("lladdr", NOWHERE, "nud", "permanent"));
    }
    run(command);
  }

  /** Ends {@link #part}. */
  void join(List<String> left, List<String> right) throws IOException, InterruptedException {
    for (String a : left) {
      for (String b : right) {
        neighbour(List.of("-n", namespace(a)), "del", address(b), "e0");
        neighbour(List.of("-n", namespace(b)), "del", address(a), "e0");
      }
    }
  }

  /** Nothing goes between those hosts and this one any more. */
  void partFromHere(List<String> names) throws IOException, InterruptedException {
    for (String name : names) {
      neighbour(List.of(), "replace", address(name), bridge());
      neighbour(List.of("-n", namespace(name)), "replace", gateway(), "e0");
    }
  }

  /** Ends {@link #partFromHere}. */
  void joinHere(List<String> names) throws IOException, InterruptedException {
    for (String name : names) {
      neighbour(List.of(), "del", address(name), bridge());
      neighbour(List.of("-n", namespace(name)), "del", gateway(), "e0");
    }
  }

  /** From now on that share of the packets that come to the host is lost, whatever they carry. */
  void lose(String name, double share) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(on(name));
    command.addAll(List.of("iptables -w -A INPUT -i e0 -m statistic --mode random".split(" ")));
    command.addAll(List.of("--probability", String.valueOf(share), "-j", "DROP"));
    run(command);
  }

  /** Ends {@link #lose}. */
  void loseNothing(String name) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(on(name));
    command.addAll(List.of("iptables", "-w", "-F", "INPUT"));
    run(command);
  }

  /** Packets that {@link #lose} has dropped on that host. */
  long lost(String name) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(on(name));
    command.addAll(List.of("iptables", "-w", "-n", "-v", "-x", "-L", "INPUT"));
    return run(command)
        .lines()
        .filter(line -> line.contains("DROP"))
        .mapToLong(line -> Long.parseLong(line.strip().split(" +")[0]))
        .sum();
  }

  /** The processes that run on that host. */
  Set<Long> processes(String name) throws IOException, InterruptedException {
    return run(List.of("ip", "netns", "pids", namespace(name)))
        .lines()
        .map(Long::valueOf)
        .collect(Collectors.toSet());
  }

  private static void ip(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    run(command);
  }

  /** What a command of the system says; that it fails is an error. */
  static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(20, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException(String.join(" ", command) + ": " + said.strip());
    }
    return said;
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
