package io.tandem.deploy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import io.tandem.deploy.client.TandemClient;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** A coordinator in a process of its own, on free loopback ports, with a store in a directory. */
final class CoordinatorChild implements AutoCloseable {
  /**
   * What it takes.
   *
   * @param heapBytes in use after a garbage collection
   * @param residentBytes of the process, by the kernel
   */
  record Usage(long heapBytes, long residentBytes) {}

  private final ChildProcess process;
  private final URI rest;
  private final HostPort control;

  private CoordinatorChild(ChildProcess process, URI rest, HostPort control) {
    this.process = process;
    this.rest = rest;
    this.control = control;
  }

  /**
   * Starts it and waits until it serves.
   *
   * @param directory for its store, and {@code coordinator.log}
   * @param database URL of a PostgreSQL in place of the store; empty for none
   */
  static CoordinatorChild start(Path directory, String database) {
    List<String> command = new ArrayList<>(List.of("coordinator", "--json"));
    command.addAll(List.of("--rest-port", "0", "--control-port", "0"));
    command.addAll(
        database.isBlank()
            ? List.of("--store", directory.resolve("store").toString())
            : List.of("--database", database));
    Path log = directory.resolve("coordinator.log");
    Set<String> inherited = database.isBlank() ? Set.of() : DatabaseOptions.CREDENTIALS;
    ChildProcess process = ChildProcess.start(command, log, inherited);
    try {
      JsonNode serves = new ObjectMapper().readTree("{" + process.awaitLine("{"));
      return new CoordinatorChild(
          process,
          URI.create(serves.path("rest").asText()),
          HostPort.parse("--control", serves.path("control").asText()));
    } catch (JsonProcessingException e) {
      process.close();
      throw new IllegalStateException("the coordinator's first line is no JSON", e);
    } catch (CommandException e) {
      process.close();
      throw new CommandException(
          ExitCode.FAILED, "the coordinator does not start; it says last: " + lastLine(log));
    } catch (RuntimeException e) {
      process.close();
      throw e;
    }
  }

  private static String lastLine(Path log) {
    try {
      List<String> lines = Files.readAllLines(log);
      return lines.isEmpty() ? "nothing" : lines.get(lines.size() - 1);
    } catch (IOException e) {
      return log + " cannot be read: " + e;
    }
  }

  URI rest() {
    return rest;
  }

  TandemClient client() {
    return new TandemClient(rest, "");
  }

  InetSocketAddress control() {
    return InetSocketAddress.createUnresolved(control.host(), control.port());
  }

  /** What it has used of the processors since it was started. */
  double cpuSeconds() {
    return process.cpuSeconds();
  }

  /** Collects its garbage first. */
  Usage usage() {
    try {
      return new Usage(heap(), resident());
    } catch (IOException | AttachNotSupportedException e) {
      throw new CommandException(
          ExitCode.FAILED, "the coordinator's memory cannot be measured: " + e);
    }
  }

  private long heap() throws IOException, AttachNotSupportedException {
    VirtualMachine machine = VirtualMachine.attach(String.valueOf(process.pid()));
    String address;
    try {
      address = machine.startLocalManagementAgent();
    } finally {
      machine.detach();
    }
    try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(address))) {
      MemoryMXBean memory =
          ManagementFactory.newPlatformMXBeanProxy(
              connector.getMBeanServerConnection(),
              ManagementFactory.MEMORY_MXBEAN_NAME,
              MemoryMXBean.class);
      memory.gc();
      return memory.getHeapMemoryUsage().getUsed();
    }
  }

  private long resident() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc", String.valueOf(process.pid()), "status")).stream()
            .filter(l -> l.startsWith("VmRSS:"))
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
  }

  @Override
  public void close() {
    process.close();
  }
}
