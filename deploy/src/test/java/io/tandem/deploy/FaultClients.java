package io.tandem.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.tandem.deploy.client.ClientException;
import io.tandem.deploy.client.TandemClient;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.awaitility.Awaitility;

/** The coordinators of a {@link FaultCluster} as their users see them. */
final class FaultClients {
  private static final Duration LED = Duration.ofSeconds(120);

  private final Map<String, TandemClient> clients = new LinkedHashMap<>();

  FaultClients(TestHosts hosts, String token) {
    for (String host : FaultCluster.COORDINATORS) {
      clients.put(
          host, new TandemClient(URI.create("http://" + hosts.address(host) + ":8080"), token));
    }
  }

  /** Which coordinator leads. */
  String leader() {
    return Awaitility.await("a leader")
        .atMost(LED)
        .until(
            () -> FaultCluster.COORDINATORS.stream().filter(this::leads).findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  boolean leads(String host) {
    try {
      return clients.get(host).metrics().contains("tandem_coordinator_leader 1.0");
    } catch (ClientException e) {
      return false;
    }
  }

  static String otherThan(String host) {
    return FaultCluster.COORDINATORS.stream()
        .filter(h -> !h.equals(host))
        .findFirst()
        .orElseThrow();
  }

  /** How long it takes until that coordinator leads. */
  Duration untilLeads(String host, Duration atMost) {
    long start = System.nanoTime();
    Awaitility.await("that " + host + " leads")
        .atMost(atMost)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> leads(host));
    return Duration.ofNanos(System.nanoTime() - start);
  }

  /** What the first coordinator says that answers. */
  <T> T ask(Function<TandemClient, T> question) {
    ClientException last = null;
    for (TandemClient client : clients.values()) {
      try {
        return question.apply(client);
      } catch (ClientException e) {
        last = e;
      }
    }
    throw last;
  }

  /**
   * From now on that coordinator is asked first: others may be cut off, and not answer for long.
   */
  void speakTo(String host) {
    TandemClient first = clients.remove(host);
    Map<String, TandemClient> others = new LinkedHashMap<>(clients);
    clients.clear();
    clients.put(host, first);
    clients.putAll(others);
  }

  /** Waits until every coordinator knows these workers and no others. */
  void awaitWorkers(Set<String> ids, Duration atMost) {
    for (TandemClient client : clients.values()) {
      Awaitility.await("that all are registered at " + client.server())
          .atMost(atMost)
          .pollInterval(Duration.ofMillis(100))
          .ignoreExceptionsInstanceOf(ClientException.class)
          .untilAsserted(() -> assertThat(workers(client)).isEqualTo(ids));
    }
  }

  private static Set<String> workers(TandemClient client) {
    Set<String> ids = new TreeSet<>();
    for (JsonNode worker : client.workers().path("workers")) {
      ids.add(worker.path("id").asText());
    }
    return ids;
  }
}
