package io.tandem.worker.fabric;

import io.aeron.driver.MediaDriver;
import io.tandem.protocol.mesh.Member;
import io.tandem.protocol.mesh.Roster;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * A worker's part of an attempt's data plane: a fabric for each of its ranks. Ranks of this worker
 * exchange in process, with others over Aeron; where there are no others, Aeron is not started.
 * Close it when the ranks' threads have ended; the peers then have what was sent to them.
 */
public final class Fabrics implements AutoCloseable {
  private final List<Fabric> ranks;
  final AeronTransport transport;

  private Fabrics(List<Fabric> ranks, AeronTransport transport) {
    this.ranks = ranks;
    this.transport = transport;
  }

  /**
   * Opens the fabrics of a worker's ranks and waits until every peer is there.
   *
   * @throws IllegalStateException where this host cannot serve; see {@link Preflight}
   * @throws PeerLostException where peers are missing after the settings' connect timeout; names
   *     them
   */
  public static Fabrics open(Roster roster, String workerId, FabricSettings settings) {
    return open(roster, workerId, settings, () -> false);
  }

  /**
   * As {@link #open(Roster, String, FabricSettings)}; the wait for peers also ends, with a {@link
   * PeerLostException}, when it is given up.
   *
   * @param givenUp asked again and again
   */
  public static Fabrics open(
      Roster roster, String workerId, FabricSettings settings, BooleanSupplier givenUp) {
    return open(roster, workerId, settings, givenUp, context -> {});
  }

  /** For tests: with other settings of the embedded driver. */
  static Fabrics open(
      Roster roster,
      String workerId,
      FabricSettings settings,
      Consumer<MediaDriver.Context> driverChange) {
    return open(roster, workerId, settings, () -> false, driverChange);
  }

  private static Fabrics open(
      Roster roster,
      String workerId,
      FabricSettings settings,
      BooleanSupplier givenUp,
      Consumer<MediaDriver.Context> driverChange) {
    List<Member> members = roster.members();
    List<Integer> local =
        members.stream().filter(m -> m.workerId().equals(workerId)).map(Member::rank).toList();
    if (local.isEmpty()) {
      throw new IllegalArgumentException(
          "worker " + workerId + " has no rank in attempt " + roster.attempt());
    }
    Member self = members.get(local.get(0));
    List<Member> others = members.stream().filter(m -> !m.workerId().equals(workerId)).toList();
    Preflight.check(
        (int) others.stream().map(Member::workerId).distinct().count(),
        others.stream()
            .filter(m -> !m.driver().equals(self.driver()))
            .map(Member::host)
            .distinct()
            .toList(),
        settings);
    int size = members.size();
    Departures departures = new Departures(size);
    AeronTransport transport =
        local.size() == size
            ? null
            : new AeronTransport(roster, self, settings, departures, driverChange);
    Route[] routes = new Route[size];
    Arrays.fill(routes, transport);
    Route rendezvous = new InProcessFabric.Rendezvous(size);
    local.forEach(rank -> routes[rank] = rendezvous);
    int neighbours = (int) members.stream().filter(m -> m.host().equals(self.host())).count();
    List<Fabric> ranks =
        local.stream()
            .<Fabric>map(
                rank -> new RoutedFabric(rank, routes, departures, settings.timeout(), neighbours))
            .toList();
    Fabrics fabrics = new Fabrics(ranks, transport);
    if (transport != null) {
      try {
        transport.connect(settings.connectTimeout(), givenUp);
      } catch (RuntimeException e) {
        fabrics.close();
        throw e;
      }
    }
    return fabrics;
  }

  /** One for each rank of this worker, in the order of their indices. */
  public List<Fabric> ranks() {
    return ranks;
  }

  /** What was counted so far; may be called from any thread. */
  public FabricCounters counters() {
    return transport == null ? FabricCounters.NONE : transport.counters();
  }

  @Override
  public void close() {
    try {
      ranks.forEach(Fabric::close);
    } finally {
      if (transport != null) {
        transport.close();
      }
    }
  }
}
